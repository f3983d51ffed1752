import { assertEquals } from "@std/assert";
import { openTestServer, type TestServer, textOf, texts, type Who } from "../support/s3_client.ts";

async function openWorld(): Promise<TestServer> {
  const server = openTestServer({ region: "eu-test-1" });
  for (const name of ["alpha", "beta"]) await server.as("alice")("PUT", `/${name}`);
  await server.as("bob")("PUT", "/bobs");
  await server.as("admin")("PUT", "/shared", { headers: { "x-amz-acl": "public-read" } });
  return server;
}

const VISIBLE: readonly [who: Who, names: readonly string[]][] = [
  ["admin", ["alpha", "beta", "bobs", "shared"]],
  ["writer", ["alpha", "beta", "bobs", "shared"]],
  ["reader", ["alpha", "beta", "bobs", "shared"]],
  ["alice", ["alpha", "beta"]],
  ["bob", ["bobs"]],
];

for (const [who, names] of VISIBLE) {
  Deno.test(`${who} sees the buckets ${names}`, async () => {
    const reply = await (await openWorld()).as(who)("GET", "/");
    assertEquals([reply.status, texts(reply.text, "Name")], [200, names]);
    assertEquals(reply.headers.get("content-type"), "application/xml");
  });
}

Deno.test("a stranger sees none", async () => {
  const reply = await (await openWorld()).as("anonymous")("GET", "/");
  assertEquals([reply.status, reply.code], [403, "AccessDenied"]);
});

Deno.test("a bucket is listed with its time and region", async () => {
  const { text } = await (await openWorld()).as("bob")("GET", "/?x-id=ListBuckets");
  assertEquals(textOf(text, "CreationDate"), "2026-01-02T03:04:05.000Z");
  assertEquals(textOf(text, "BucketRegion"), "eu-test-1");
  assertEquals(textOf(text, "ID"), "BOBKEY");
});

Deno.test("pages follow each other to the end", async () => {
  const send = (await openWorld()).as("admin");
  const pages: string[][] = [];
  for (let token: string | undefined = ""; token !== undefined;) {
    const query: string = token === "" ? "" : `&continuation-token=${token}`;
    const { text } = await send("GET", `/?max-buckets=3${query}`);
    pages.push(texts(text, "Name"));
    [token] = texts(text, "ContinuationToken");
  }
  assertEquals(pages, [["alpha", "beta", "bobs"], ["shared"]]);
});

Deno.test("a prefix and a region narrow the list", async () => {
  const send = (await openWorld()).as("admin");
  const { text } = await send("GET", "/?prefix=b");
  assertEquals([texts(text, "Name"), textOf(text, "Prefix")], [["beta", "bobs"], "b"]);
  assertEquals(texts((await send("GET", "/?bucket-region=eu-test-1")).text, "Name").length, 4);
  assertEquals(texts((await send("GET", "/?bucket-region=us-east-1")).text, "Name"), []);
});

for (
  const query of ["max-buckets=0", "max-buckets=10001", "max-buckets=x", "continuation-token=!"]
) {
  Deno.test(`${query} is refused`, async () => {
    const reply = await openTestServer().as("admin")("GET", `/?${query}`);
    assertEquals([reply.status, reply.code], [400, "InvalidArgument"]);
  });
}
