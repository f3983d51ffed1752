import { assertEquals, assertStringIncludes } from "@std/assert";
import { openTestServer, type TestServer, texts } from "../support/s3_client.ts";

const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";
const RESOURCES = ["/bkt", "/bkt/key"];

async function openWorld(): Promise<TestServer> {
  const server = openTestServer();
  await server.as("alice")("PUT", "/bkt");
  await server.as("alice")("PUT", "/bkt/key", { body: "x" });
  return server;
}

function policy(...grants: readonly string[]): string {
  return '<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    "<Owner><ID>ALICEKEY</ID></Owner>" +
    `<AccessControlList>${grants.join("")}</AccessControlList></AccessControlPolicy>`;
}

function grant(grantee: string, permission: string): string {
  return '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">' +
    `${grantee}</Grantee><Permission>${permission}</Permission></Grant>`;
}

const OWNERS = grant("<ID>ALICEKEY</ID><DisplayName>x</DisplayName>", "FULL_CONTROL");
const EVERYONES = grant(`<URI>${ALL_USERS}</URI>`, "READ");

for (const path of RESOURCES) {
  Deno.test(`${path} is private until it is made public-read, and private again`, async () => {
    const server = await openWorld();
    const send = server.as("alice");
    const steps = [
      [{ headers: { "x-amz-acl": "public-read" } }, ["FULL_CONTROL", "READ"]],
      [{ headers: { "x-amz-acl": "private" } }, ["FULL_CONTROL"]],
      [{ body: policy(OWNERS, EVERYONES) }, ["FULL_CONTROL", "READ"]],
      [{ body: policy(OWNERS) }, ["FULL_CONTROL"]],
      [{ headers: { "x-amz-acl": "bucket-owner-full-control" } }, ["FULL_CONTROL"]],
    ] as const;
    for (const [message, permissions] of steps) {
      assertEquals((await send("PUT", `${path}?acl`, message)).status, 200);
      const { text } = await send("GET", `${path}?acl`);
      assertEquals(texts(text, "Permission"), permissions);
      assertEquals(texts(text, "URI"), permissions.length === 1 ? [] : [ALL_USERS]);
      assertStringIncludes(text, 'xsi:type="CanonicalUser"><ID>ALICEKEY</ID>');
      const stranger = await server.as("anonymous")("GET", path);
      assertEquals(stranger.status, permissions.length === 1 ? 403 : 200);
    }
  });

  Deno.test(`what GET ${path}?acl says may be put back`, async () => {
    const send = (await openWorld()).as("alice");
    await send("PUT", `${path}?acl`, { headers: { "x-amz-acl": "public-read" } });
    const { text } = await send("GET", `${path}?acl`);
    assertEquals((await send("PUT", `${path}?acl`, { body: text })).status, 200);
    assertEquals((await send("GET", `${path}?acl`)).text, text);
  });

  const refused: readonly [why: string, message: object, code: string][] = [
    ["nothing", {}, "MissingSecurityHeader"],
    ["both", { headers: { "x-amz-acl": "private" }, body: policy(OWNERS) }, "InvalidRequest"],
    ["public-read-write", { headers: { "x-amz-acl": "public-read-write" } }, "NotImplemented"],
    ["an unknown ACL", { headers: { "x-amz-acl": "x" } }, "InvalidArgument"],
    ["a grant by header", { headers: { "x-amz-grant-read": "id=x" } }, "NotImplemented"],
    [
      "writing for all",
      { body: policy(grant(`<URI>${ALL_USERS}</URI>`, "WRITE")) },
      "NotImplemented",
    ],
    ["a grant to another", { body: policy(grant("<ID>BOBKEY</ID>", "READ")) }, "NotImplemented"],
    ["a grant without permission", {
      body: policy("<Grant><Grantee><ID>ALICEKEY</ID></Grantee></Grant>"),
    }, "MalformedACLError"],
    ["no list", { body: "<AccessControlPolicy/>" }, "MalformedACLError"],
    ["no XML", { body: "private" }, "MalformedXML"],
  ];
  for (const [why, message, code] of refused) {
    Deno.test(`PUT ${path}?acl with ${why} is ${code} and changes nothing`, async () => {
      const send = (await openWorld()).as("alice");
      assertEquals((await send("PUT", `${path}?acl`, message)).code, code);
      assertEquals(texts((await send("GET", `${path}?acl`)).text, "Permission"), ["FULL_CONTROL"]);
      assertEquals((await send("GET", "/bkt/key")).text, "x");
    });
  }
}

Deno.test("the ACL of what isn't there", async () => {
  const send = (await openWorld()).as("alice");
  const headers = { "x-amz-acl": "public-read" };
  for (const method of ["GET", "PUT"]) {
    assertEquals((await send(method, "/bkt/none?acl", { headers })).code, "NoSuchKey");
    assertEquals((await send(method, "/none?acl", { headers })).code, "NoSuchBucket");
  }
  assertEquals((await send("GET", "/bkt/key?acl&versionId=null")).status, 200);
  assertEquals((await send("GET", "/bkt/key?acl&versionId=1")).code, "NoSuchVersion");
});
