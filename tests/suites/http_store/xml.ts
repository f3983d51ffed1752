/** Reading and writing the XML of S3 as a client does: only what HttpStore asks of it. */

import { XMLParser } from "fast-xml-parser";

/** An element with children: text under each name, or elements, or several of them. */
export type Element = Readonly<Record<string, unknown>>;

const parser = new XMLParser({ parseTagValue: false, trimValues: false });

/** The root element; undefined unless `text` is a document with that root. */
export function findRoot(text: string, name: string): Element | undefined {
  const document: unknown = parser.parse(text);
  return isElement(document) && name in document ? asElement(document[name]) : undefined;
}

export function parseRoot(text: string, name: string): Element {
  const root = findRoot(text, name);
  if (root === undefined) throw new Error(`no <${name}> in the answer: ${text}`);
  return root;
}

export function findText(element: Element, name: string): string | undefined {
  const value = element[name];
  return typeof value === "string" ? value : undefined;
}

export function textOf(element: Element, name: string): string {
  const text = findText(element, name);
  if (text === undefined) throw new Error(`no <${name}> in ${JSON.stringify(element)}`);
  return text;
}

/** The children of this name, however many. */
export function childrenOf(element: Element, name: string): Element[] {
  const value = element[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(asElement);
}

/** As `encoding-type=url` writes names. */
export function decodeName(text: string): string {
  return decodeURIComponent(text.replaceAll("+", " "));
}

export function escape(text: string): string {
  return text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** An empty element is parsed as "". */
function asElement(value: unknown): Element {
  return isElement(value) ? value : {};
}

function isElement(value: unknown): value is Element {
  return typeof value === "object" && value !== null;
}
