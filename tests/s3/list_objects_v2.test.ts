import { assertEquals } from "@std/assert";
import { openKeys, readPage, readPages } from "../support/listing_world.ts";
import { textOf, texts } from "../support/s3_client.ts";

const KEYS = ["a/1", "a/2", "b", "c/d/1", "c/e", "f"];

function nextToken(xml: string): string | undefined {
  const [token] = texts(xml, "NextContinuationToken");
  assertEquals(textOf(xml, "IsTruncated"), String(token !== undefined));
  return token === undefined ? undefined : `&continuation-token=${token}`;
}

interface Listing {
  readonly query: string;
  readonly keys: readonly string[];
  readonly prefixes?: readonly string[];
}

const LISTINGS: readonly Listing[] = [
  { query: "", keys: KEYS },
  { query: "&prefix=c/&delimiter=/", keys: ["c/e"], prefixes: ["c/d/"] },
  { query: "&start-after=b", keys: ["c/d/1", "c/e", "f"] },
  { query: "&start-after=a/1&delimiter=/", keys: ["b", "f"], prefixes: ["a/", "c/"] },
  { query: "&start-after=", keys: KEYS },
  { query: "&start-after=a/&delimiter=/", keys: ["b", "f"], prefixes: ["c/"] },
  { query: "&max-keys=0", keys: [] },
  { query: "&marker=b", keys: KEYS },
];

for (const { query, keys, prefixes = [] } of LISTINGS) {
  Deno.test(`?list-type=2${query} lists ${keys} and ${prefixes}`, async () => {
    const { text } = await (await openKeys(KEYS))("GET", `/bkt?list-type=2${query}`);
    assertEquals(readPage(text), { keys, prefixes });
    assertEquals(textOf(text, "KeyCount"), String(keys.length + prefixes.length));
  });
}

for (const pageSize of [1, 2, 3, 5]) {
  Deno.test(`pages of ${pageSize} follow each other by token, prefixes once`, async () => {
    const send = await openKeys(KEYS);
    const plain = await readPages(send, `list-type=2&max-keys=${pageSize}`, nextToken);
    assertEquals(plain.flatMap(({ keys }) => keys), KEYS);
    const query = `list-type=2&max-keys=${pageSize}&delimiter=/`;
    const folded = await readPages(send, query, nextToken);
    assertEquals(folded.flatMap(({ keys }) => keys), ["b", "f"]);
    assertEquals(folded.flatMap(({ prefixes }) => prefixes), ["a/", "c/"]);
  });
}

Deno.test("a token outlives the key that it points at, and wins over start-after", async () => {
  const send = await openKeys(KEYS);
  const first = await send("GET", "/bkt?list-type=2&max-keys=3&start-after=a/1");
  assertEquals(readPage(first.text).keys, ["a/2", "b", "c/d/1"]);
  await send("DELETE", "/bkt/c/d/1");
  const token = textOf(first.text, "NextContinuationToken");
  const query = `list-type=2&max-keys=3&start-after=a/1&continuation-token=${token}`;
  const second = await send("GET", `/bkt?${query}`);
  assertEquals(readPage(second.text).keys, ["c/e", "f"]);
  assertEquals(textOf(second.text, "ContinuationToken"), token);
  assertEquals(textOf(second.text, "StartAfter"), "a/1");
});

Deno.test("the owner is told when asked for", async () => {
  const send = await openKeys(["a"]);
  assertEquals(texts((await send("GET", "/bkt?list-type=2")).text, "ID"), []);
  assertEquals(texts((await send("GET", "/bkt?list-type=2&fetch-owner=false")).text, "ID"), []);
  const { text } = await send("GET", "/bkt?list-type=2&fetch-owner=true");
  assertEquals(texts(text, "ID"), ["ADMINKEY"]);
});

for (const query of ["list-type=1", "list-type=", "list-type=2&continuation-token="]) {
  Deno.test(`?${query} is refused`, async () => {
    const reply = await (await openKeys([]))("GET", `/bkt?${query}`);
    assertEquals([reply.status, reply.code], [400, "InvalidArgument"]);
  });
}

Deno.test("v1's markers and v2's tokens are told in their own versions only", async () => {
  const send = await openKeys(KEYS);
  const v1 = (await send("GET", "/bkt?max-keys=1")).text;
  assertEquals([texts(v1, "NextMarker"), texts(v1, "KeyCount")], [["a/1"], []]);
  const v2 = (await send("GET", "/bkt?list-type=2&max-keys=1")).text;
  assertEquals([texts(v2, "NextMarker"), texts(v2, "Marker")], [[], []]);
});
