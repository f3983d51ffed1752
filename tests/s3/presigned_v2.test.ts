/** Presigned URLs of Signature Version 2 through the whole server: what they do, and what cannot be made of them. */

import { assertEquals } from "@std/assert";
import { SIGNED_PARAMETERS } from "../../src/auth/presigned_v2.ts";
import { SUB_RESOURCES } from "../../src/s3/sub_resources.ts";
import { presignV2, type SignedText } from "../support/presign_v2.ts";
import { KEY_PAIRS, openTestServer, type TestServer } from "../support/s3_client.ts";

async function openWorld(domains: readonly string[] = []): Promise<TestServer> {
  const server = openTestServer({ domains, signedRegion: "eu-north-1", region: "eu-north-1" });
  await server.store.createBucket("bkt", { owner: undefined, acl: "private" });
  return server;
}

function presign(
  { clock }: TestServer,
  target: string,
  text: Partial<SignedText> & { readonly who?: keyof typeof KEY_PAIRS } = {},
): string {
  const expires = clock.nowMs / 1000 + 60;
  const pair = KEY_PAIRS[text.who ?? "writer"];
  return presignV2(target, { ...pair, expires, resource: target, ...text });
}

Deno.test("an object is put, read and deleted by URLs, whatever the region", async () => {
  const server = await openWorld();
  const send = server.as("anonymous");
  const put = presign(server, "/bkt/k?x-amz-meta-a=b&content-type=text%2Fx", {
    method: "PUT",
    type: "text/x",
    amz: "x-amz-meta-a:b\n",
    resource: "/bkt/k",
  });
  const headers = { "content-type": "text/x" };
  assertEquals((await send("PUT", put, { body: "hello", headers })).status, 200);
  const get = presign(server, "/bkt/k?response-content-language=de");
  const got = await send("GET", get, { headers: { range: "bytes=1-2" } });
  assertEquals([got.status, got.text, got.headers.get("content-language")], [206, "el", "de"]);
  assertEquals((await send("HEAD", get)).status, 403);
  const head = await send("HEAD", presign(server, "/bkt/k", { method: "HEAD" }));
  assertEquals(
    [head.status, head.headers.get("content-type"), head.headers.get("x-amz-meta-a")],
    [200, "text/x", "b"],
  );
  const remove = presign(server, "/bkt/k", { method: "DELETE" });
  assertEquals((await send("DELETE", remove)).status, 204);
  assertEquals((await send("GET", get)).code, "NoSuchKey");
  server.clock.nowMs += 61_000;
  assertEquals((await send("GET", get)).code, "AccessDenied");
});

Deno.test("a URL gives its signer's rights and no others", async () => {
  const server = await openWorld();
  const send = server.as("anonymous");
  const put = (who: keyof typeof KEY_PAIRS) => presign(server, "/bkt/k", { method: "PUT", who });
  assertEquals((await send("PUT", put("reader"), { body: "x" })).code, "AccessDenied");
  assertEquals((await send("PUT", put("bob"), { body: "x" })).code, "AccessDenied");
  assertEquals((await send("PUT", put("writer"), { body: "x" })).status, 200);
});

Deno.test("a bucket in the Host is signed before the path, and is the bucket that is meant", async () => {
  const server = await openWorld(["s3.test"]);
  const send = server.as("anonymous");
  const host = "bkt.s3.test:9000";
  const put = presign(server, "/k", { method: "PUT", resource: "/bkt/k" });
  assertEquals((await send("PUT", put, { body: "x", host })).status, 200);
  const get = presign(server, "/k", { resource: "/bkt/k" });
  assertEquals((await send("GET", get, { host })).text, "x");
  assertEquals((await send("GET", presign(server, "/bkt/k"))).text, "x");
  // Signed for the key `bkt/k`, or for a bucket `k`.
  assertEquals(
    (await send("GET", presign(server, "/bkt/k"), { host })).code,
    "SignatureDoesNotMatch",
  );
  assertEquals((await send("GET", presign(server, "/k"), { host })).code, "SignatureDoesNotMatch");
  const list = presign(server, "/", { resource: "/bkt/" });
  assertEquals((await send("GET", list, { host })).text.includes("<Key>k</Key>"), true);
});

Deno.test("a browser asks for leave with the URL of the request to come", async () => {
  const server = openTestServer();
  await server.as("admin")("PUT", "/bkt");
  const headers = { origin: "http://app.test", "access-control-request-method": "PUT" };
  for (
    const target of [
      presign(server, "/bkt/k", { method: "PUT" }),
      server.presign("writer", "PUT", "/bkt/k"),
    ]
  ) {
    const reply = await server.as("anonymous")("OPTIONS", target, { headers });
    assertEquals([reply.status, reply.headers.get("access-control-allow-origin")], [200, "*"]);
    const put = await server.as("anonymous")("PUT", target, { body: "x" });
    assertEquals(put.status, 200);
  }
});

/** What is signed, and what it may do. */
const SIGNED: readonly [method: string, target: string, operation: string][] = [
  ["GET", "/bkt/key", "GetObject"],
  ["GET", "/bkt/key?response-content-disposition=x", "GetObject"],
  ["GET", "/bkt/key?partNumber=1", "GetObject"],
  ["HEAD", "/bkt/key", "HeadObject"],
  ["PUT", "/bkt/key", "PutObject"],
  ["DELETE", "/bkt/key", "DeleteObject"],
  ["POST", "/bkt/key?uploads", "CreateMultipartUpload"],
  ["GET", "/bkt", "ListObjects"],
  ["HEAD", "/bkt", "HeadBucket"],
  ["GET", "/", "ListBuckets"],
];

/** Both list the same. */
const SAME_AS: Readonly<Record<string, string>> = { ListObjectsV2: "ListObjects" };

for (const [method, target, operation] of SIGNED) {
  Deno.test(`${method} ${target} can't be made another operation`, async () => {
    const names = [...new Set([...SUB_RESOURCES, ...SIGNED_PARAMETERS])].filter((name) => name);
    const additions = names.flatMap((name) => [name, `${name}=`, `${name}=2`, `${name}=null`]);
    const server = await openWorld();
    const send = server.as("anonymous");
    for (const addition of additions) {
      const put = presign(server, "/bkt/key", { method: "PUT" });
      assertEquals((await send("PUT", put, { body: "x" })).status, 200);
      const url = presign(server, target, { method });
      for (const changed of [`${url}&${addition}`, url.replace(/\?/, `?${addition}&`)]) {
        const reply = await send(method, changed, method === "PUT" ? { body: "y" } : {});
        const did = String(server.records.at(-1)?.operation);
        const isSame = reply.status >= 400 || (SAME_AS[did] ?? did) === operation;
        assertEquals(isSame, true, `${addition}: ${did} ${reply.status}`);
        assertEquals(server.faults, []);
      }
    }
  });
}

Deno.test("what one value signs can't be taken for a value and an operation", async () => {
  const server = await openWorld();
  const send = server.as("anonymous");
  const put = presign(server, "/bkt/key", { method: "PUT" });
  assertEquals((await send("PUT", put, { body: "x" })).status, 200);
  const resource = "/bkt/key?response-content-disposition=a&tagging";
  const meant = presign(server, "/bkt/key?response-content-disposition=a%26tagging", { resource });
  assertEquals((await send("GET", meant)).text, "x");
  assertEquals((await send("GET", presign(server, resource))).code, "InvalidArgument");
  const part = presign(server, "/bkt/key?partNumber=1&tagging");
  assertEquals((await send("GET", part)).code, "InvalidArgument");
});

Deno.test("nothing can be smuggled in by header or query", async () => {
  const server = await openWorld();
  const send = server.as("anonymous");
  const url = presign(server, "/bkt/new", { method: "PUT" });
  const headers = { "x-amz-copy-source": "/bkt/key" };
  const additions = [
    "x-amz-copy-source=%2Fbkt%2Fkey",
    "X-Amz-Copy-Source=x",
    "x-amz-acl=public-read",
  ];
  assertEquals((await send("PUT", url, { headers })).code, "SignatureDoesNotMatch");
  for (const addition of additions) {
    assertEquals((await send("PUT", `${url}&${addition}`)).code, "SignatureDoesNotMatch");
  }
  const head = presign(server, "/bkt/new", { method: "HEAD" });
  assertEquals((await send("HEAD", head)).status, 404);
});
