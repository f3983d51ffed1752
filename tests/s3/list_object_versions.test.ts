import { assertEquals } from "@std/assert";
import { openKeys, readPage, readPages } from "../support/listing_world.ts";
import { encode, textOf, texts } from "../support/s3_client.ts";

const KEYS = ["a/1", "a/2", "b", "c"];

function nextMarkers(xml: string): string | undefined {
  if (textOf(xml, "IsTruncated") === "false") return undefined;
  const [version] = texts(xml, "NextVersionIdMarker");
  return `&key-marker=${encode(textOf(xml, "NextKeyMarker"))}` +
    (version === undefined ? "" : `&version-id-marker=${version}`);
}

Deno.test("each object is its own latest version null", async () => {
  const { text } = await (await openKeys(KEYS))("GET", "/bkt?versions");
  assertEquals(readPage(text).keys, KEYS);
  assertEquals(texts(text, "VersionId"), KEYS.map(() => "null"));
  assertEquals(texts(text, "IsLatest"), KEYS.map(() => "true"));
  assertEquals(texts(text, "ID"), KEYS.map(() => "ADMINKEY"));
  assertEquals(texts(text, "DeleteMarker"), []);
});

for (const pageSize of [1, 2, 3]) {
  Deno.test(`pages of ${pageSize} follow each other, prefixes once`, async () => {
    const send = await openKeys(KEYS);
    const plain = await readPages(send, `versions&max-keys=${pageSize}`, nextMarkers);
    assertEquals(plain.flatMap(({ keys }) => keys), KEYS);
    const folded = await readPages(send, `versions&delimiter=/&max-keys=${pageSize}`, nextMarkers);
    assertEquals(folded.flatMap(({ keys }) => keys), ["b", "c"]);
    assertEquals(folded.flatMap(({ prefixes }) => prefixes), ["a/"]);
  });
}

Deno.test("a prefix narrows, a version marker needs its key", async () => {
  const send = await openKeys(KEYS);
  assertEquals(readPage((await send("GET", "/bkt?versions&prefix=a/")).text).keys, ["a/1", "a/2"]);
  assertEquals((await send("GET", "/bkt?versions&version-id-marker=null")).code, "InvalidArgument");
  assertEquals((await send("GET", "/none?versions")).code, "NoSuchBucket");
});
