import { assertEquals } from "@std/assert";
import { openTestServer, type Who } from "../support/s3_client.ts";

function constraint(region: string): string {
  return '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
}

Deno.test("a new bucket is its creator's, private, and empty", async () => {
  const server = openTestServer();
  const reply = await server.as("alice")("PUT", "/bkt");
  assertEquals([reply.status, reply.text], [200, ""]);
  assertEquals(reply.headers.get("location"), "/bkt");
  const { owner, acl } = await server.store.findBucket("bkt") ?? {};
  assertEquals([owner, acl], ["ALICEKEY", "private"]);
});

const AGAIN: readonly [region: string, who: Who, status: number, code: string | undefined][] = [
  ["us-east-1", "alice", 200, undefined],
  ["eu-test-1", "alice", 409, "BucketAlreadyOwnedByYou"],
  ["us-east-1", "bob", 409, "BucketAlreadyExists"],
  ["us-east-1", "admin", 409, "BucketAlreadyExists"],
  ["eu-test-1", "bob", 409, "BucketAlreadyExists"],
];

for (const [region, who, status, code] of AGAIN) {
  Deno.test(`alice's bucket again by ${who} in ${region} is ${status}`, async () => {
    const server = openTestServer({ region });
    await server.as("alice")("PUT", "/bkt");
    await server.as("alice")("PUT", "/bkt/key", { body: "kept" });
    const headers = { "x-amz-acl": "public-read" };
    const reply = await server.as(who)("PUT", "/bkt", { headers });
    assertEquals([reply.status, reply.code], [status, code]);
    const { owner, acl } = await server.store.findBucket("bkt") ?? {};
    assertEquals([owner, acl], ["ALICEKEY", "private"]);
    assertEquals((await server.as("alice")("GET", "/bkt/key")).text, "kept");
  });
}

const CREATORS: readonly [who: Who, status: number][] = [
  ["admin", 200],
  ["alice", 200],
  ["writer", 403],
  ["reader", 403],
  ["anonymous", 403],
];

for (const [who, status] of CREATORS) {
  Deno.test(`creating a bucket is ${status} for ${who}`, async () => {
    const server = openTestServer();
    assertEquals((await server.as(who)("PUT", "/bkt")).status, status);
    assertEquals(await server.store.findBucket("bkt") !== undefined, status === 200);
  });
}

interface Wish {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const ACCEPTED: readonly [why: string, wish: Wish][] = [
  ["a region", { body: constraint("eu-central-1") }],
  ["the oldest name of a region", { body: constraint("EU") }],
  ["an empty region", { body: constraint("") }],
  ["an empty configuration", { body: "<CreateBucketConfiguration/>" }],
  ["an empty body", { body: "" }],
  ["the ACL private", { headers: { "x-amz-acl": "private" } }],
  ["no object lock", { headers: { "x-amz-bucket-object-lock-enabled": "false" } }],
  ["an object ownership", { headers: { "x-amz-object-ownership": "BucketOwnerEnforced" } }],
];

for (const [why, wish] of ACCEPTED) {
  Deno.test(`a bucket with ${why} is created`, async () => {
    assertEquals((await openTestServer().as("admin")("PUT", "/bkt", wish)).status, 200);
  });
}

const REFUSED: readonly [why: string, wish: Wish, code: string][] = [
  ["a region that can't be one", { body: constraint("a b") }, "InvalidLocationConstraint"],
  ["broken XML", { body: "<CreateBucketConfiguration>" }, "MalformedXML"],
  ["an unknown element", {
    body: "<CreateBucketConfiguration><X/></CreateBucketConfiguration>",
  }, "MalformedXML"],
  ["tags", {
    body: "<CreateBucketConfiguration><Tags/></CreateBucketConfiguration>",
  }, "NotImplemented"],
  ["object lock", { headers: { "x-amz-bucket-object-lock-enabled": "true" } }, "NotImplemented"],
  ["grants", { headers: { "x-amz-grant-read": "id=x" } }, "NotImplemented"],
  ["the ACL public-read-write", {
    headers: { "x-amz-acl": "public-read-write" },
  }, "NotImplemented"],
  ["an unknown ACL", { headers: { "x-amz-acl": "mine" } }, "InvalidArgument"],
];

for (const [why, wish, code] of REFUSED) {
  Deno.test(`a bucket with ${why} is ${code}`, async () => {
    const server = openTestServer();
    assertEquals((await server.as("admin")("PUT", "/bkt", wish)).code, code);
    assertEquals(await server.store.findBucket("bkt"), undefined);
  });
}

const NAMES = ["ab", "a".repeat(64), "Upper", "under_score", "-a-", "a..b", "127.0.0.1", "xn--abc"];

for (const name of NAMES) {
  Deno.test(`a bucket can't be called ${name.slice(0, 12)}`, async () => {
    const reply = await openTestServer().as("admin")("PUT", `/${name}`);
    assertEquals([reply.status, reply.code], [400, "InvalidBucketName"]);
  });
}
