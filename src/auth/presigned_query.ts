/** The query of a presigned URL of Signature Version 4: parameters → SignatureClaim. Verifies nothing. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest, QueryParameter } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import { signatureV2Error } from "./authorization_header.ts";
import {
  ALGORITHM,
  type Blame,
  checkDate,
  type ExpectedRegion,
  parseCredential,
  parseSignedHeaders,
} from "./credential.ts";
import type { SignatureClaim } from "./signature_claim.ts";
import { findTimestampMs } from "./timestamp.ts";

export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** Which signatures, if any, a query carries. */
export function signatureOfQuery(
  query: readonly QueryParameter[],
): "none" | "v2" | "v4" | "both" {
  let isV2 = false;
  let isV4 = false;
  for (const { name } of query) {
    if (name === "AWSAccessKeyId" || name === "Signature") isV2 = true;
    if (name === "X-Amz-Algorithm" || name === "X-Amz-Credential" || name === "X-Amz-Signature") {
      isV4 = true;
    }
  }
  if (isV2 && isV4) return "both";
  if (isV2) return "v2";
  return isV4 ? "v4" : "none";
}

/** Throws AuthorizationQueryParametersError, NotImplemented for ECDSA. */
export function parsePresignedQuery(
  request: IncomingRequest,
  region: ExpectedRegion,
): SignatureClaim {
  const algorithm = requiredParameter(request, "X-Amz-Algorithm");
  checkAlgorithm(algorithm);
  const credentialText = requiredParameter(request, "X-Amz-Credential");
  const signature = requiredParameter(request, "X-Amz-Signature");
  const timestamp = requiredParameter(request, "X-Amz-Date");
  const signedHeadersText = requiredParameter(request, "X-Amz-SignedHeaders");
  const expiresSeconds = parseExpires(requiredParameter(request, "X-Amz-Expires"));
  const timeMs = findTimestampMs(timestamp);
  if (timeMs === undefined) {
    throw badQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  const credential = parseCredential(credentialText, region, badCredential);
  checkDate(credential, timestamp, badCredential);
  const signedHeaders = parseSignedHeaders(signedHeadersText, badQuery);
  const contentSha256 = contentSha256Of(request, signedHeaders);
  return {
    form: "presigned",
    credential,
    timestamp,
    timeMs,
    expiresSeconds,
    signedHeaders,
    signature,
    contentSha256,
  };
}

/** Throws for what isn't there, is empty, or is there twice. */
function requiredParameter(request: IncomingRequest, name: string): string {
  const value = optionalParameter(request, name);
  if (value !== undefined && value !== "") return value;
  throw badQuery(
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, " +
      "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
  );
}

function optionalParameter(request: IncomingRequest, name: string): string | undefined {
  let found: string | undefined;
  for (const parameter of request.query) {
    if (parameter.name !== name) continue;
    if (found !== undefined) throw badQuery(`${name} must be given only once.`);
    found = parameter.value;
  }
  return found;
}

function checkAlgorithm(algorithm: string): void {
  if (algorithm === ALGORITHM) return;
  if (algorithm === "AWS4-ECDSA-P256-SHA256") {
    throw new S3Error("NotImplemented", {
      message: `Signature Version 4A (${algorithm}) is not implemented. Please use ${ALGORITHM}.`,
    });
  }
  if (algorithm === "AWS") throw signatureV2Error();
  throw badQuery(`X-Amz-Algorithm only supports "${ALGORITHM}".`);
}

function parseExpires(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw badQuery("X-Amz-Expires should be a number.");
  const seconds = Number(text);
  if (seconds < 1) throw badQuery("X-Amz-Expires must be positive.");
  if (seconds <= LIMITS.presignedExpiresSecondsMax) return seconds;
  throw badQuery(
    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be " +
      `less than ${LIMITS.presignedExpiresSecondsMax} seconds`,
  );
}

/** Signers put the hash in a signed header, or (some SDKs, and MinIO reads it) in the query; usually nowhere. */
function contentSha256Of(request: IncomingRequest, signedHeaders: readonly string[]): string {
  const header = signedHeaders.includes("x-amz-content-sha256")
    ? request.headers.get("x-amz-content-sha256")
    : undefined;
  return header ?? optionalParameter(request, "X-Amz-Content-Sha256") ?? UNSIGNED_PAYLOAD;
}

const badQuery: Blame = (reason, details = {}) =>
  new S3Error("AuthorizationQueryParametersError", { message: reason, details });

const badCredential: Blame = (reason, details) =>
  badQuery(`Error parsing the X-Amz-Credential parameter; ${reason}`, details);
