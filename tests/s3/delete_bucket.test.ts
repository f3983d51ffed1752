import { assertEquals } from "@std/assert";
import { openTestServer, type Who } from "../support/s3_client.ts";

Deno.test("an empty bucket is deleted, then it isn't there", async () => {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  assertEquals((await send("DELETE", "/bkt")).status, 204);
  const again = await send("DELETE", "/bkt");
  assertEquals([again.status, again.code], [404, "NoSuchBucket"]);
});

Deno.test("a bucket with an object is kept", async () => {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  await send("PUT", "/bkt/key", { body: "x" });
  const reply = await send("DELETE", "/bkt");
  assertEquals([reply.status, reply.code], [409, "BucketNotEmpty"]);
  assertEquals((await send("GET", "/bkt/key")).text, "x");
});

Deno.test("an unfinished upload doesn't keep a bucket", async () => {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  await send("POST", "/bkt/key?uploads");
  assertEquals((await send("DELETE", "/bkt")).status, 204);
});

const DELETERS: readonly [who: Who, status: number][] = [
  ["admin", 204],
  ["alice", 204],
  ["bob", 403],
  ["writer", 403],
  ["reader", 403],
  ["anonymous", 403],
];

for (const [who, status] of DELETERS) {
  Deno.test(`deleting alice's bucket is ${status} for ${who}`, async () => {
    const server = openTestServer();
    await server.as("alice")("PUT", "/bkt", { headers: { "x-amz-acl": "public-read" } });
    assertEquals((await server.as(who)("DELETE", "/bkt")).status, status);
    assertEquals(await server.store.findBucket("bkt") === undefined, status === 204);
  });
}

const SUB_RESOURCES = ["policy", "lifecycle", "website", "replication", "encryption", "unheard-of"];

for (const name of SUB_RESOURCES) {
  Deno.test(`DELETE ?${name} doesn't delete the bucket`, async () => {
    const server = openTestServer();
    await server.as("admin")("PUT", "/bkt");
    const reply = await server.as("admin")("DELETE", `/bkt?${name}`);
    assertEquals([reply.status, reply.code], [501, "NotImplemented"]);
    assertEquals((await server.store.findBucket("bkt"))?.name, "bkt");
  });
}
