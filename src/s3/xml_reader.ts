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
export function parseXml(bytes: Uint8Array, root: string): XmlElement {
  if (bytes.length > LIMITS.xmlBytesMax) throw new S3Error("MaxMessageLengthExceeded");
  const element = readDocument(decodeUtf8(bytes).replace(/\r\n?/g, "\n"));
  if (element.name !== root) throw malformed(`The document's root must be ${root}.`);
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

/** An element whose end hasn't come yet. */
interface OpenElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const SPACE = String.raw`[ \t\n]`;
const LETTERS = String.raw`A-Za-z_:\u00c0-\u1fff\u2070-\ufffd`;
const NAME = String.raw`[${LETTERS}][${LETTERS}\d.\-\u00b7]*`;
const attribute = (name: string, double: string, single: string) =>
  `${SPACE}+${name}${SPACE}*=${SPACE}*(?:"${double}"|'${single}')`;
const EACH_ATTRIBUTE = new RegExp(attribute(`(${NAME})`, '([^"<]*)', "([^'<]*)"), "g");
const ATTRIBUTES = `(?:${attribute(NAME, '[^"<]*', "[^'<]*")})*`;
/** All that a document is made of, but for a DTD. Where none of it begins is the end of what can be read. */
const TOKENS = new RegExp(
  [
    "(?<text>[^<]+)",
    `</(?<closed>${NAME})${SPACE}*>`,
    `<(?<opened>${NAME})(?<attributes>${ATTRIBUTES})${SPACE}*(?<isEmpty>/)?>`,
    String.raw`<!\[CDATA\[(?<cdata>[^]*?)\]\]>`,
    "<!--(?:(?!--)[^])*-->",
    String.raw`(?<declaration><\?xml${ATTRIBUTES}${SPACE}*\?>)`,
    String.raw`<\?(?!xml${SPACE})${NAME}(?:${SPACE}[^]*?)?\?>`,
  ].join("|"),
  "gy",
);

function readDocument(document: string): XmlElement {
  const outside: OpenElement = { tag: "", attributes: {}, children: [], text: "" };
  const open = [outside];
  let end = 0;
  for (const { 0: token, index, groups = {} } of document.matchAll(TOKENS)) {
    const { text, closed, opened, attributes = "", isEmpty, cdata, declaration } = groups;
    const here = open.at(-1) ?? outside;
    if (text !== undefined) here.text += decodeReferences(text);
    else if (cdata !== undefined) here.text += cdata;
    else if (closed !== undefined) {
      if (here.tag !== closed) throw malformed(`${closed} ends where it isn't open.`);
      open.pop();
      open.at(-1)?.children.push(closeElement(here));
    } else if (opened !== undefined) {
      if (open.length > LIMITS.xmlDepthMax) throw malformed("The XML is nested too deeply.");
      const element = openElement(opened, attributes);
      if (isEmpty === undefined) open.push(element);
      else here.children.push(closeElement(element));
    } else if (declaration !== undefined && index > 0) break;
    end = index + token.length;
  }
  const [root] = outside.children;
  if (end < document.length || open.length > 1 || root === undefined) {
    throw malformed("The XML is not well-formed.");
  }
  if (outside.children.length > 1 || outside.text.trim() !== "") {
    throw malformed("The document must be one element.");
  }
  return root;
}

function openElement(tag: string, attributes: string): OpenElement {
  const values = new Map<string, string>();
  for (const [, name = "", double, single = ""] of attributes.matchAll(EACH_ATTRIBUTE)) {
    if (values.has(name)) throw malformed(`${name} must not be repeated in ${tag}.`);
    values.set(name, decodeReferences(double ?? single));
  }
  const named = [...values].filter(([name]) => !/^xmlns(?:$|:)/.test(name));
  return {
    tag,
    attributes: Object.fromEntries(named.map(([name, value]) => [localName(name), value])),
    children: [],
    text: "",
  };
}

function closeElement({ tag, attributes, children, text }: OpenElement): XmlElement {
  const name = localName(tag);
  if (children.length > 0 && text.trim() !== "") {
    throw malformed(`${name} must not mix text and elements.`);
  }
  return { name, attributes, children, text: children.length > 0 ? "" : text };
}

/** Without the prefix of a namespace. */
function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
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
  let decoded = "";
  let end = 0;
  // One by one: `replace` would find all of them before it looks at the first.
  for (const { 0: whole, 1: name = "", index } of text.matchAll(/&([^;&]*);?/g)) {
    const value = whole.endsWith(";") ? ENTITIES.get(name) ?? numericReference(name) : undefined;
    if (value === undefined) throw malformed("The XML holds an entity that isn't known.");
    decoded += text.slice(end, index) + value;
    end = index + whole.length;
  }
  return decoded + text.slice(end);
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
