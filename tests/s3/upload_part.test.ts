import { assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { LIMITS } from "../../src/limits.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { BUCKET, createUpload, openBucketServer } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const body = patternBytes(100);
const CRC32 = checksumOf("CRC32", body);

Deno.test("a part has its MD5 as ETag, and replaces one of its number", async () => {
  const { send, store } = await openBucketServer();
  const uploadId = await createUpload(send, PATH);
  const target = `${PATH}?partNumber=7&uploadId=${uploadId}`;
  for (const part of [patternBytes(5), body]) {
    const reply = await send("PUT", target, { body: part });
    assertEquals([reply.status, reply.headers.get("etag")], [200, `"${md5(part)}"`]);
    assertEquals(reply.headers.get("x-amz-checksum-crc64nvme"), null);
  }
  const { parts } = await store.listParts({ bucket: BUCKET, key: "key", uploadId }, 0, 10);
  assertEquals(parts.map(({ number, size }) => [number, size]), [[7, body.length]]);
});

Deno.test("a part's checksum is the one sent, or made as the upload wants it", async () => {
  const table: readonly (readonly [Record<string, string>, Record<string, string>, string])[] = [
    [{}, { "x-amz-checksum-crc32": CRC32 }, "CRC32"],
    [{ "x-amz-checksum-algorithm": "CRC32" }, { "x-amz-checksum-crc32": CRC32 }, "CRC32"],
    [{ "x-amz-checksum-algorithm": "CRC64NVME" }, {}, "CRC64NVME"],
    [
      { "x-amz-checksum-algorithm": "CRC32C", "x-amz-checksum-type": "FULL_OBJECT" },
      {},
      "CRC32C",
    ],
  ];
  const { send } = await openBucketServer();
  for (const [init, headers, told] of table) {
    const uploadId = await createUpload(send, PATH, init);
    const target = `${PATH}?partNumber=1&uploadId=${uploadId}`;
    const reply = await send("PUT", target, { body, headers });
    const sums = [...reply.headers].filter(([name]) => name.startsWith("x-amz-checksum-"));
    const name = `x-amz-checksum-${told.toLowerCase()}`;
    assertEquals(sums, [[name, checksumOf(told as "CRC32", body)]], JSON.stringify(init));
  }
});

Deno.test("a part that isn't what the upload or its sender promised leaves nothing", async () => {
  const sha = { "x-amz-checksum-algorithm": "SHA256" };
  const table: readonly (readonly [Record<string, string>, Record<string, string>, string])[] = [
    [sha, {}, "InvalidRequest"],
    [sha, { "x-amz-checksum-crc32": CRC32 }, "InvalidRequest"],
    [{}, { "x-amz-checksum-crc32": checksumOf("CRC32", new Uint8Array(1)) }, "BadDigest"],
    [{}, { "content-md5": "rL0Y20zC+Fzt72VPzMSk2A==" }, "BadDigest"],
    [{}, { "x-amz-content-sha256": "0".repeat(64) }, "XAmzContentSHA256Mismatch"],
    [{}, { "x-amz-server-side-encryption-customer-algorithm": "AES256" }, "NotImplemented"],
    [{}, { "content-length": String(LIMITS.partBytesMax + 1) }, "EntityTooLarge"],
  ];
  const { send, store } = await openBucketServer();
  for (const [init, headers, code] of table) {
    const uploadId = await createUpload(send, PATH, init);
    const target = `${PATH}?partNumber=1&uploadId=${uploadId}`;
    const reply = await send("PUT", target, { body, headers });
    assertEquals(reply.code, code, JSON.stringify(headers));
    const { parts } = await store.listParts({ bucket: BUCKET, key: "key", uploadId }, 0, 10);
    assertEquals(parts, []);
  }
});

Deno.test("parts are numbered 1 to 10,000, of an upload that is there", async () => {
  const { send } = await openBucketServer();
  const uploadId = await createUpload(send, PATH);
  const table: readonly (readonly [string, string | undefined])[] = [
    [`${PATH}?partNumber=1&uploadId=${uploadId}`, undefined],
    [`${PATH}?partNumber=10000&uploadId=${uploadId}`, undefined],
    [`${PATH}?partNumber=0&uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?partNumber=10001&uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?partNumber=-1&uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?partNumber=1.5&uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?partNumber=&uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?uploadId=${uploadId}`, "InvalidArgument"],
    [`${PATH}?partNumber=1&uploadId=unknown`, "NoSuchUpload"],
    [`${PATH}?partNumber=1&uploadId=`, "NoSuchUpload"],
    [`/${BUCKET}/other?partNumber=1&uploadId=${uploadId}`, "NoSuchUpload"],
    [`/missing/key?partNumber=1&uploadId=${uploadId}`, "NoSuchBucket"],
  ];
  for (const [target, code] of table) {
    assertEquals((await send("PUT", target, { body })).code, code, target);
  }
});
