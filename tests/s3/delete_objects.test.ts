import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { checksumOf } from "../../src/checksum.ts";
import { md5 } from "../support/bytes.ts";
import { type Send, texts } from "../support/s3_client.ts";
import { BUCKET, openBucketServer } from "../support/uploads.ts";

const TARGET = `/${BUCKET}?delete`;
const ETAG = md5(new TextEncoder().encode("body"));

const deletion = (objects: readonly string[], more = "") =>
  `<Delete>${objects.map((inner) => `<Object>${inner}</Object>`).join("")}${more}</Delete>`;
const key = (name: string) => `<Key>${name}</Key>`;

async function openWithKeys(...keys: readonly string[]) {
  const server = await openBucketServer();
  for (const name of keys) await server.send("PUT", `/${BUCKET}/${name}`, { body: "body" });
  const names = async () => {
    const query = { prefix: "", delimiter: "", after: { kind: "start" } as const, limit: 1000 };
    const { entries } = await server.store.list(BUCKET, query);
    return entries.map((entry) => entry.kind === "object" ? entry.object.key : entry.prefix);
  };
  return { ...server, names };
}

async function results(send: Send, body: string) {
  const { status, text } = await send("POST", TARGET, { body });
  const elements = Array.from(
    text.matchAll(/<(Deleted|Error)>(.*?)<\/\1>/gs),
    ([, kind, inner]) => [
      kind,
      ...texts(inner ?? "", "Key"),
      ...texts(inner ?? "", "VersionId"),
      ...texts(inner ?? "", "Code"),
    ],
  );
  return { status, elements };
}

Deno.test("every key that is named goes, and no other", async () => {
  const { send, names } = await openWithKeys("a", "b", "c/d", "e&f");
  const body = deletion([key("a"), key("c/d"), key("e&amp;f"), key("never")]);
  assertEquals(await results(send, body), {
    status: 200,
    elements: [["Deleted", "a"], ["Deleted", "c/d"], ["Deleted", "e&f"], ["Deleted", "never"]],
  });
  assertEquals(await names(), ["b"]);
});

Deno.test("a quiet deletion tells only of errors", async () => {
  const { send, names } = await openWithKeys("a", "b");
  const body = deletion([key("a"), key("b") + "<VersionId>x</VersionId>"], "<Quiet>true</Quiet>");
  assertEquals((await results(send, body)).elements, [["Error", "b", "x", "NoSuchVersion"]]);
  assertEquals(await names(), ["b"]);
});

Deno.test("what fails for one key is told of that key", async () => {
  const { send, names } = await openWithKeys("a", "b", "c", "d", "e");
  const body = deletion([
    key("a") + "<VersionId>null</VersionId>",
    key("b") + `<ETag>"${ETAG}"</ETag>`,
    key("c") + "<ETag>x</ETag>",
    key("d") + "<Size>5</Size>",
    key("e") + "<Size>4</Size><LastModifiedTime>Fri, 02 Jan 2026 03:04:05 GMT</LastModifiedTime>",
    key("none") + `<ETag>*</ETag>`,
    key("../up"),
    key(""),
    key("k".repeat(1025)),
  ]);
  assertEquals((await results(send, body)).elements, [
    ["Deleted", "a", "null"],
    ["Deleted", "b"],
    ["Error", "c", "PreconditionFailed"],
    ["Error", "d", "PreconditionFailed"],
    ["Deleted", "e"],
    ["Error", "none", "NoSuchKey"],
    ["Error", "../up", "InvalidArgument"],
    ["Error", "", "InvalidArgument"],
    ["Error", "k".repeat(1025), "KeyTooLongError"],
  ]);
  assertEquals(await names(), ["c", "d"]);
});

Deno.test("a thousand keys go, one more is too many", async () => {
  const { send, store, names } = await openWithKeys("k7", "k999", "k1000");
  const many = (count: number) => deletion(Array.from({ length: count }, (_, i) => key(`k${i}`)));
  const tooMany = await send("POST", TARGET, { body: many(1001) });
  assertEquals([tooMany.status, tooMany.code], [400, "MalformedXML"]);
  assertEquals((await names()).length, 3);
  const { elements } = await results(send, many(1000));
  assertEquals(elements, Array.from({ length: 1000 }, (_, i) => ["Deleted", `k${i}`]));
  assertEquals(await names(), ["k1000"]);
  await store.delete({ bucket: BUCKET, key: "k1000" });
});

Deno.test("a document that is wrong deletes nothing", async () => {
  const { send, names } = await openWithKeys("a");
  const table: readonly (readonly [string, string])[] = [
    ["", "MalformedXML"],
    ["<Delete></Delete>", "MalformedXML"],
    [deletion(["<Name>a</Name>"]), "MalformedXML"],
    [deletion([key("a") + key("a")]), "MalformedXML"],
    [deletion([key("a")], "<Force>true</Force>"), "MalformedXML"],
    [deletion([key("a")]).slice(0, -3), "MalformedXML"],
    [`<!DOCTYPE d [<!ENTITY x "a">]>${deletion([key("&x;")])}`, "MalformedXML"],
    [deletion([key("a")]) + " ".repeat(2 * 1024 * 1024), "MaxMessageLengthExceeded"],
  ];
  for (const [body, code] of table) {
    const reply = await send("POST", TARGET, { body });
    assertEquals([reply.status, reply.code], [400, code], body.slice(0, 100));
  }
  assertEquals(await names(), ["a"]);
});

Deno.test("Content-MD5 and checksums aren't demanded, but believed", async () => {
  const { send, names } = await openWithKeys("a");
  const body = deletion([key("a")]);
  const bytes = new TextEncoder().encode(body);
  const wrong: readonly Record<string, string>[] = [
    { "content-md5": createHash("md5").update("other").digest("base64") },
    { "x-amz-checksum-crc32": checksumOf("CRC32", new Uint8Array(1)) },
  ];
  for (const headers of wrong) {
    assertEquals((await send("POST", TARGET, { body, headers })).code, "BadDigest");
  }
  assertEquals(await names(), ["a"]);
  const right: readonly Record<string, string>[] = [
    {},
    { "content-md5": createHash("md5").update(body).digest("base64") },
    { "x-amz-checksum-sha256": checksumOf("SHA256", bytes) },
  ];
  for (const headers of right) {
    assertEquals((await send("POST", TARGET, { body, headers })).status, 200);
  }
  assertEquals(await names(), []);
});

Deno.test("a bucket that isn't there, a caller who may not", async () => {
  const { send, as, names } = await openWithKeys("a");
  const body = deletion([key("a")]);
  assertEquals((await send("POST", "/missing?delete", { body })).code, "NoSuchBucket");
  assertEquals((await as("reader")("POST", TARGET, { body })).code, "AccessDenied");
  assertEquals(await names(), ["a"]);
});
