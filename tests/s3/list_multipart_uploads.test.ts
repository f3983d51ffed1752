import { assertEquals } from "@std/assert";
import { readPage, readPages } from "../support/listing_world.ts";
import { encode, openTestServer, type Send, textOf, texts } from "../support/s3_client.ts";
import { createUpload } from "../support/uploads.ts";

// Two uploads of one key, which only their ids tell apart.
const KEYS = ["a/1", "a/2", "b", "b", "c d"];

async function openUploads(): Promise<{ send: Send; ids: readonly string[] }> {
  const send = openTestServer().as("alice");
  await send("PUT", "/bkt");
  const ids: string[] = [];
  for (const key of KEYS) ids.push(await createUpload(send, `/bkt/${encode(key, "/")}`));
  return { send, ids };
}

function nextMarkers(xml: string): string | undefined {
  if (textOf(xml, "IsTruncated") === "false") return undefined;
  const [uploadId] = texts(xml, "NextUploadIdMarker");
  return `&key-marker=${encode(textOf(xml, "NextKeyMarker"))}` +
    (uploadId === undefined ? "" : `&upload-id-marker=${encode(uploadId)}`);
}

Deno.test("an unfinished upload is listed with who began it", async () => {
  const { send, ids } = await openUploads();
  const { status, text } = await send("GET", "/bkt?uploads&prefix=c");
  const [, , , , last = ""] = ids;
  assertEquals([status, textOf(text, "Key"), textOf(text, "UploadId")], [200, "c d", last]);
  assertEquals(texts(text, "ID"), ["ALICEKEY", "ALICEKEY"]);
  assertEquals(textOf(text, "Initiated"), "2026-01-02T03:04:05.000Z");
  assertEquals([textOf(text, "Bucket"), textOf(text, "MaxUploads")], ["bkt", "1000"]);
});

Deno.test("an aborted upload is listed no more", async () => {
  const { send, ids } = await openUploads();
  const [first = ""] = ids;
  await send("DELETE", `/bkt/a/1?uploadId=${encode(first)}`);
  assertEquals(readPage((await send("GET", "/bkt?uploads")).text).keys, KEYS.slice(1));
});

for (const pageSize of [1, 2, 3, 4]) {
  Deno.test(`pages of ${pageSize} follow each other, prefixes once`, async () => {
    const { send } = await openUploads();
    const plain = await readPages(send, `uploads&max-uploads=${pageSize}`, nextMarkers);
    assertEquals(plain.flatMap(({ keys }) => keys), KEYS);
    const query = `uploads&delimiter=/&max-uploads=${pageSize}`;
    const folded = await readPages(send, query, nextMarkers);
    assertEquals(folded.flatMap(({ keys }) => keys), ["b", "b", "c d"]);
    assertEquals(folded.flatMap(({ prefixes }) => prefixes), ["a/"]);
  });
}

Deno.test("a key marker alone skips the key, an upload id marker alone is ignored", async () => {
  const { send, ids } = await openUploads();
  const [, , earlier = ""] = ids;
  const after = await send("GET", "/bkt?uploads&key-marker=b");
  assertEquals(readPage(after.text).keys, ["c d"]);
  const between = await send(
    "GET",
    `/bkt?uploads&key-marker=b&upload-id-marker=${encode(earlier)}`,
  );
  assertEquals(readPage(between.text).keys.at(-1), "c d");
  const ignored = await send("GET", `/bkt?uploads&upload-id-marker=${encode(earlier)}`);
  assertEquals(readPage(ignored.text).keys, KEYS);
});

Deno.test("keys are encoded when asked for", async () => {
  const { send } = await openUploads();
  const { text } = await send("GET", "/bkt?uploads&encoding-type=url&prefix=c");
  assertEquals([textOf(text, "Key"), textOf(text, "EncodingType")], ["c%20d", "url"]);
});
