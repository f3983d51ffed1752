import { assert, assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { parseTaggingHeader, parseTaggingXml, taggingDocument } from "../../src/s3/tags.ts";

const encoder = new TextEncoder();
const many = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join("&");
const xml = (tags: string) => encoder.encode(`<Tagging><TagSet>${tags}</TagSet></Tagging>`);
const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;

Deno.test("tags in a header are form-encoded", () => {
  const table: readonly (readonly [string, Record<string, string>])[] = [
    ["", {}],
    ["a=1", { a: "1" }],
    ["a=1&b=2", { a: "1", b: "2" }],
    ["a", { a: "" }],
    ["a=", { a: "" }],
    ["a=b=c", { a: "b=c" }],
    ["a%20b=c+d", { "a b": "c d" }],
    ["%C3%A9t%C3%A9=%F0%90%8D%88", { "été": "𐍈" }],
    [many(10), Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`k${i}`, "v"]))],
  ];
  for (const [header, tags] of table) assertEquals(parseTaggingHeader(header), tags, header);
});

Deno.test("a tag may be called as an object's own insides are", () => {
  const tags = parseTaggingHeader("__proto__=x&constructor=y");
  assertEquals(Object.entries(tags), [["__proto__", "x"], ["constructor", "y"]]);
});

Deno.test("tags that break a rule", () => {
  const table: readonly (readonly [string, string])[] = [
    ["a=1&a=2", "InvalidArgument"],
    ["a=%zz", "InvalidArgument"],
    ["a=%ff", "InvalidArgument"],
    ["=1", "InvalidTag"],
    [many(11), "InvalidTag"],
    [`${"k".repeat(129)}=v`, "InvalidTag"],
    [`k=${"v".repeat(257)}`, "InvalidTag"],
    ["a%3C=1", "InvalidTag"],
    ["a=%0A", "InvalidTag"],
    ["aws:x=1", "InvalidTag"],
    ["AWS:x=1", "InvalidTag"],
  ];
  for (const [header, code] of table) {
    assertEquals(assertThrows(() => parseTaggingHeader(header), S3Error).code, code, header);
  }
});

Deno.test("tags in XML come back as they were", () => {
  const tags = { a: "1", "été": "", "a b": "x=y" };
  assertEquals(parseTaggingXml(encoder.encode(taggingDocument(tags)), 10), tags);
  assertEquals(parseTaggingXml(xml(""), 10), {});
  assert(taggingDocument({}).endsWith("<TagSet></TagSet></Tagging>"));
});

Deno.test("a Tagging document that is wrong", () => {
  const table: readonly (readonly [Uint8Array, string])[] = [
    [xml(tag("a", "1") + tag("a", "2")), "InvalidTag"],
    [xml(tag("a", "1").repeat(3)), "InvalidTag"],
    [xml("<Tag><Key>a</Key></Tag>"), "MalformedXML"],
    [xml("<Tag><Key>a</Key><Value>1</Value><X/></Tag>"), "MalformedXML"],
    [xml("<Other/>"), "MalformedXML"],
    [encoder.encode("<Tagging></Tagging>"), "MalformedXML"],
    [encoder.encode("<Other><TagSet/></Other>"), "MalformedXML"],
    [encoder.encode("not xml"), "MalformedXML"],
    [new Uint8Array(0), "MalformedXML"],
    [xml(tag("a", "1") + tag("b", "1") + tag("c", "1")), "InvalidTag"],
  ];
  for (const [bytes, code] of table) {
    assertEquals(assertThrows(() => parseTaggingXml(bytes, 2), S3Error).code, code);
  }
});
