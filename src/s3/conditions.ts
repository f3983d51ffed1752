/** Conditional requests: what a client demands of the object before it is read, copied from, written or deleted. */

import { S3Error } from "../errors.ts";
import type { ObjectInfo, WriteCondition } from "../storage/object_store.ts";
import { findHttpDate, wholeSeconds } from "./http_date.ts";

type Headers = ReadonlyMap<string, string>;
/** What of an object conditions are about. */
export type Validators = Pick<ObjectInfo, "etag" | "modifiedMs">;

export type ReadConditionName =
  | "If-Match"
  | "If-None-Match"
  | "If-Modified-Since"
  | "If-Unmodified-Since";

const COPY_PREFIX = "x-amz-copy-source-";

/**
 * The first condition of a GET or HEAD that doesn't hold, in the precedence of RFC 9110 §13.2.2; undefined when all do.
 * If-None-Match and If-Modified-Since mean 304 to a reader, the other two 412. Dates that aren't dates are ignored.
 */
export function findFailedCondition(
  headers: Headers,
  current: Validators,
): ReadConditionName | undefined {
  return findFailed(headers, "", current);
}

/** The same for `x-amz-copy-source-if-…`. Throws PreconditionFailed, whichever condition it was. */
export function checkCopySourceConditions(headers: Headers, source: Validators): void {
  const failed = findFailed(headers, COPY_PREFIX, source);
  if (failed !== undefined) throw preconditionFailed(COPY_PREFIX + failed);
}

/** Whether Range applies: no If-Range, or one that names the object as it is now (strong ETag or exact date). */
export function isRangeFresh(ifRange: string | undefined, current: Validators): boolean {
  if (ifRange === undefined) return true;
  const date = findHttpDate(ifRange);
  if (date !== undefined) return date === wholeSeconds(current.modifiedMs);
  return ifRange !== "*" && matchesStrongly(ifRange, current.etag);
}

/**
 * The condition of a PUT, copy or Complete; undefined when there is none. Throws NotImplemented for what S3 doesn't do on
 * writes either: an If-None-Match other than `*`, dates, and both headers together.
 */
export function findWriteCondition(headers: Headers): WriteCondition | undefined {
  refuseDates(headers);
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch === undefined) {
    return ifMatch === undefined ? undefined : { ifMatch: parseSingleETag(ifMatch) };
  }
  if (ifMatch !== undefined || unquote(ifNoneMatch) !== "*") throw unsupported("If-None-Match");
  return { ifAbsent: true };
}

/** The condition of a DELETE: If-Match, x-amz-if-match-size, x-amz-if-match-last-modified-time. */
export function findDeleteCondition(headers: Headers): WriteCondition | undefined {
  refuseDates(headers);
  if (headers.has("if-none-match")) throw unsupported("If-None-Match");
  return deleteCondition({
    etag: headers.get("if-match"),
    size: headers.get("x-amz-if-match-size"),
    modified: headers.get("x-amz-if-match-last-modified-time"),
  });
}

/** The same from texts, as DeleteObjects has them in XML. Throws InvalidArgument for a bad size or time. */
export function deleteCondition(texts: {
  readonly etag: string | undefined;
  readonly size: string | undefined;
  readonly modified: string | undefined;
}): WriteCondition | undefined {
  const { etag, size, modified } = texts;
  if (etag === undefined && size === undefined && modified === undefined) return undefined;
  return {
    ...(etag !== undefined && { ifMatch: parseSingleETag(etag) }),
    ...(size !== undefined && { ifMatchSize: parseSize(size) }),
    ...(modified !== undefined && { ifMatchModifiedMs: parseTime(modified) }),
  };
}

/** An ETag without its quotes. */
export function unquote(etag: string): string {
  const text = etag.trim();
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { details: { Condition: condition } });
}

function findFailed(
  headers: Headers,
  prefix: string,
  current: Validators,
): ReadConditionName | undefined {
  const modifiedMs = wholeSeconds(current.modifiedMs);
  const ifMatch = headers.get(`${prefix}if-match`);
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, current.etag)) return "If-Match";
  } else {
    const since = findDate(headers, `${prefix}if-unmodified-since`);
    if (since !== undefined && modifiedMs > since) return "If-Unmodified-Since";
  }
  const ifNoneMatch = headers.get(`${prefix}if-none-match`);
  if (ifNoneMatch !== undefined) {
    return matchesWeakly(ifNoneMatch, current.etag) ? "If-None-Match" : undefined;
  }
  const since = findDate(headers, `${prefix}if-modified-since`);
  return since !== undefined && modifiedMs <= since ? "If-Modified-Since" : undefined;
}

function findDate(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  return text === undefined ? undefined : findHttpDate(text);
}

/** RFC 9110 §8.8.3.2: a weak tag never matches strongly. Our tags hold no comma, so splitting at commas is exact. */
function matchesStrongly(list: string, etag: string): boolean {
  return list.split(",").some((tag) => isTag(tag, etag));
}

function matchesWeakly(list: string, etag: string): boolean {
  return list.split(",").some((tag) => isTag(tag.trim().replace(/^W\//, ""), etag));
}

function isTag(tag: string, etag: string): boolean {
  const text = unquote(tag);
  return text === "*" || text === etag;
}

function parseSingleETag(text: string): string {
  if (text.includes(",")) throw unsupported("If-Match");
  return unquote(text);
}

function parseSize(text: string): number {
  if (/^\d{1,15}$/.test(text.trim())) return Number(text);
  throw badArgument("x-amz-if-match-size", text, "The size must be a whole number of bytes.");
}

function parseTime(text: string): number {
  const ms = findHttpDate(text.trim());
  if (ms !== undefined) return ms;
  throw badArgument("x-amz-if-match-last-modified-time", text, "The time must be an HTTP date.");
}

function refuseDates(headers: Headers): void {
  if (headers.has("if-modified-since")) throw unsupported("If-Modified-Since");
  if (headers.has("if-unmodified-since")) throw unsupported("If-Unmodified-Since");
}

function unsupported(header: string): S3Error {
  return new S3Error("NotImplemented", { details: { Header: header } });
}

function badArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    details: { ArgumentName: name, ArgumentValue: value },
  });
}
