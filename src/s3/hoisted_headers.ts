/**
 * Headers that a presigned URL carries in its query. A URL is all that its user sends, so the SDKs move the `x-amz-*` headers of
 * the request they sign into the query, where the signature covers them; S3 takes them for the headers they stand for.
 */

import { signatureOfQuery } from "../auth/presigned_query.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { toHeaderText } from "./header_text.ts";

const HOISTED = /^x-amz-/;

/** Of the signature, not of the request. */
const SIGNATURE = new Set([
  "x-amz-algorithm",
  "x-amz-content-sha256",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-security-token",
  "x-amz-signature",
  "x-amz-signedheaders",
  "x-amz-user-agent",
]);

/** Checksums in a URL are of the body known when it was signed, which was none: S3 ignores them and so must this. */
const CHECKSUM = /^x-amz-(?:checksum-(?:crc|sha)|sdk-checksum-)/;

/**
 * The request with the hoisted headers among its headers; a header that was sent wins. Only for a presigned request, and only
 * for what it means: who sent it is to be judged from the request as it came.
 */
export function applyHoistedHeaders(request: IncomingRequest): IncomingRequest {
  if (signatureOfQuery(request.query) === "none") return request;
  const headers = new Map(request.headers);
  for (const parameter of request.query) {
    const name = parameter.name.toLowerCase();
    if (!HOISTED.test(name) || SIGNATURE.has(name) || CHECKSUM.test(name)) continue;
    if (!headers.has(name)) headers.set(name, toHeaderText(parameter.value));
  }
  return { ...request, headers };
}
