import { assertEquals } from "@std/assert";
import { texts } from "../support/s3_client.ts";
import { BUCKET, openBucketServer } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const TAGGING = `${PATH}?tagging`;
const tagging = (...pairs: readonly (readonly [string, string])[]) => {
  const tags = pairs.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<Tagging><TagSet>${tags.join("")}</TagSet></Tagging>`;
};

async function openWithObject() {
  const server = await openBucketServer();
  await server.send("PUT", PATH, { body: "body", headers: { "x-amz-tagging": "first=1" } });
  const tags = async () => {
    const { text } = await server.send("GET", TAGGING);
    const values = texts(text, "Value");
    return texts(text, "Key").map((key, index) => [key, values[index]]);
  };
  return { ...server, tags };
}

Deno.test("tags are replaced as a whole, and removed", async () => {
  const { send, tags } = await openWithObject();
  assertEquals(await tags(), [["first", "1"]]);
  const put = await send("PUT", TAGGING, { body: tagging(["a", "1"], ["b", "x"]) });
  assertEquals([put.status, put.text], [200, ""]);
  assertEquals(await tags(), [["a", "1"], ["b", "x"]]);
  assertEquals((await send("HEAD", PATH)).headers.get("x-amz-tagging-count"), "2");
  const removed = await send("DELETE", TAGGING);
  assertEquals([removed.status, removed.text], [204, ""]);
  assertEquals(await tags(), []);
  assertEquals((await send("HEAD", PATH)).headers.get("x-amz-tagging-count"), null);
});

Deno.test("tags don't change the object's time, ETag or bytes", async () => {
  const { send, clock } = await openWithObject();
  const before = await send("GET", PATH);
  clock.nowMs += 5000;
  await send("PUT", TAGGING, { body: tagging(["a", "1"]) });
  const after = await send("GET", PATH);
  for (const name of ["etag", "last-modified"]) {
    assertEquals(after.headers.get(name), before.headers.get(name));
  }
  assertEquals(after.bytes, before.bytes);
});

Deno.test("tags that break a rule change nothing", async () => {
  const { send, tags } = await openWithObject();
  const eleven = Array.from({ length: 11 }, (_, i) => [`k${i}`, "v"] as const);
  const table: readonly (readonly [string, string])[] = [
    [tagging(["a", "1"], ["a", "2"]), "InvalidTag"],
    [tagging(...eleven), "InvalidTag"],
    [tagging(["aws:a", "1"]), "InvalidTag"],
    [tagging(["", "1"]), "InvalidTag"],
    [tagging(["a", "v".repeat(257)]), "InvalidTag"],
    ["<Tagging/>", "MalformedXML"],
    ["", "MalformedXML"],
  ];
  for (const [body, code] of table) {
    assertEquals((await send("PUT", TAGGING, { body })).code, code, body.slice(0, 60));
  }
  assertEquals(await tags(), [["first", "1"]]);
});

Deno.test("tags of what isn't there", async () => {
  const { send } = await openWithObject();
  const body = tagging(["a", "1"]);
  for (const method of ["GET", "PUT", "DELETE"]) {
    const message = method === "PUT" ? { body } : {};
    const at = async (target: string) => (await send(method, target, message)).code;
    assertEquals(await at(`/${BUCKET}/missing?tagging`), "NoSuchKey");
    assertEquals(await at("/missing/key?tagging"), "NoSuchBucket");
    assertEquals(await at(`${TAGGING}&versionId=x`), "NoSuchVersion");
    assertEquals((await send(method, `${TAGGING}&versionId=null`, message)).status < 300, true);
  }
});
