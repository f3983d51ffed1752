import { assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { textOf, texts } from "../support/s3_client.ts";
import { BUCKET, completion, createUpload, openBucketServer } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const body = patternBytes(1000);
const FROM = { "x-amz-copy-source": `/${BUCKET}/source` };

async function openWithUpload(init: Readonly<Record<string, string>> = {}) {
  const server = await openBucketServer();
  await server.send("PUT", `/${BUCKET}/source`, { body });
  const uploadId = await createUpload(server.send, PATH, init);
  const copy = (headers: Readonly<Record<string, string>>, number: number | string = 1) =>
    server.send("PUT", `${PATH}?partNumber=${number}&uploadId=${uploadId}`, { headers });
  return { ...server, uploadId, copy };
}

Deno.test("a part is made of an object, whole or of a range", async () => {
  const { copy } = await openWithUpload();
  const table: readonly (readonly [string | undefined, number, number])[] = [
    [undefined, 0, 1000],
    ["bytes=0-999", 0, 1000],
    ["bytes=10-19", 10, 20],
    ["bytes=999-999", 999, 1000],
  ];
  for (const [range, start, end] of table) {
    const headers = { ...FROM, ...(range !== undefined && { "x-amz-copy-source-range": range }) };
    const reply = await copy(headers);
    const part = body.slice(start, end);
    assertEquals(reply.status, 200);
    assertEquals(textOf(reply.text, "ETag"), `"${md5(part)}"`);
    assertEquals(textOf(reply.text, "LastModified"), "2026-01-02T03:04:05.000Z");
  }
});

Deno.test("the object of copied parts has their bytes", async () => {
  const { send, copy, uploadId } = await openWithUpload();
  const reply = await copy({ ...FROM, "x-amz-copy-source-range": "bytes=100-299" });
  const part = { number: 1, etag: textOf(reply.text, "ETag") };
  await send("POST", `${PATH}?uploadId=${uploadId}`, { body: completion([part]) });
  assertEquals((await send("GET", PATH)).bytes, body.slice(100, 300));
});

Deno.test("a range must be exact and within the source", async () => {
  const { copy } = await openWithUpload();
  for (const range of ["bytes=0-1000", "bytes=5-2", "bytes=0-", "0-5", "bytes=0-1,3-4", "x"]) {
    const reply = await copy({ ...FROM, "x-amz-copy-source-range": range });
    assertEquals([reply.status, reply.code], [400, "InvalidArgument"], range);
  }
});

Deno.test("the part's checksum is of the upload's kind", async () => {
  for (const algorithm of ["SHA256", "CRC32", "CRC64NVME"] as const) {
    const { copy } = await openWithUpload({ "x-amz-checksum-algorithm": algorithm });
    const { text } = await copy({ ...FROM, "x-amz-copy-source-range": "bytes=0-9" });
    assertEquals(textOf(text, `Checksum${algorithm}`), checksumOf(algorithm, body.slice(0, 10)));
  }
  const { copy } = await openWithUpload();
  assertEquals(texts((await copy(FROM)).text, "ChecksumCRC64NVME"), []);
});

Deno.test("what can't be copied", async () => {
  const { copy, send } = await openWithUpload();
  const table: readonly (readonly [Record<string, string>, number | string, string])[] = [
    [{ "x-amz-copy-source": `${BUCKET}/missing` }, 1, "NoSuchKey"],
    [{ "x-amz-copy-source": "missing/key" }, 1, "NoSuchBucket"],
    [{ "x-amz-copy-source": "nonsense" }, 1, "InvalidArgument"],
    [FROM, 0, "InvalidArgument"],
    [FROM, 10001, "InvalidArgument"],
    [{ ...FROM, "x-amz-copy-source-if-match": '"x"' }, 1, "PreconditionFailed"],
    [{ ...FROM, "x-amz-copy-source-if-none-match": "*" }, 1, "PreconditionFailed"],
  ];
  for (const [headers, number, code] of table) {
    assertEquals((await copy(headers, number)).code, code, JSON.stringify(headers));
  }
  const lost = await send("PUT", `${PATH}?partNumber=1&uploadId=none`, { headers: FROM });
  assertEquals(lost.code, "NoSuchUpload");
});

Deno.test("a source must be readable by the caller, too", async () => {
  const { as, store } = await openWithUpload();
  await store.createBucket("alices", { owner: "ALICEKEY", acl: "private" });
  const alice = as("alice");
  const uploadId = await createUpload(alice, "/alices/key");
  const target = `/alices/key?partNumber=1&uploadId=${uploadId}`;
  assertEquals((await alice("PUT", target, { headers: FROM })).code, "AccessDenied");
});
