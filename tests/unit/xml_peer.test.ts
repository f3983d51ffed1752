/** The reader of XML beside fast-xml-parser, which is laxer, over documents that chance has damaged. */

import { assert, assertEquals } from "@std/assert";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { S3Error } from "../../src/errors.ts";
import { parseXml, type XmlElement } from "../../src/s3/xml_reader.ts";
import { type SeededRandom, withSeed } from "../support/seed.ts";

const DOCUMENTS = 3000;

/** Without references, which the peer leaves as they are, and processing instructions, of which it makes errors. */
const WHOLE = [
  '<A xmlns="urn:x"><K>x</K><L a="1" b=\'2\'/></A>\n',
  "<A>\n <!-- <K>y</K> --><K><![CDATA[<x>]]>b</K></A>",
  '<s3:A xmlns:s3="urn:x"><s3:K>&lt;</s3:K><G xmlns:xsi="u" xsi:type="C"></G></s3:A>',
  "<A><B><C><D>1</D></C></B>\r\n<B/>\r</A>",
];
const PIECES =
  "< > / A K <K> </K> <A> </A> <!-- --> -- <![CDATA[ ]]> = \" ' a='1' x é \u0001 : . 1 <! ]"
    .split(" ").concat(" ", "\n", "\t", "\r");

Deno.test("xml: what is read is well-formed for fast-xml-parser too, and it reads the same", () =>
  withSeed(import.meta.url, (random) => {
    let read = 0;
    for (let count = 0; count < DOCUMENTS; count++) {
      const document = damage(random.pick(WHOLE), random);
      const element = readUnlessMalformed(document);
      if (element === undefined) continue;
      read++;
      assert(XMLValidator.validate(document) === true, document);
      assertEquals(outline([element]), outline(peerElements(parser.parse(document))), document);
    }
    assert(read > DOCUMENTS / 20, "too few documents that can be read");
    return Promise.resolve();
  }));

function damage(document: string, random: SeededRandom): string {
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(document.length + 1);
    const removed = random.oneIn(3) ? random.below(6) : 0;
    document = document.slice(0, at) + random.pick(PIECES) + document.slice(at + removed);
  }
  return document;
}

function readUnlessMalformed(document: string): XmlElement | undefined {
  try {
    return parseXml(new TextEncoder().encode(document), "A");
  } catch (error) {
    if (error instanceof S3Error && error.code === "MalformedXML") return undefined;
    throw error;
  }
}

const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

type PeerNode = Readonly<Record<string, unknown>>;
interface Outlined extends Pick<XmlElement, "name" | "text"> {
  readonly children: readonly Outlined[];
}

function peerElements(nodes: readonly PeerNode[]): Outlined[] {
  return nodes.flatMap((node) =>
    Object.entries(node).filter(([name]) => name !== "#text").map(([name, content]) => {
      const inner = content as readonly PeerNode[];
      const children = peerElements(inner);
      const text = inner.map((part) => String(part["#text"] ?? "")).join("");
      return { name, children, text: children.length > 0 ? "" : text };
    })
  );
}

function outline(elements: readonly Outlined[]): unknown {
  return elements.map(({ name, children, text }) => [name, text, outline(children)]);
}
