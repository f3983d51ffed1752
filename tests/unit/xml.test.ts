import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { group, leaf, optionalLeaf, text, xmlDocument } from "../../src/s3/xml.ts";
import {
  allowChildren,
  childrenNamed,
  findChild,
  findText,
  parseXml,
} from "../../src/s3/xml_reader.ts";

function parse(xml: string, root = "A") {
  return parseXml(new TextEncoder().encode(xml), root);
}

/** Texts that a key, a tag or a header can be; each must come through writing and reading as it is. */
const AWKWARD = [
  "plain",
  " both ends ",
  "007",
  "1e3",
  "true",
  "a&b<c>d\"e'f",
  "&amp;",
  "]]>",
  "<![CDATA[x]]>",
  "line\nfeed",
  "carriage\rreturn",
  "tab\t",
  "\u0001\u001f",
  "\ufffe\uffff",
  "é😀\u{10ffff}",
  "",
  " ",
];

for (const value of AWKWARD) {
  Deno.test(`xml: ${JSON.stringify(value)} is read as it was written`, () => {
    const root = parse(xmlDocument("A", [leaf("K", value)]));
    assertEquals(findText(root, "K"), value);
  });
}

Deno.test("xml: what XML can't carry is written as a numeric reference", () => {
  assertEquals<string>(leaf("K", "\u0001\r\ufffe"), "<K>&#x1;&#xd;&#xfffe;</K>");
});

Deno.test("xml: pieces nest, numbers and booleans are written, undefined isn't", () => {
  const piece = group("A", [
    leaf("N", 7),
    leaf("B", false),
    optionalLeaf("U", undefined),
    text("<"),
  ]);
  assertEquals<string>(piece, "<A><N>7</N><B>false</B>&lt;</A>");
});

const READ: readonly [xml: string, expected: string | undefined][] = [
  ["<A><K>x</K></A>", "x"],
  ['<?xml version="1.0" encoding="UTF-8"?>\n<A><K>x</K></A>\n', "x"],
  ['<A xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><K>x</K></A>', "x"],
  ['<s3:A xmlns:s3="urn:x"><s3:K>x</s3:K></s3:A>', "x"],
  ["<A>\n  <K>x</K>\n</A>", "x"],
  ["<A><!-- <K>y</K> --><K>x</K></A>", "x"],
  ["<A><K><![CDATA[<x>&amp;]]></K></A>", "<x>&amp;"],
  ["<A><K>a<![CDATA[b]]>c</K></A>", "abc"],
  ["<A><K>&#13;&#xA;&#x1F600;</K></A>", "\r\n😀"],
  ["<A><K>&lt;&gt;&amp;&quot;&apos;</K></A>", "<>&\"'"],
  ["<A><K/></A>", ""],
  ["<A><Other/></A>", undefined],
  ["\ufeff<A><K>x</K></A>", "x"],
  ["<A><?pi <K>y</K> ?><K>x</K></A><!-- end -->", "x"],
  ["<A><K>a<!-- <K> -->b</K\n></A>", "ab"],
  ["<A\tb = '>' c=\"'\">\r\n<K >a\r\nb\rc</K></A>", "a\nb\nc"],
  ["<A><__proto__>y</__proto__><K>x</K></A>", "x"],
];

for (const [xml, expected] of READ) {
  Deno.test(`xml: reads ${xml}`, () => assertEquals(findText(parse(xml), "K"), expected));
}

const REFUSED: readonly [why: string, xml: string][] = [
  ["nothing", ""],
  ["blank", "  \n"],
  ["no XML", "key=value"],
  ["JSON", '{"A": 1}'],
  ["another root", "<B/>"],
  ["two roots", "<A/><A/>"],
  ["text behind the root", "<A/>x"],
  ["text before the root", "x<A/>"],
  ["an open element", "<A><K></A>"],
  ["crossed elements", "<A><K><L></K></L></A>"],
  ["a cut document", "<A><K>x"],
  ["an attribute without quotes", "<A b=c/>"],
  ["an attribute twice", '<A b="1" b="2"/>'],
  ["text beside elements", "<A>text<K/></A>"],
  ["an unknown entity", "<A><K>&nbsp;</K></A>"],
  ["an unfinished entity", "<A><K>a & b</K></A>"],
  ["a surrogate reference", "<A><K>&#xD800;</K></A>"],
  ["a reference beyond Unicode", "<A><K>&#x110000;</K></A>"],
  ["a DTD", "<!DOCTYPE A><A/>"],
  ["a DTD with an entity", '<!DOCTYPE A [<!ENTITY x "y">]><A><K>&x;</K></A>'],
  ["an external entity", '<!DOCTYPE A [<!ENTITY x SYSTEM "file:///etc/passwd">]><A>&x;</A>'],
  ["a lower-case doctype", "<!doctype A><A/>"],
  ["elements nested too deeply", "<A>" + "<B>".repeat(30) + "</B>".repeat(30) + "</A>"],
  ["an attribute that nothing separates", '<A b="1"c="2"/>'],
  ["an unfinished attribute", '<A b="1/>'],
  ["an unfinished comment", "<A><!-- x</A>"],
  ["an unfinished CDATA section", "<A><![CDATA[x</A>"],
  ["a processing instruction without a name", "<A><??></A>"],
  ["a declaration that isn't first", '\n<?xml version="1.0"?><A/>'],
  ["a blank before a name", "<A>< K/></A>"],
  ["two end tags", "<A></A></A>"],
];

for (const [why, xml] of REFUSED) {
  Deno.test(`xml: refuses ${why}`, () => {
    assertEquals(assertThrows(() => parse(xml), S3Error).code, "MalformedXML");
  });
}

Deno.test("xml: refuses bytes that aren't UTF-8, and bodies over the limit", () => {
  const latin1 = new Uint8Array([...new TextEncoder().encode("<A>"), 0xe9, 0x3c, 0x2f, 0x41, 0x3e]);
  assertEquals(assertThrows(() => parseXml(latin1, "A"), S3Error).code, "MalformedXML");
  const huge = new Uint8Array(LIMITS.xmlBytesMax + 1);
  assertEquals(assertThrows(() => parseXml(huge, "A"), S3Error).code, "MaxMessageLengthExceeded");
});

Deno.test("xml: an entity bomb costs no time and no memory", () => {
  const levels = Array.from(
    { length: 9 },
    (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`,
  ).join("");
  const bomb = `<!DOCTYPE A [<!ENTITY e0 "x">${levels}]><A>&e9;</A>`;
  assertEquals(assertThrows(() => parse(bomb), S3Error).code, "MalformedXML");
});

Deno.test("xml: children are checked by name and number", () => {
  const root = parse("<A><K>1</K><K>2</K><L/><M><N/></M></A>");
  for (
    const misuse of [
      () => findChild(root, "K"),
      () => findText(root, "M"),
      () => allowChildren(root, ["K", "L"]),
      () => childrenNamed(root, "K"),
    ]
  ) assertEquals(assertThrows(misuse, S3Error).code, "MalformedXML");
  assertEquals(findChild(root, "L")?.name, "L");
  assertEquals(childrenNamed(parse("<A><K>1</K><K>2</K></A>"), "K").map((k) => k.text), ["1", "2"]);
});
