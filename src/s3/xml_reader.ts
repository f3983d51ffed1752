/** Reads the XML of request bodies: strict, bounded, nothing expanded, nothing trimmed. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** An element of a request body. Names are without their namespace prefix. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Decoded character data, never trimmed; "" for an element that has children. */
  readonly text: string;
}

/**
 * Reads a document whose root is `root` (any namespace or none). Throws MalformedXML for anything that isn't well-formed UTF-8
 * XML, holds a DTD or an entity other than the five and numeric ones, mixes text with elements, is too deep or has another root.
 */
export async function parseXml(bytes: Uint8Array, root: string): Promise<XmlElement> {
  if (bytes.length > LIMITS.xmlBytesMax) throw new S3Error("MaxMessageLengthExceeded");
  const text = decodeUtf8(bytes);
  if (text.includes("<!DOCTYPE")) throw malformed("A document type declaration is not allowed.");
  const nodes = (engine ??= await loadEngine()).parse(text);
  const elements = toElements(nodes);
  const [element] = elements;
  if (elements.length !== 1 || element?.name !== root) {
    throw malformed(`The document's root must be ${root}.`);
  }
  return element;
}

/** The one child of that name, or undefined. Throws MalformedXML when it is there twice. */
export function findChild(element: XmlElement, name: string): XmlElement | undefined {
  const found = element.children.filter((child) => child.name === name);
  if (found.length > 1) throw malformed(`${name} must not be repeated in ${element.name}.`);
  return found[0];
}

/** The text of the one child of that name, or undefined. Throws MalformedXML when it is repeated or has children. */
export function findText(element: XmlElement, name: string): string | undefined {
  const child = findChild(element, name);
  if (child !== undefined && child.children.length > 0) {
    throw malformed(`${name} must hold text only.`);
  }
  return child?.text;
}

/** Throws MalformedXML when the element has a child whose name isn't listed. */
export function allowChildren(element: XmlElement, names: readonly string[]): void {
  const stranger = element.children.find((child) => !names.includes(child.name));
  if (stranger !== undefined) {
    throw malformed(`${stranger.name} is not allowed in ${element.name}.`);
  }
}

/** The children as a list. Throws MalformedXML for one of another name. */
export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  allowChildren(element, [name]);
  return element.children;
}

export function malformed(message: string, cause?: unknown): S3Error {
  return new S3Error("MalformedXML", { message, cause });
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw malformed("The body is not valid UTF-8.", cause);
  }
}

/** What fast-xml-parser gives with `preserveOrder`: one key for the tag or kind of text, ":@" for attributes. */
type ParserNode = Readonly<Record<string, unknown>>;

const ATTRIBUTES = ":@";
const TEXT = "#text";
const CDATA = "#cdata";

interface Engine {
  parse(text: string): readonly ParserNode[];
}

let engine: Engine | undefined;

/** With the first document: 4 MB and 40 ms that a start can do without. */
async function loadEngine(): Promise<Engine> {
  const { XMLParser, XMLValidator } = await import("fast-xml-parser");
  // The parser expands nothing and changes no text: references are decoded here, where CDATA is told apart.
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: "",
    cdataPropName: CDATA,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    processEntities: false,
    removeNSPrefix: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    maxNestedTags: LIMITS.xmlDepthMax,
  });
  // The parser is lenient about structure and the validator about depth: the parser's bound comes first, both must agree. Text
  // behind an empty root is let through by both.
  return {
    parse(text) {
      try {
        const nodes = parser.parse(text) as readonly ParserNode[];
        if (XMLValidator.validate(text) === true && text.trimEnd().endsWith(">")) return nodes;
      } catch (cause) {
        throw malformed("The XML is not well-formed or is nested too deeply.", cause);
      }
      throw malformed("The XML is not well-formed.");
    },
  };
}

function toElements(nodes: readonly ParserNode[]): XmlElement[] {
  const elements: XmlElement[] = [];
  for (const node of nodes) {
    if (TEXT in node || CDATA in node) continue;
    elements.push(toElement(node));
  }
  return elements;
}

function toElement(node: ParserNode): XmlElement {
  const name = Object.keys(node).find((key) => key !== ATTRIBUTES) ?? "";
  const content = node[name] as readonly ParserNode[];
  const children = toElements(content);
  const text = content.map(characterData).join("");
  if (children.length > 0 && text.trim() !== "") {
    throw malformed(`${name} must not mix text and elements.`);
  }
  return {
    name,
    attributes: toAttributes(node),
    children,
    text: children.length > 0 ? "" : text,
  };
}

function toAttributes(node: ParserNode): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(node[ATTRIBUTES] ?? {})) {
    attributes[name] = decodeReferences(String(value));
  }
  return attributes;
}

function characterData(node: ParserNode): string {
  if (TEXT in node) return decodeReferences(String(node[TEXT]));
  if (!(CDATA in node)) return "";
  return (node[CDATA] as readonly ParserNode[]).map((part) => String(part[TEXT])).join("");
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

function decodeReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]*)(;?)/g, (_whole, name: string, end: string) => {
    const value = end === "" ? undefined : ENTITIES.get(name) ?? numericReference(name);
    if (value === undefined) throw malformed("The XML holds an entity that isn't known.");
    return value;
  });
}

/** Control characters are let through: a key with one can only be named so (see xml.ts). */
function numericReference(name: string): string | undefined {
  const match = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
  if (match === null) return undefined;
  const [, hex, decimal] = match;
  const code = hex === undefined ? parseInt(decimal ?? "", 10) : parseInt(hex, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
