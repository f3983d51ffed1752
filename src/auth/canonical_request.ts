/** The text that a signature is made over: request → canonical request, after the Signature V4 specification for S3. */

import type { IncomingRequest } from "../incoming_request.ts";
import type { SignatureClaim } from "./signature_claim.ts";
import { canonicalPath, canonicalQueryText } from "./uri_encoding.ts";

/** Two readings of a request where the wire doesn't tell what the signer had before it. */
export interface Reading {
  /** canonical: decoded and encoded again, as S3 does. sent: for signers that sign the very characters they send. */
  readonly path: "canonical" | "sent";
  /** received: as the runtime joined repeated headers, with ", ". joined: with ",", as their signer did. */
  readonly repeatedHeaders: "received" | "joined";
}

export const USUAL_READING: Reading = { path: "canonical", repeatedHeaders: "received" };

/** Code units above 127 are bytes of header values; everything else is ASCII. */
export function canonicalRequest(
  request: IncomingRequest,
  claim: SignatureClaim,
  reading: Reading = USUAL_READING,
): string {
  const path = reading.path === "sent" ? request.rawPath : canonicalPath(request.rawPath);
  let text = `${request.method}\n${path}\n${canonicalQuery(request.rawQuery)}\n`;
  for (const name of claim.signedHeaders) {
    text += `${name}:${canonicalHeader(request, name, reading)}\n`;
  }
  return `${text}\n${claim.signedHeaders.join(";")}\n${claim.contentSha256}`;
}

// The text is hashed as latin1: of a code unit above 255 the low half would be left, which is another key's character.
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** All readings but the usual one that give another text. */
export function otherReadings(request: IncomingRequest, claim: SignatureClaim): readonly Reading[] {
  const paths: Reading["path"][] = ["canonical"];
  const { rawPath } = request;
  if (ASCII.test(rawPath) && canonicalPath(rawPath) !== rawPath) paths.push("sent");
  const joins: Reading["repeatedHeaders"][] = ["received"];
  if (claim.signedHeaders.some((name) => mayBeRepeated(request, name))) joins.push("joined");
  return paths.flatMap((path) => joins.map((repeatedHeaders) => ({ path, repeatedHeaders })))
    .slice(1);
}

/** Sorted by name, then value, both encoded; without the signature itself. */
function canonicalQuery(rawQuery: string): string {
  if (rawQuery === "") return "";
  const pairs: [name: string, value: string][] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = canonicalQueryText(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? "" : canonicalQueryText(pair.slice(equals + 1));
    if (name !== "X-Amz-Signature") pairs.push([name, value]);
  }
  pairs.sort(byNameThenValue);
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** Both are ASCII: the order of code units is that of bytes. */
function byNameThenValue(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return 0;
}

/** A header that was signed but isn't there is signed as empty: some HTTP libraries drop empty headers. */
function canonicalHeader(request: IncomingRequest, name: string, reading: Reading): string {
  const value = collapseSpaces(request.headers.get(name) ?? "");
  const isJoined = reading.repeatedHeaders === "joined" && mayBeRepeated(request, name);
  return isJoined ? value.replaceAll(", ", ",") : value;
}

function collapseSpaces(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes("  ") ? trimmed.replace(/ {2,}/g, " ") : trimmed;
}

/** Dates and user agents have ", " of their own; those that clients repeat are S3's. */
function mayBeRepeated(request: IncomingRequest, name: string): boolean {
  return name.startsWith("x-amz-") && (request.headers.get(name)?.includes(", ") ?? false);
}
