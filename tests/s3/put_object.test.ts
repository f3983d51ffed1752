import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { checksumOf } from "../../src/checksum.ts";
import { LIMITS } from "../../src/limits.ts";
import { BUCKET, openBucketServer } from "../support/uploads.ts";
import { md5, patternBytes } from "../support/bytes.ts";

const body = patternBytes(1000);
const PATH = `/${BUCKET}/key`;
const HOST = "localhost:9000";

Deno.test("the reply has the MD5 as ETag and S3's own checksum", async () => {
  const { send } = await openBucketServer();
  const reply = await send("PUT", PATH, { body });
  assertEquals([reply.status, reply.text], [200, ""]);
  assertEquals(reply.headers.get("etag"), `"${md5(body)}"`);
  assertEquals(reply.headers.get("x-amz-checksum-crc64nvme"), checksumOf("CRC64NVME", body));
  assertEquals(reply.headers.get("x-amz-checksum-type"), "FULL_OBJECT");
});

Deno.test("what is put is what is got, with its metadata", async () => {
  const { send } = await openBucketServer();
  const headers = {
    "content-type": "text/plain",
    "content-encoding": "gzip",
    "content-language": "de",
    "content-disposition": "inline",
    "cache-control": "no-store",
    expires: "Thu, 01 Jan 2026 00:00:00 GMT",
    "x-amz-website-redirect-location": "/other",
    "x-amz-meta-one": "1",
    "x-amz-meta-two": "Mini\xc3\xb6",
  };
  await send("PUT", PATH, { body, headers });
  const reply = await send("GET", PATH);
  assertEquals(reply.bytes, body);
  for (const [name, value] of Object.entries(headers)) {
    assertEquals(reply.headers.get(name), value, name);
  }
});

Deno.test("an object may be empty, and have any key", async () => {
  const { send } = await openBucketServer();
  for (const key of ["empty", "dir/", "a//b", "%20", "%C3%A9", "a%2Fb", "%01", "+", "a%2Bb"]) {
    const put = await send("PUT", `/${BUCKET}/${key}`, { body: "" });
    assertEquals([put.status, put.headers.get("etag")], [200, `"${md5(new Uint8Array(0))}"`], key);
    const got = await send("GET", `/${BUCKET}/${key}`);
    assertEquals([got.status, got.headers.get("content-length")], [200, "0"], key);
  }
});

Deno.test("a checksum that comes along is kept in place of S3's own", async () => {
  const { send } = await openBucketServer();
  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
    const value = checksumOf(algorithm, body);
    const put = await send("PUT", PATH, { body, headers: { [name]: value } });
    assertEquals([put.status, put.headers.get(name)], [200, value]);
    const head = await send("HEAD", PATH, { headers: { "x-amz-checksum-mode": "ENABLED" } });
    const sums = [...head.headers.keys()].filter((header) => header.startsWith("x-amz-checksum-"));
    assertEquals(sums, [name, "x-amz-checksum-type"].sort());
  }
});

Deno.test("a body that isn't what was promised changes nothing", async () => {
  const { send, store } = await openBucketServer();
  await send("PUT", PATH, { body: "old" });
  const before = await store.head({ bucket: BUCKET, key: "key" });
  const wrongMd5 = createHash("md5").update("other").digest("base64");
  const table: readonly (readonly [Record<string, string>, number, string])[] = [
    [{ "content-md5": wrongMd5 }, 400, "BadDigest"],
    [{ "content-md5": "nonsense" }, 400, "InvalidDigest"],
    [{ "x-amz-checksum-crc32": checksumOf("CRC32", new Uint8Array(1)) }, 400, "BadDigest"],
    [{ "x-amz-checksum-crc32": "nonsense" }, 400, "InvalidRequest"],
    [{ "x-amz-content-sha256": "0".repeat(64) }, 400, "XAmzContentSHA256Mismatch"],
    [{ "x-amz-server-side-encryption": "AES256" }, 501, "NotImplemented"],
    [{ "x-amz-acl": "nonsense" }, 400, "InvalidArgument"],
    [{ "x-amz-storage-class": "nonsense" }, 400, "InvalidStorageClass"],
    [{ "x-amz-tagging": "a=1&a=2" }, 400, "InvalidArgument"],
    [{ "x-amz-meta-long": "v".repeat(2048) }, 400, "MetadataTooLarge"],
    [{ "if-none-match": "*" }, 412, "PreconditionFailed"],
    [{ "if-match": '"x"' }, 412, "PreconditionFailed"],
    [{ "if-none-match": '"x"' }, 501, "NotImplemented"],
  ];
  for (const [headers, status, code] of table) {
    const reply = await send("PUT", PATH, { body, headers });
    assertEquals([reply.status, reply.code], [status, code], JSON.stringify(headers));
  }
  assertEquals(await store.head({ bucket: BUCKET, key: "key" }), before);
});

Deno.test("a right Content-MD5 is accepted", async () => {
  const { send } = await openBucketServer();
  const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
  assertEquals((await send("PUT", PATH, { body, headers })).status, 200);
});

Deno.test("conditions of a write", async () => {
  const { send } = await openBucketServer();
  const put = async (headers: Record<string, string>) => {
    const reply = await send("PUT", PATH, { body, headers });
    return reply.code ?? reply.status;
  };
  assertEquals(await put({ "if-match": "*" }), "NoSuchKey");
  assertEquals(await put({ "if-none-match": "*" }), 200);
  assertEquals(await put({ "if-none-match": "*" }), "PreconditionFailed");
  assertEquals(await put({ "if-match": `"${md5(body)}"` }), 200);
  assertEquals(await put({ "if-match": md5(body) }), 200);
  assertEquals(await put({ "if-match": "*" }), 200);
  assertEquals(await put({ "if-match": `W/"${md5(body)}"` }), "PreconditionFailed");
});

Deno.test("of racing writers that want the key to be new, one wins", async () => {
  const { send } = await openBucketServer();
  const replies = await Promise.all(
    Array.from(
      { length: 8 },
      (_, i) => send("PUT", PATH, { body: `writer ${i}`, headers: { "if-none-match": "*" } }),
    ),
  );
  const winners = replies.flatMap((reply, i) => reply.status === 200 ? [i] : []);
  assertEquals(winners.length, 1);
  assertEquals(replies.filter((reply) => reply.code === "PreconditionFailed").length, 7);
  assertEquals((await send("GET", PATH)).text, `writer ${winners[0]}`);
});

Deno.test("a condition that fails is told before the body is asked for", async () => {
  const { send, fetch, presign } = await openBucketServer();
  await send("PUT", PATH, { body: "old" });
  let isPulled = false;
  const stalled = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: () => {
      isPulled = true;
      return new Promise(() => {});
    },
  }, { highWaterMark: 0 });
  const reply = await fetch(
    new Request(`http://${HOST}${presign("admin", "PUT", PATH)}`, {
      method: "PUT",
      headers: { host: HOST, "content-length": "5", "if-none-match": "*" },
      body: stalled,
    }),
  );
  assertEquals([reply.status, isPulled], [412, false]);
  await reply.body?.cancel();
});

Deno.test("a body without a length is refused, a declared length over 5 GiB too", async () => {
  const { send, fetch, presign } = await openBucketServer();
  const url = `http://${HOST}${presign("admin", "PUT", PATH)}`;
  const none = await fetch(new Request(url, { method: "PUT", headers: { host: HOST } }));
  assertEquals(none.status, 411);
  await none.body?.cancel();
  const headers = { "content-length": String(LIMITS.putBytesMax + 1) };
  const large = await send("PUT", PATH, { body, headers });
  assertEquals([large.status, large.code], [400, "EntityTooLarge"]);
});

Deno.test("no bucket, no object", async () => {
  const { send } = await openBucketServer();
  const reply = await send("PUT", "/missing/key", { body });
  assertEquals([reply.status, reply.code], [404, "NoSuchBucket"]);
});
