/** CORS rules of a bucket: their XML, their stored form, and which of them a browser's request matches. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { group, leaf, optionalLeaf, type Xml, xmlDocument } from "./xml.ts";
import { allowChildren, childrenNamed, findText, malformed, parseXml } from "./xml_reader.ts";
import type { XmlElement } from "./xml_reader.ts";

export interface CorsRule {
  readonly id?: string;
  readonly methods: readonly string[];
  /** Each with at most one `*`, which stands for any run of characters. */
  readonly origins: readonly string[];
  /** As `origins`; compared without regard to case. */
  readonly headers: readonly string[];
  /** Names; `*` alone for all that the response has. */
  readonly exposed: readonly string[];
  readonly maxAgeSeconds?: number;
}

const METHODS = ["GET", "PUT", "HEAD", "POST", "DELETE"];
const ID_CHARS_MAX = 255;
/** A field name of RFC 9110 §5.1: exposed names are sent as they are. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/**
 * In force for a bucket without a configuration: a browser may ask from anywhere, because what it gets is decided by its
 * signature (or by what was made public), not by its origin. No cookies are involved, so nothing is ever sent unasked.
 */
export const OPEN_RULES: readonly CorsRule[] = [
  { methods: METHODS, origins: ["*"], headers: ["*"], exposed: ["*"], maxAgeSeconds: 3000 },
];

/** Throws MalformedXML, and InvalidRequest for a rule that S3 refuses. */
export function parseCorsXml(bytes: Uint8Array): readonly CorsRule[] {
  const rules = childrenNamed(parseXml(bytes, "CORSConfiguration"), "CORSRule").map(parseRule);
  if (rules.length === 0 || rules.length > LIMITS.corsRulesMax) {
    throw malformed(`CORSConfiguration must hold 1 to ${LIMITS.corsRulesMax} CORSRules.`);
  }
  return rules;
}

export function corsDocument(rules: readonly CorsRule[]): Xml {
  return xmlDocument(
    "CORSConfiguration",
    rules.map((rule) =>
      group("CORSRule", [
        optionalLeaf("ID", rule.id),
        ...rule.methods.map((method) => leaf("AllowedMethod", method)),
        ...rule.origins.map((origin) => leaf("AllowedOrigin", origin)),
        ...rule.headers.map((header) => leaf("AllowedHeader", header)),
        ...rule.exposed.map((header) => leaf("ExposeHeader", header)),
        optionalLeaf("MaxAgeSeconds", rule.maxAgeSeconds),
      ])
    ),
  );
}

/** The form that BucketInfo.cors keeps. */
export function formatStoredRules(rules: readonly CorsRule[]): string {
  return JSON.stringify(rules);
}

/** What `formatStoredRules` wrote. */
export function parseStoredRules(text: string): readonly CorsRule[] {
  return JSON.parse(text) as readonly CorsRule[];
}

export interface CorsQuestion {
  readonly origin: string;
  readonly method: string;
  /** Names of the headers that a preflight asks for. */
  readonly headers: readonly string[];
}

/** The first rule that allows all that is asked. */
export function findRule(rules: readonly CorsRule[], question: CorsQuestion): CorsRule | undefined {
  return rules.find((rule) =>
    rule.methods.includes(question.method) &&
    matchesAny(rule.origins, question.origin) &&
    question.headers.every((header) => matchesAny(rule.headers.map(lower), header.toLowerCase()))
  );
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text));
}

function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === text;
  const after = pattern.slice(star + 1);
  return text.length >= pattern.length - 1 && text.startsWith(pattern.slice(0, star)) &&
    text.endsWith(after);
}

function parseRule(element: XmlElement): CorsRule {
  allowChildren(element, [
    "ID",
    "AllowedMethod",
    "AllowedOrigin",
    "AllowedHeader",
    "ExposeHeader",
    "MaxAgeSeconds",
  ]);
  const id = findText(element, "ID");
  const maxAgeSeconds = parseMaxAge(findText(element, "MaxAgeSeconds"));
  const rule = {
    methods: texts(element, "AllowedMethod"),
    origins: texts(element, "AllowedOrigin"),
    headers: texts(element, "AllowedHeader"),
    exposed: texts(element, "ExposeHeader"),
    ...(id !== undefined && { id }),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  };
  checkRule(rule);
  return rule;
}

function checkRule(rule: CorsRule): void {
  if (rule.methods.length === 0 || rule.origins.length === 0) {
    throw malformed("A CORSRule must hold an AllowedMethod and an AllowedOrigin.");
  }
  if (rule.id !== undefined && rule.id.length > ID_CHARS_MAX) {
    throw malformed(`The ID of a CORSRule must not be longer than ${ID_CHARS_MAX} characters.`);
  }
  const method = rule.methods.find((candidate) => !METHODS.includes(candidate));
  if (method !== undefined) {
    throw refused(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`);
  }
  const pattern = [...rule.origins, ...rule.headers].find((text) => text.split("*").length > 2);
  if (pattern !== undefined) throw refused(`"${pattern}" can not have more than one wildcard.`);
  const exposed = rule.exposed.find((header) => header.includes("*"));
  if (exposed !== undefined) {
    throw refused(`ExposeHeader "${exposed}" contains wildcard, which is not supported there.`);
  }
  if (!rule.exposed.every((header) => HEADER_NAME.test(header))) {
    throw refused("An ExposeHeader is not the name of a header.");
  }
}

function parseMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw malformed("MaxAgeSeconds must be a number of seconds.");
  return Number(text);
}

function texts(element: XmlElement, name: string): readonly string[] {
  return element.children.filter((child) => child.name === name).map((child) => child.text);
}

function lower(text: string): string {
  return text.toLowerCase();
}

function refused(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
