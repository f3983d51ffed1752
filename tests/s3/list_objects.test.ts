import { assertEquals, assertStringIncludes } from "@std/assert";
import { openKeys, readPage, readPages } from "../support/listing_world.ts";
import { encode, openTestServer, textOf, texts } from "../support/s3_client.ts";

const KEYS = ["a/1", "a/2", "b", "c/d/1", "c/e", "f"];

function nextMarker(xml: string): string | undefined {
  if (textOf(xml, "IsTruncated") === "false") return undefined;
  return `&marker=${encode(textOf(xml, "NextMarker"))}`;
}

Deno.test("an object is listed with what S3 says of it", async () => {
  const server = openTestServer();
  const send = server.as("alice");
  await send("PUT", "/bkt");
  await send("PUT", "/bkt/key", { body: "hello" });
  const { status, headers, text } = await send("GET", "/bkt");
  assertEquals([status, headers.get("content-type")], [200, "application/xml"]);
  const listed = ["Name", "Key", "LastModified", "ETag", "Size", "ID", "StorageClass", "MaxKeys"]
    .map((element) => textOf(text, element));
  assertEquals(listed, [
    "bkt",
    "key",
    "2026-01-02T03:04:05.000Z",
    '"5d41402abc4b2a76b9719d911017c592"',
    "5",
    "ALICEKEY",
    "STANDARD",
    "1000",
  ]);
  assertStringIncludes(text, '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">');
  assertStringIncludes(text, "<Prefix></Prefix><MaxKeys>");
});

Deno.test("a stranger isn't told the owner's key id", async () => {
  const server = openTestServer();
  await server.as("alice")("PUT", "/bkt", { headers: { "x-amz-acl": "public-read" } });
  await server.as("alice")("PUT", "/bkt/key", { body: "" });
  const { text } = await server.as("anonymous")("GET", "/bkt");
  assertEquals([textOf(text, "Key"), textOf(text, "ID")], ["key", ""]);
});

interface Listing {
  readonly query: string;
  readonly keys: readonly string[];
  readonly prefixes?: readonly string[];
}

const LISTINGS: readonly Listing[] = [
  { query: "", keys: KEYS },
  { query: "prefix=a/", keys: ["a/1", "a/2"] },
  { query: "prefix=none", keys: [] },
  { query: "delimiter=/", keys: ["b", "f"], prefixes: ["a/", "c/"] },
  { query: "delimiter=%2F&prefix=c/", keys: ["c/e"], prefixes: ["c/d/"] },
  { query: "delimiter=d&prefix=c", keys: ["c/e"], prefixes: ["c/d"] },
  { query: "delimiter=none", keys: KEYS },
  { query: "delimiter=", keys: KEYS },
  { query: "marker=b", keys: ["c/d/1", "c/e", "f"] },
  { query: "marker=bb", keys: ["c/d/1", "c/e", "f"] },
  { query: "marker=zzz", keys: [] },
  { query: "marker=a/&delimiter=/", keys: ["b", "f"], prefixes: ["c/"] },
  { query: "marker=a/", keys: KEYS },
  { query: "max-keys=0", keys: [] },
  { query: "max-keys=2", keys: ["a/1", "a/2"] },
  { query: "max-keys=2&delimiter=/", keys: ["b"], prefixes: ["a/"] },
  { query: "max-keys=", keys: KEYS },
  { query: "max-keys=5000", keys: KEYS },
  { query: "allow-unordered=true", keys: KEYS },
];

for (const { query, keys, prefixes = [] } of LISTINGS) {
  Deno.test(`?${query} lists ${keys} and ${prefixes}`, async () => {
    const { text } = await (await openKeys(KEYS))("GET", `/bkt?${query}`);
    assertEquals(readPage(text), { keys, prefixes });
  });
}

for (const pageSize of [1, 2, 3, 5]) {
  Deno.test(`pages of ${pageSize} follow each other, prefixes once`, async () => {
    const send = await openKeys(KEYS);
    const plain = await readPages(send, `max-keys=${pageSize}`, nextMarker);
    assertEquals(plain.flatMap(({ keys }) => keys), KEYS);
    assertEquals(plain.every(({ keys }) => keys.length <= pageSize), true);
    const folded = await readPages(send, `max-keys=${pageSize}&delimiter=/`, nextMarker);
    assertEquals(folded.flatMap(({ keys }) => keys), ["b", "f"]);
    assertEquals(folded.flatMap(({ prefixes }) => prefixes), ["a/", "c/"]);
    assertEquals(folded.every((page) => page.keys.length + page.prefixes.length <= pageSize), true);
  });
}

Deno.test("the page size is clamped to 1000, and 0 is a page that isn't truncated", async () => {
  const send = await openKeys(KEYS);
  assertEquals(textOf((await send("GET", "/bkt?max-keys=5000")).text, "MaxKeys"), "1000");
  const empty = (await send("GET", "/bkt?max-keys=0")).text;
  assertEquals([textOf(empty, "MaxKeys"), textOf(empty, "IsTruncated")], ["0", "false"]);
});

const REFUSED = [
  "max-keys=-1",
  "max-keys=x",
  "max-keys=2147483648",
  "max-keys=1.5",
  "encoding-type=xml",
];

for (const query of REFUSED) {
  Deno.test(`?${query} is refused`, async () => {
    const reply = await (await openKeys([]))("GET", `/bkt?${query}`);
    assertEquals([reply.status, reply.code], [400, "InvalidArgument"]);
  });
}

// In the order of their UTF-8 bytes, which isn't JavaScript's.
const AWKWARD = [
  "\u0001",
  "\t\r\n",
  " a ",
  "\"<&>'",
  "%41",
  "+",
  "007",
  "a b",
  "a*b",
  "é",
  "\ufffd",
  "\u{10000}",
];

for (const encoding of ["", "&encoding-type=url"]) {
  Deno.test(`every key comes through in its place${encoding}`, async () => {
    const send = await openKeys(AWKWARD);
    const { text } = await send("GET", `/bkt?delimiter=%7F&marker=%00${encoding}`);
    const keys = texts(text, "Key");
    assertEquals(encoding === "" ? keys : keys.map(decodeURIComponent), AWKWARD);
    if (encoding === "") return;
    assertEquals(keys.every((key) => /^[A-Za-z0-9%._~/-]+$/.test(key)), true, keys.join());
    assertEquals([textOf(text, "EncodingType"), textOf(text, "Delimiter")], ["url", "%7F"]);
    assertEquals(textOf(text, "Marker"), "%00");
  });
}

Deno.test("with encoding-type=url prefixes and markers are encoded, slashes are not", async () => {
  const send = await openKeys(["a b/c d/1", "a b/c d/2", "a b/e"]);
  const query = "encoding-type=url&delimiter=/&prefix=a%20b/&max-keys=1";
  const { text } = await send("GET", `/bkt?${query}`);
  assertEquals(readPage(text).prefixes, ["a%20b/c%20d/"]);
  assertEquals(textOf(text, "NextMarker"), "a%20b/c%20d/");
  assertStringIncludes(text, "<Prefix>a%20b/</Prefix>");
});

Deno.test("a folder object is a key of its own", async () => {
  const send = await openKeys(["dir", "dir/", "dir/a"]);
  const { text } = await send("GET", "/bkt?prefix=dir/&delimiter=/");
  assertEquals(readPage(text), { keys: ["dir/", "dir/a"], prefixes: [] });
});
