import { assertEquals } from "@std/assert";
import { textOf } from "../support/s3_client.ts";
import {
  BUCKET,
  completion,
  createUpload,
  openBucketServer,
  uploadPart,
} from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;

Deno.test("an upload has an id, and is no object yet", async () => {
  const { send } = await openBucketServer();
  const reply = await send("POST", `${PATH}?uploads`);
  assertEquals(reply.status, 200);
  assertEquals(textOf(reply.text, "Bucket"), BUCKET);
  assertEquals(textOf(reply.text, "Key"), "key");
  assertEquals(textOf(reply.text, "UploadId").length > 16, true);
  assertEquals((await send("HEAD", PATH)).status, 404);
});

Deno.test("what the object will be told of is said at the beginning", async () => {
  const { send, store } = await openBucketServer();
  const uploadId = await createUpload(send, PATH, {
    "content-type": "text/plain",
    "content-encoding": "gzip",
    "x-amz-meta-one": "1",
    "x-amz-tagging": "a=1",
    "x-amz-acl": "public-read",
  });
  const etag = await uploadPart(send, PATH, uploadId, 1, new Uint8Array(3));
  await send("POST", `${PATH}?uploadId=${uploadId}`, { body: completion([{ number: 1, etag }]) });
  const { meta } = await store.head({ bucket: BUCKET, key: "key" });
  assertEquals(meta.headers, { "content-type": "text/plain", "content-encoding": "gzip" });
  assertEquals([meta.user, meta.tags, meta.acl], [{ one: "1" }, { a: "1" }, "public-read"]);
});

Deno.test("how the checksum will be made", async () => {
  const { send } = await openBucketServer();
  const table: readonly (readonly [string, string | undefined, string])[] = [
    ["CRC32", undefined, "COMPOSITE"],
    ["crc32", "full_object", "FULL_OBJECT"],
    ["CRC32C", "COMPOSITE", "COMPOSITE"],
    ["CRC64NVME", undefined, "FULL_OBJECT"],
    ["SHA1", undefined, "COMPOSITE"],
    ["SHA256", "COMPOSITE", "COMPOSITE"],
  ];
  for (const [algorithm, type, told] of table) {
    const headers = {
      "x-amz-checksum-algorithm": algorithm,
      ...(type !== undefined && { "x-amz-checksum-type": type }),
    };
    const reply = await send("POST", `${PATH}?uploads`, { headers });
    assertEquals(reply.headers.get("x-amz-checksum-algorithm"), algorithm.toUpperCase());
    assertEquals(reply.headers.get("x-amz-checksum-type"), told, algorithm);
  }
  const plain = await send("POST", `${PATH}?uploads`);
  assertEquals(plain.headers.get("x-amz-checksum-algorithm"), null);
});

Deno.test("checksums that can't be made, headers that can't be kept", async () => {
  const { send, store } = await openBucketServer();
  const table: readonly (readonly [Record<string, string>, string])[] = [
    [{ "x-amz-checksum-algorithm": "MD5" }, "InvalidRequest"],
    [{ "x-amz-checksum-type": "COMPOSITE" }, "InvalidRequest"],
    [{ "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "HALF" }, "InvalidRequest"],
    [
      { "x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT" },
      "InvalidRequest",
    ],
    [
      { "x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "COMPOSITE" },
      "InvalidRequest",
    ],
    [{ "x-amz-server-side-encryption": "aws:kms" }, "NotImplemented"],
    [{ "x-amz-meta-long": "v".repeat(2049) }, "MetadataTooLarge"],
  ];
  for (const [headers, code] of table) {
    const reply = await send("POST", `${PATH}?uploads`, { headers });
    assertEquals(reply.code, code, JSON.stringify(headers));
  }
  assertEquals((await send("POST", "/missing/key?uploads")).code, "NoSuchBucket");
  const query = { prefix: "", delimiter: "", after: undefined, limit: 10 };
  assertEquals((await store.listUploads(BUCKET, query)).entries, []);
});
