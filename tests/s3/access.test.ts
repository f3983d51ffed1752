import { assertEquals } from "@std/assert";
import { encode, openTestServer, type TestServer, type Who } from "../support/s3_client.ts";
import { createUpload } from "../support/uploads.ts";

/**
 * alice owns `alices` (private, with the object `open` public-read) and `public` (public-read); `shop` is the admin's.
 * Each bucket has an object `key`.
 */
async function openWorld(): Promise<TestServer> {
  const server = openTestServer();
  const publicRead = { "x-amz-acl": "public-read" };
  await server.as("alice")("PUT", "/alices");
  await server.as("alice")("PUT", "/public", { headers: publicRead });
  await server.as("admin")("PUT", "/shop");
  for (const bucket of ["alices", "public", "shop"]) {
    await server.as("admin")("PUT", `/${bucket}/key`, { body: "x" });
  }
  await server.as("admin")("PUT", "/alices/open", { body: "x", headers: publicRead });
  return server;
}

const ALL: readonly Who[] = ["admin", "writer", "reader", "alice", "bob", "anonymous"];

/** Who gets the answer that the operation gives when it is allowed; all others get AccessDenied. */
const RIGHTS: readonly [line: string, status: number, allowed: readonly Who[]][] = [
  ["GET /alices", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?list-type=2", 200, ["admin", "writer", "reader", "alice"]],
  ["HEAD /alices", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?versions", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?uploads", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?location", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?acl", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?tagging", 404, ["admin", "writer", "reader", "alice"]],
  ["GET /alices?cors", 404, ["admin", "writer", "reader", "alice"]],
  ["PUT /alices?acl", 400, ["admin", "alice"]],
  ["PUT /alices?cors", 400, ["admin", "alice"]],
  ["DELETE /alices?cors", 204, ["admin", "alice"]],
  ["PUT /alices?tagging", 400, ["admin", "alice"]],
  ["DELETE /alices?tagging", 204, ["admin", "alice"]],
  ["DELETE /alices", 409, ["admin", "alice"]],
  ["GET /alices/key", 200, ["admin", "writer", "reader", "alice"]],
  ["HEAD /alices/key", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices/none", 404, ["admin", "writer", "reader", "alice"]],
  ["GET /alices/key?acl", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices/key?tagging", 200, ["admin", "writer", "reader", "alice"]],
  ["GET /alices/key?uploadId=x", 404, ["admin", "writer", "reader", "alice"]],
  ["PUT /alices/key", 200, ["admin", "writer", "alice"]],
  ["PUT /alices/key?acl", 400, ["admin", "writer", "alice"]],
  ["PUT /alices/key?tagging", 400, ["admin", "writer", "alice"]],
  ["DELETE /alices/key?tagging", 204, ["admin", "writer", "alice"]],
  ["POST /alices/key?uploads", 200, ["admin", "writer", "alice"]],
  ["PUT /alices/key?partNumber=1&uploadId=x", 404, ["admin", "writer", "alice"]],
  ["DELETE /alices/key?uploadId=x", 404, ["admin", "writer", "alice"]],
  ["DELETE /alices/key", 204, ["admin", "writer", "alice"]],
  ["POST /alices?delete", 400, ["admin", "writer", "alice"]],
  // A public object in a private bucket: to be read, no more.
  ["GET /alices/open", 200, ALL],
  ["HEAD /alices/open", 200, ALL],
  ["GET /alices/open?tagging", 200, ["admin", "writer", "reader", "alice"]],
  ["PUT /alices/open", 200, ["admin", "writer", "alice"]],
  ["DELETE /alices/open", 204, ["admin", "writer", "alice"]],
  // A public bucket: to be listed and read, no more.
  ["GET /public", 200, ALL],
  ["GET /public?location", 200, ALL],
  ["HEAD /public", 200, ALL],
  ["GET /public/key", 200, ALL],
  ["GET /public/none", 404, ALL],
  ["GET /public?acl", 200, ["admin", "writer", "reader", "alice"]],
  ["PUT /public/key", 200, ["admin", "writer", "alice"]],
  ["POST /public?delete", 400, ["admin", "writer", "alice"]],
  // A bucket that isn't a user's.
  ["GET /shop/key", 200, ["admin", "writer", "reader"]],
  ["PUT /shop/key", 200, ["admin", "writer"]],
  ["PUT /shop?acl", 400, ["admin"]],
  ["DELETE /shop", 409, ["admin"]],
  // What isn't there.
  ["GET /missing", 404, ALL],
  ["GET /missing/key", 404, ALL],
];

for (const [line, status, allowed] of RIGHTS) {
  Deno.test(`${line} is for ${allowed}`, async () => {
    const [method = "", target = ""] = line.split(" ");
    const body = method === "GET" || method === "HEAD" ? {} : { body: "" };
    for (const who of ALL) {
      const server = await openWorld();
      const reply = await server.as(who)(method, target, body);
      assertEquals(reply.status, allowed.includes(who) ? status : 403, `${who}: ${reply.text}`);
      if (reply.status === 403 && method !== "HEAD") assertEquals(reply.code, "AccessDenied");
      assertEquals(server.faults, []);
    }
  });
}

const COPIES: readonly [who: Who, source: string, target: string, status: number][] = [
  ["alice", "alices/key", "alices/copy", 200],
  ["alice", "shop/key", "alices/copy", 403],
  ["alice", "alices/key", "shop/copy", 403],
  ["writer", "alices/key", "shop/copy", 200],
  ["reader", "alices/key", "alices/copy", 403],
  ["anonymous", "public/key", "public/copy", 403],
  ["bob", "alices/key", "bobs/copy", 403],
  ["bob", "alices/open", "bobs/copy", 200],
  ["bob", "public/key", "bobs/copy", 200],
  ["bob", "alices/none", "bobs/copy", 403],
  ["bob", "public/none", "bobs/copy", 404],
];

for (const [who, source, target, status] of COPIES) {
  Deno.test(`a copy of ${source} to ${target} by ${who} is ${status}`, async () => {
    const server = await openWorld();
    await server.as("bob")("PUT", "/bobs");
    const headers = { "x-amz-copy-source": `/${source}` };
    assertEquals((await server.as(who)("PUT", `/${target}`, { headers })).status, status);
    const copied = await server.as("admin")("HEAD", `/${target}`);
    assertEquals(copied.status, status === 200 ? 200 : 404);
  });

  Deno.test(`a part copied from ${source} to ${target} by ${who} is ${status}`, async () => {
    const server = await openWorld();
    await server.as("bob")("PUT", "/bobs");
    const uploadId = await createUpload(server.as("admin"), `/${target}`);
    const headers = { "x-amz-copy-source": `/${source}` };
    const part = `/${target}?partNumber=1&uploadId=${encode(uploadId)}`;
    assertEquals((await server.as(who)("PUT", part, { headers })).status, status);
  });
}

Deno.test("response overrides need a signature", async () => {
  const server = await openWorld();
  const target = "/public/key?response-content-type=text%2Fhtml";
  const stranger = await server.as("anonymous")("GET", target);
  assertEquals([stranger.status, stranger.code], [400, "InvalidRequest"]);
  const signed = await server.as("bob")("GET", target);
  assertEquals([signed.status, signed.headers.get("content-type")], [200, "text/html"]);
  const presigned = server.presign("bob", "GET", target);
  assertEquals((await server.as("anonymous")("GET", presigned)).status, 200);
});

Deno.test("a presigned URL gives its signer's rights and no others", async () => {
  const server = await openWorld();
  const send = server.as("anonymous");
  assertEquals((await send("GET", server.presign("alice", "GET", "/alices/key"))).text, "x");
  assertEquals(
    (await send("GET", server.presign("bob", "GET", "/alices/key"))).code,
    "AccessDenied",
  );
  const put = server.presign("alice", "PUT", "/alices/new?x-amz-meta-from=url");
  assertEquals((await send("PUT", put, { body: "new" })).status, 200);
  const head = await server.as("alice")("HEAD", "/alices/new");
  assertEquals(head.headers.get("x-amz-meta-from"), "url");
});

Deno.test("nothing can be smuggled into a presigned URL by header", async () => {
  const server = await openWorld();
  const target = server.presign("alice", "PUT", "/alices/new");
  const headers = { "x-amz-copy-source": "/alices/key" };
  const reply = await server.as("anonymous")("PUT", target, { headers });
  assertEquals(reply.status, 403);
  assertEquals((await server.as("alice")("HEAD", "/alices/new")).status, 404);
});
