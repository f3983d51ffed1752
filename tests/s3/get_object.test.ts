import { assert, assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { BUCKET, openBucketServer, PART_BYTES_MIN, uploadInParts } from "../support/uploads.ts";

const body = patternBytes(1000);
const PATH = `/${BUCKET}/key`;
const ETAG = `"${md5(body)}"`;
/** The test server's clock shows this when it starts. */
const WRITTEN = "Fri, 02 Jan 2026 03:04:05 GMT";
const LATER = "Fri, 02 Jan 2026 03:04:06 GMT";
const EARLIER = "Fri, 02 Jan 2026 03:04:04 GMT";
const ENABLED = { "x-amz-checksum-mode": "ENABLED" };

async function openWithObject(headers: Readonly<Record<string, string>> = {}) {
  const server = await openBucketServer();
  await server.send("PUT", PATH, { body, headers });
  return server;
}

Deno.test("GET and HEAD tell the same of an object", async () => {
  const { send } = await openWithObject({ "x-amz-meta-one": "1", "x-amz-tagging": "a=1&b=2" });
  const expected = {
    "accept-ranges": "bytes",
    "content-length": "1000",
    "content-type": "binary/octet-stream",
    etag: ETAG,
    "last-modified": WRITTEN,
    "x-amz-meta-one": "1",
    "x-amz-tagging-count": "2",
  };
  for (const method of ["GET", "HEAD"]) {
    const reply = await send(method, PATH);
    assertEquals(reply.status, 200);
    const { "x-amz-request-id": _, vary: _vary, ...headers } = Object.fromEntries(reply.headers);
    const told = Object.entries(headers).filter(([name]) => !name.startsWith("access-control-"));
    assertEquals(Object.fromEntries(told), expected);
    assertEquals(reply.bytes, method === "GET" ? body : new Uint8Array(0));
  }
});

Deno.test("ranges", async () => {
  const { send } = await openWithObject();
  const table: readonly (readonly [string, number, number, string | null])[] = [
    ["bytes=0-9", 0, 10, "bytes 0-9/1000"],
    ["bytes=990-", 990, 1000, "bytes 990-999/1000"],
    ["bytes=-5", 995, 1000, "bytes 995-999/1000"],
    ["bytes=500-5000", 500, 1000, "bytes 500-999/1000"],
    ["bytes=-5000", 0, 1000, "bytes 0-999/1000"],
    ["bytes=0-1,5-6", 0, 1000, null],
    ["lines=0-1", 0, 1000, null],
    ["bytes=9-2", 0, 1000, null],
  ];
  for (const [range, start, end, contentRange] of table) {
    for (const method of ["GET", "HEAD"]) {
      const reply = await send(method, PATH, { headers: { range } });
      assertEquals(reply.status, contentRange === null ? 200 : 206, range);
      assertEquals(reply.headers.get("content-range"), contentRange);
      assertEquals(reply.headers.get("content-length"), String(end - start));
      if (method === "GET") assertEquals(reply.bytes, body.slice(start, end));
    }
  }
});

Deno.test("a range that holds nothing", async () => {
  const { send } = await openWithObject();
  await send("PUT", `/${BUCKET}/empty`, { body: "" });
  const table = [[PATH, "bytes=1000-", 1000], [PATH, "bytes=-0", 1000], [
    `/${BUCKET}/empty`,
    "bytes=0-",
    0,
  ]] as const;
  for (const [path, range, size] of table) {
    const reply = await send("GET", path, { headers: { range } });
    assertEquals([reply.status, reply.code], [416, "InvalidRange"]);
    assertEquals(reply.headers.get("content-range"), `bytes */${size}`);
    assertEquals((await send("HEAD", path, { headers: { range } })).status, 416);
  }
});

Deno.test("conditions", async () => {
  const { send } = await openWithObject({ "cache-control": "max-age=5" });
  const table: readonly (readonly [Record<string, string>, number])[] = [
    [{ "if-match": ETAG }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-none-match": ETAG }, 304],
    [{ "if-modified-since": EARLIER }, 200],
    [{ "if-modified-since": WRITTEN }, 304],
    [{ "if-unmodified-since": WRITTEN }, 200],
    [{ "if-unmodified-since": EARLIER }, 412],
    [{ "if-match": ETAG, "if-unmodified-since": EARLIER }, 200],
    [{ "if-none-match": ETAG, "if-modified-since": EARLIER }, 304],
    [{ "if-match": '"x"', range: "bytes=5000-" }, 412],
    [{ "if-none-match": ETAG, range: "bytes=0-1" }, 304],
  ];
  for (const [headers, status] of table) {
    for (const method of ["GET", "HEAD"]) {
      const reply = await send(method, PATH, { headers });
      assertEquals(reply.status, status, `${method} ${JSON.stringify(headers)}`);
      if (status !== 304) continue;
      assertEquals(reply.text, "");
      assertEquals(reply.headers.get("etag"), ETAG);
      assertEquals(reply.headers.get("last-modified"), WRITTEN);
      assertEquals(reply.headers.get("cache-control"), "max-age=5");
    }
  }
});

Deno.test("If-Range gives the part of the version it names, else the whole", async () => {
  const { send } = await openWithObject();
  const table = [[ETAG, 206], [WRITTEN, 206], ['"x"', 200], [LATER, 200], [`W/${ETAG}`, 200]];
  for (const [ifRange, status] of table) {
    const headers = { range: "bytes=0-1", "if-range": String(ifRange) };
    assertEquals((await send("GET", PATH, { headers })).status, status, String(ifRange));
  }
});

Deno.test("response-… overrides what is stored, for this reply", async () => {
  const { send, as } = await openWithObject({ "content-type": "text/plain" });
  const query = "response-content-type=image%2Fpng&response-content-disposition=" +
    "attachment%3B%20filename%3D%22%C3%A9.png%22&response-cache-control=no-cache&response-expires=";
  const reply = await send("GET", `${PATH}?${query}`);
  assertEquals(reply.headers.get("content-type"), "image/png");
  assertEquals(
    reply.headers.get("content-disposition"),
    'attachment; filename="\xc3\xa9.png"',
  );
  assertEquals(reply.headers.get("cache-control"), "no-cache");
  assertEquals(reply.headers.get("expires"), null);
  assertEquals((await send("GET", PATH)).headers.get("content-type"), "text/plain");
  const forged = await send("GET", `${PATH}?response-content-type=a%0D%0Aset-cookie:b`);
  assertEquals([forged.status, forged.code], [400, "InvalidArgument"]);
  assertEquals((await as("anonymous")("GET", `${PATH}?${query}`)).status >= 400, true);
});

Deno.test("the checksum comes when asked for, and never with a part", async () => {
  const { send } = await openWithObject();
  const name = "x-amz-checksum-crc64nvme";
  const value = checksumOf("CRC64NVME", body);
  assertEquals((await send("GET", PATH)).headers.get(name), null);
  for (const method of ["GET", "HEAD"]) {
    const whole = await send(method, PATH, { headers: ENABLED });
    assertEquals(whole.headers.get(name), value);
    assertEquals(whole.headers.get("x-amz-checksum-type"), "FULL_OBJECT");
    const part = await send(method, PATH, { headers: { ...ENABLED, range: "bytes=0-999" } });
    assertEquals([part.status, part.headers.get(name)], [206, null]);
  }
});

Deno.test("an object that came whole has one part, itself", async () => {
  const { send } = await openWithObject();
  const first = await send("GET", `${PATH}?partNumber=1`);
  assertEquals(first.status, 206);
  assertEquals(first.headers.get("content-range"), "bytes 0-999/1000");
  assertEquals(first.headers.get("x-amz-mp-parts-count"), null);
  assertEquals(first.bytes, body);
  const second = await send("GET", `${PATH}?partNumber=2`);
  assertEquals([second.status, second.code], [416, "InvalidPartNumber"]);
});

Deno.test("the parts of an object, one by one", async () => {
  const { send } = await openBucketServer();
  const bodies = [patternBytes(PART_BYTES_MIN, 1), patternBytes(7, 2)];
  await uploadInParts(send, PATH, bodies);
  let start = 0;
  for (const [index, part] of bodies.entries()) {
    const target = `${PATH}?partNumber=${index + 1}`;
    for (const method of ["GET", "HEAD"]) {
      const reply = await send(method, target, { headers: ENABLED });
      assertEquals(reply.status, 206);
      assertEquals(reply.headers.get("x-amz-mp-parts-count"), "2");
      assertEquals(
        reply.headers.get("content-range"),
        `bytes ${start}-${start + part.length - 1}/${PART_BYTES_MIN + 7}`,
      );
      assertEquals(reply.headers.get("x-amz-checksum-crc64nvme"), null);
      if (method === "GET") assert(md5(reply.bytes) === md5(part));
    }
    start += part.length;
  }
  assertEquals((await send("HEAD", `${PATH}?partNumber=3`)).status, 416);
  assertEquals((await send("HEAD", PATH)).headers.get("x-amz-mp-parts-count"), null);
});

Deno.test("a part of a composite checksum has its own", async () => {
  const { send, store } = await openBucketServer();
  const upload = await store.createUpload({
    bucket: BUCKET,
    key: "key",
    initiator: undefined,
    meta: { headers: {}, user: {}, tags: {}, acl: "private" },
    checksum: { algorithm: "SHA256", type: "COMPOSITE" },
  });
  const value = checksumOf("SHA256", body);
  const target = { bucket: BUCKET, key: "key", uploadId: upload.uploadId };
  async function* chunks() {
    yield await Promise.resolve(body);
  }
  const seal = () => ({ algorithm: "SHA256" as const, value });
  const part = await store.putPart({ ...target, number: 1, body: chunks(), seal });
  await store.completeUpload({ ...target, parts: [{ number: 1, etag: part.etag }] });
  const reply = await send("GET", `${PATH}?partNumber=1`, { headers: ENABLED });
  assertEquals(reply.headers.get("x-amz-checksum-sha256"), value);
  assertEquals(reply.headers.get("x-amz-checksum-type"), "COMPOSITE");
  const whole = await send("GET", PATH, { headers: ENABLED });
  assert(whole.headers.get("x-amz-checksum-sha256")?.endsWith("-1"));
});

Deno.test("requests that make no sense", async () => {
  const { send } = await openWithObject();
  const table: readonly (readonly [string, Record<string, string>, number, string])[] = [
    [`/${BUCKET}/missing`, {}, 404, "NoSuchKey"],
    ["/missing/key", {}, 404, "NoSuchBucket"],
    [`${PATH}?partNumber=0`, {}, 400, "InvalidArgument"],
    [`${PATH}?partNumber=10001`, {}, 400, "InvalidArgument"],
    [`${PATH}?partNumber=x`, {}, 400, "InvalidArgument"],
    [`${PATH}?partNumber=1`, { range: "bytes=0-1" }, 400, "InvalidRequest"],
    [`${PATH}?versionId=abc`, {}, 404, "NoSuchVersion"],
    [`${PATH}?versionId=`, {}, 400, "InvalidArgument"],
    [PATH, { "x-amz-server-side-encryption-customer-algorithm": "AES256" }, 501, "NotImplemented"],
  ];
  for (const [target, headers, status, code] of table) {
    const reply = await send("GET", target, { headers });
    assertEquals([reply.status, reply.code], [status, code], target);
    const head = await send("HEAD", target, { headers });
    assertEquals([head.status, head.text], [status, ""], target);
  }
  assertEquals((await send("GET", `${PATH}?versionId=null`)).status, 200);
});

Deno.test("an object isn't found under a shorter or longer key", async () => {
  const { send } = await openBucketServer();
  await send("PUT", `/${BUCKET}/dir/key`, { body });
  for (const key of ["dir", "dir/", "dir/key/", "dir/ke"]) {
    assertEquals((await send("HEAD", `/${BUCKET}/${key}`)).status, 404, key);
  }
});
