import { assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { LIMITS } from "../../src/limits.ts";
import { MemoryStore } from "../../src/storage/memory_store.ts";
import type { CopyRequest } from "../../src/storage/object_store.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { openTestServer, textOf, texts } from "../support/s3_client.ts";
import { BUCKET, openBucketServer, PART_BYTES_MIN, uploadInParts } from "../support/uploads.ts";

const body = patternBytes(1000);
const SOURCE = `/${BUCKET}/source`;
const COPY = `/${BUCKET}/copy`;
const FROM = { "x-amz-copy-source": `${BUCKET}/source` };
const STORED = {
  "content-type": "text/plain",
  "cache-control": "no-store",
  "x-amz-meta-one": "1",
  "x-amz-tagging": "a=1",
  "x-amz-acl": "public-read",
  "x-amz-website-redirect-location": "/elsewhere",
};

async function openWithSource() {
  const server = await openBucketServer();
  await server.send("PUT", SOURCE, { body, headers: STORED });
  const metaOf = async (key: string) => (await server.store.head({ bucket: BUCKET, key })).meta;
  return { ...server, metaOf };
}

Deno.test("a copy carries bytes, headers, metadata and tags; not ACL and redirect", async () => {
  const { send, metaOf } = await openWithSource();
  const reply = await send("PUT", COPY, { headers: FROM });
  assertEquals(reply.status, 200);
  assertEquals(textOf(reply.text, "ETag"), `"${md5(body)}"`);
  assertEquals(textOf(reply.text, "LastModified"), "2026-01-02T03:04:05.000Z");
  assertEquals(textOf(reply.text, "ChecksumCRC64NVME"), checksumOf("CRC64NVME", body));
  assertEquals(textOf(reply.text, "ChecksumType"), "FULL_OBJECT");
  assertEquals((await send("GET", COPY)).bytes, body);
  assertEquals(await metaOf("copy"), {
    headers: { "content-type": "text/plain", "cache-control": "no-store" },
    user: { one: "1" },
    tags: { a: "1" },
    acl: "private",
    checksum: { algorithm: "CRC64NVME", value: checksumOf("CRC64NVME", body), type: "FULL_OBJECT" },
  });
});

Deno.test("REPLACE takes what the request says, for metadata and tags apart", async () => {
  const { send, metaOf } = await openWithSource();
  const headers = {
    ...FROM,
    "content-type": "image/png",
    "x-amz-meta-two": "2",
    "x-amz-tagging": "b=2",
    "x-amz-acl": "public-read",
    "x-amz-website-redirect-location": "/here",
  };
  await send("PUT", COPY, { headers: { ...headers, "x-amz-metadata-directive": "REPLACE" } });
  const replaced = await metaOf("copy");
  assertEquals(replaced.headers, {
    "content-type": "image/png",
    "x-amz-website-redirect-location": "/here",
  });
  assertEquals([replaced.user, replaced.tags, replaced.acl], [
    { two: "2" },
    { a: "1" },
    "public-read",
  ]);
  await send("PUT", COPY, { headers: { ...headers, "x-amz-tagging-directive": "REPLACE" } });
  const retagged = await metaOf("copy");
  assertEquals(retagged.headers, {
    "content-type": "text/plain",
    "cache-control": "no-store",
    "x-amz-website-redirect-location": "/here",
  });
  assertEquals([retagged.user, retagged.tags], [{ one: "1" }, { b: "2" }]);
});

Deno.test("a copy onto itself must change something", async () => {
  const { send, metaOf } = await openWithSource();
  for (const headers of [FROM, { ...FROM, "x-amz-meta-two": "2" }]) {
    const reply = await send("PUT", SOURCE, { headers });
    assertEquals([reply.status, reply.code], [400, "InvalidRequest"]);
  }
  const changes: readonly Record<string, string>[] = [
    { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-mtime": "1" },
    { "x-amz-tagging-directive": "REPLACE" },
    { "x-amz-storage-class": "STANDARD" },
    { "x-amz-website-redirect-location": "/x" },
    { "x-amz-checksum-algorithm": "SHA256" },
  ];
  for (const change of changes) {
    const reply = await send("PUT", SOURCE, { headers: { ...FROM, ...change } });
    assertEquals(reply.status, 200, JSON.stringify(change));
  }
  assertEquals((await metaOf("source")).user, { mtime: "1" });
  assertEquals((await send("GET", SOURCE)).bytes, body);
});

Deno.test("the checksum is the one asked for", async () => {
  const { send } = await openWithSource();
  const headers = { ...FROM, "x-amz-checksum-algorithm": "sha256" };
  const reply = await send("PUT", COPY, { headers });
  assertEquals(textOf(reply.text, "ChecksumSHA256"), checksumOf("SHA256", body));
  assertEquals(texts(reply.text, "ChecksumCRC64NVME"), []);
  const bad = await send("PUT", COPY, { headers: { ...FROM, "x-amz-checksum-algorithm": "MD4" } });
  assertEquals(bad.code, "InvalidRequest");
});

Deno.test("a copy of an object made of parts has the MD5 of its bytes", async () => {
  const { send } = await openBucketServer();
  const bodies = [patternBytes(PART_BYTES_MIN, 1), patternBytes(3, 2)];
  await uploadInParts(send, SOURCE, bodies);
  const reply = await send("PUT", COPY, { headers: FROM });
  const whole = new Uint8Array(PART_BYTES_MIN + 3);
  whole.set(patternBytes(PART_BYTES_MIN, 1));
  whole.set(patternBytes(3, 2), PART_BYTES_MIN);
  assertEquals(textOf(reply.text, "ETag"), `"${md5(whole)}"`);
});

Deno.test("conditions on the source and on the destination", async () => {
  const { send } = await openWithSource();
  const etag = `"${md5(body)}"`;
  const table: readonly (readonly [Record<string, string>, number])[] = [
    [{ "x-amz-copy-source-if-match": etag }, 200],
    [{ "x-amz-copy-source-if-match": '"x"' }, 412],
    [{ "x-amz-copy-source-if-none-match": etag }, 412],
    [{ "x-amz-copy-source-if-modified-since": "Fri, 02 Jan 2026 03:04:05 GMT" }, 412],
    [{ "x-amz-copy-source-if-unmodified-since": "Fri, 02 Jan 2026 03:04:05 GMT" }, 200],
    [{ "if-none-match": "*" }, 412],
    [{ "if-match": etag }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ "if-none-match": etag }, 501],
  ];
  await send("PUT", COPY, { headers: FROM });
  for (const [headers, status] of table) {
    const reply = await send("PUT", COPY, { headers: { ...FROM, ...headers } });
    assertEquals(reply.status, status, JSON.stringify(headers));
  }
  const fresh = { ...FROM, "if-none-match": "*" };
  assertEquals((await send("PUT", `/${BUCKET}/fresh`, { headers: fresh })).status, 200);
});

Deno.test("sources that can't be copied", async () => {
  const { send } = await openWithSource();
  const table: readonly (readonly [string, number, string])[] = [
    [`${BUCKET}/missing`, 404, "NoSuchKey"],
    ["missing/key", 404, "NoSuchBucket"],
    ["nonsense", 400, "InvalidArgument"],
    [`${BUCKET}/source?versionId=x`, 404, "NoSuchVersion"],
    ["arn:aws:s3:us-east-1:1:accesspoint/a/object/b", 400, "InvalidArgument"],
  ];
  for (const [source, status, code] of table) {
    const reply = await send("PUT", COPY, { headers: { "x-amz-copy-source": source } });
    assertEquals([reply.status, reply.code], [status, code], source);
  }
  const lost = await send("PUT", "/missing/copy", { headers: FROM });
  assertEquals(lost.code, "NoSuchBucket");
  const odd = { ...FROM, "x-amz-metadata-directive": "MERGE" };
  assertEquals((await send("PUT", COPY, { headers: odd })).code, "InvalidArgument");
  assertEquals((await send("HEAD", COPY)).status, 404);
});

Deno.test("a source must be readable by the caller, too", async () => {
  const { send, as, store } = await openWithSource();
  await send("PUT", `/${BUCKET}/secret`, { body });
  await store.createBucket("alices", { owner: "ALICEKEY", acl: "private" });
  const alice = as("alice");
  const secret = { "x-amz-copy-source": `${BUCKET}/secret` };
  assertEquals((await alice("PUT", "/alices/copy", { headers: secret })).code, "AccessDenied");
  assertEquals((await alice("PUT", "/alices/copy", { headers: FROM })).status, 200);
});

Deno.test("a source over 5 GiB is for UploadPartCopy", async () => {
  /** Says of every source that it is too large by a byte. */
  class LargeStore extends MemoryStore {
    override copy(request: CopyRequest) {
      const plan: CopyRequest["plan"] = (source) =>
        request.plan({ ...source, size: LIMITS.putBytesMax + 1 });
      return super.copy({ ...request, plan });
    }
  }
  const store = new LargeStore();
  await store.createBucket(BUCKET, { owner: undefined, acl: "private" });
  const send = openTestServer({ store }).as("admin");
  await send("PUT", SOURCE, { body });
  const reply = await send("PUT", COPY, { headers: FROM });
  assertEquals([reply.status, reply.code], [400, "InvalidRequest"]);
});
