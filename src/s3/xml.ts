/** XML as S3 writes it: pieces that can't forget to escape. Reading is xml_reader.ts. */

import { Reply } from "./reply.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
/** How every document here begins. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

declare const isXml: unique symbol;

/** A piece of well-formed XML. Only the functions here make one, so text can't be mistaken for it. */
export type Xml = string & { readonly [isXml]: true };

/** Character data, escaped. */
export function text(value: string): Xml {
  return escapeXml(value) as Xml;
}

/**
 * Markup that the caller wrote out, every value in it escaped by `text` or a name or number of this program's own. For what
 * is repeated a thousand times in one document: one template takes half of the time of as many `leaf`s.
 */
export function markup(written: string): Xml {
  return written as Xml;
}

/** `<name>value</name>`, escaped. */
export function leaf(name: string, value: string | number | boolean): Xml {
  const content = typeof value === "string" ? escapeXml(value) : String(value);
  return `<${name}>${content}</${name}>` as Xml;
}

/** `<name>"value"</name>`: an ETag as S3 writes it. */
export function quotedLeaf(name: string, value: string): Xml {
  return `<${name}>&quot;${escapeXml(value)}&quot;</${name}>` as Xml;
}

/** As `leaf`; nothing at all when the value is undefined. */
export function optionalLeaf(name: string, value: string | number | boolean | undefined): Xml {
  return value === undefined ? "" as Xml : leaf(name, value);
}

/** `<name>…children…</name>`. Attributes are trusted text: pass constants only. */
export function group(name: string, children: readonly Xml[], attributes = ""): Xml {
  const open = attributes === "" ? name : `${name} ${attributes}`;
  return `<${open}>${children.join("")}</${name}>` as Xml;
}

/** A whole document with the S3 namespace on its root. */
export function xmlDocument(root: string, children: readonly Xml[]): Xml {
  return XML_DECLARATION + group(root, children, `xmlns="${NAMESPACE}"`) as Xml;
}

/** A whole document without a namespace, as S3 writes errors. */
export function plainXmlDocument(root: string, children: readonly Xml[]): Xml {
  return XML_DECLARATION + group(root, children) as Xml;
}

export function xmlReply(
  document: Xml,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return new Reply(document, { headers: { "content-type": "application/xml", ...headers } });
}

// What XML 1.0 can't carry is written as a numeric reference all the same, as S3 itself does (`&#x1;`): a lenient reader gets
// the key back. Tab, CR and LF are legal but would be normalised by a reader, so they are references too.
// deno-lint-ignore no-control-regex
const UNSAFE = /[&<>"'\u0000-\u001f\ufffe\uffff]/;
const UNSAFE_ALL = new RegExp(UNSAFE, "g");
const NAMED: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeXml(value: string): string {
  if (!UNSAFE.test(value)) return value;
  return value.replace(
    UNSAFE_ALL,
    (char) => NAMED[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}
