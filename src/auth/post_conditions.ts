/** The policy of a POST form: its JSON → expiration and conditions. Judges no form. */

import { S3Error } from "../errors.ts";

export interface PostPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly PostCondition[];
}

/** `field` is in lower case: S3 compares names so. */
export type PostCondition =
  | { readonly kind: "eq"; readonly field: string; readonly value: string }
  | { readonly kind: "starts-with"; readonly field: string; readonly prefix: string }
  | { readonly kind: "content-length-range"; readonly min: number; readonly max: number };

/** `base64`: the field as sent. Throws InvalidPolicyDocument. */
export function parsePostPolicy(base64: string): PostPolicy {
  const document = parseJson(base64);
  if (!isRecord(document)) throw invalidPolicy("Invalid JSON.");
  const { expiration, conditions } = document;
  if (typeof expiration !== "string") throw invalidPolicy("Policy missing expiration.");
  if (!Array.isArray(conditions)) throw invalidPolicy("Policy missing conditions.");
  return {
    expiresMs: parseExpiration(expiration),
    conditions: conditions.map((condition: unknown) => parseCondition(condition)),
  };
}

function parseJson(base64: string): unknown {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalidPolicy("Invalid JSON.", cause);
  }
}

function parseExpiration(text: string): number {
  const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/.test(text);
  const ms = isIso ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw invalidPolicy(`Invalid 'expiration' value: '${text}'`);
  return ms;
}

/** `{ "acl": "private" }`, `["eq", "$acl", "private"]`, `["starts-with", "$key", "a/"]` or `["content-length-range", 1, 9]`. */
function parseCondition(condition: unknown): PostCondition {
  if (Array.isArray(condition)) return parseList(condition);
  if (!isRecord(condition)) throw invalidPolicy("Invalid Condition: neither object nor list.");
  const [entry, ...others] = Object.entries(condition);
  if (entry === undefined || others.length > 0) {
    throw invalidPolicy(
      "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
    );
  }
  const [field, value] = entry;
  return { kind: "eq", field: field.toLowerCase(), value: textOf(value) };
}

function parseList(list: readonly unknown[]): PostCondition {
  const [operator, first, second] = list;
  if (list.length !== 3 || typeof operator !== "string") {
    throw invalidPolicy("Invalid Condition: a list must have an operator and two arguments.");
  }
  switch (operator.toLowerCase()) {
    case "eq":
      return { kind: "eq", field: fieldOf(first), value: textOf(second) };
    case "starts-with":
      return { kind: "starts-with", field: fieldOf(first), prefix: textOf(second) };
    case "content-length-range":
      return { kind: "content-length-range", min: sizeOf(first), max: sizeOf(second) };
    default:
      throw invalidPolicy(`Invalid Condition: unknown operation '${operator}'.`);
  }
}

function fieldOf(reference: unknown): string {
  if (typeof reference === "string" && reference.startsWith("$")) {
    return reference.slice(1).toLowerCase();
  }
  throw invalidPolicy("Invalid Condition: a field's name must begin with '$'.");
}

/** SDKs write a status as a number. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw invalidPolicy("Invalid Condition: a value must be a string.");
}

function sizeOf(value: unknown): number {
  const size = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
  throw invalidPolicy("Invalid content-length-range: its bounds must be non-negative integers.");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalidPolicy(reason: string, cause?: unknown): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${reason}`, cause });
}
