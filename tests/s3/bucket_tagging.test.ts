import { assertEquals } from "@std/assert";
import { openTestServer, type Send, texts } from "../support/s3_client.ts";

async function openBucket(): Promise<Send> {
  const send = openTestServer().as("admin");
  await send("PUT", "/bkt");
  return send;
}

function tagging(...tags: readonly (readonly [key: string, value: string])[]): string {
  const set = tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<Tagging><TagSet>${set.join("")}</TagSet></Tagging>`;
}

Deno.test("tags are put, got, replaced and deleted", async () => {
  const send = await openBucket();
  const body = tagging(["team", "a+b @ c"], ["007", ""]);
  assertEquals((await send("PUT", "/bkt?tagging", { body })).status, 204);
  const { text } = await send("GET", "/bkt?tagging");
  assertEquals(texts(text, "Key").toSorted(), ["007", "team"]);
  assertEquals(texts(text, "Value").toSorted(), ["", "a+b @ c"]);
  await send("PUT", "/bkt?tagging", { body: tagging(["one", "1"]) });
  assertEquals(texts((await send("GET", "/bkt?tagging")).text, "Key"), ["one"]);
  assertEquals((await send("DELETE", "/bkt?tagging")).status, 204);
  assertEquals((await send("GET", "/bkt?tagging")).code, "NoSuchTagSet");
});

Deno.test("a bucket may have 50 tags, not 51", async () => {
  const send = await openBucket();
  const tags = Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"] as const);
  assertEquals((await send("PUT", "/bkt?tagging", { body: tagging(...tags) })).code, "InvalidTag");
  const fewer = tagging(...tags.slice(1));
  assertEquals((await send("PUT", "/bkt?tagging", { body: fewer })).status, 204);
});

const REFUSED: readonly [why: string, body: string, code: string][] = [
  ["no XML", "team=a", "MalformedXML"],
  ["a key twice", tagging(["a", "1"], ["a", "2"]), "InvalidTag"],
  ["a reserved key", tagging(["aws:a", "1"]), "InvalidTag"],
];

for (const [why, body, code] of REFUSED) {
  Deno.test(`tags with ${why} are refused and change nothing`, async () => {
    const send = await openBucket();
    assertEquals((await send("PUT", "/bkt?tagging", { body })).code, code);
    assertEquals((await send("GET", "/bkt?tagging")).code, "NoSuchTagSet");
  });
}
