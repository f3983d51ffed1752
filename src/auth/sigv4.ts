/**
 * Who sent a request, by AWS Signature Version 4 in the Authorization header or in the query of a presigned URL, by Version 2 in
 * a query, or nobody.
 * What the caller may do is s3/authorize.ts's matter, the signatures of a body's chunks are chunk_signatures.ts's.
 */

import type { Clock } from "../clock.ts";
import { isSameText } from "../constant_time.ts";
import { S3Error } from "../errors.ts";
import { sha256Hex } from "../hashing/short_sha256.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import { parseAuthorizationHeader } from "./authorization_header.ts";
import { canonicalRequest, otherReadings } from "./canonical_request.ts";
import { ALGORITHM } from "./credential.ts";
import type { Caller, KeyPair, Keyring } from "./keyring.ts";
import { parsePresignedQuery, signatureOfQuery, UNSIGNED_PAYLOAD } from "./presigned_query.ts";
import { checkSignatureV2, parsePresignedV2, type PresignedV2 } from "./presigned_v2.ts";
import { hmacHex } from "./signature.ts";
import type { SignatureClaim } from "./signature_claim.ts";
import { formatTimestamp } from "./timestamp.ts";

export interface AuthWorld {
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** The only region that may be signed for; undefined accepts any. */
  readonly region: string | undefined;
}

/** A verified signature: what the signatures of a body's chunks build on. */
export interface Signing {
  readonly form: "header" | "presigned";
  /** 32 bytes. */
  readonly signingKey: Uint8Array;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  /** `YYYYMMDD/region/s3/aws4_request`. */
  readonly scope: string;
  /** 64 hex digits, lower case. */
  readonly signature: string;
}

export interface Authentication {
  readonly caller: Caller;
  /** undefined for an anonymous caller, and for Version 2, which signs no chunks. */
  readonly signing: Signing | undefined;
  /** What the sender says of the body (`x-amz-content-sha256`): a hash or a mode; undefined when it says nothing. */
  readonly contentSha256: string | undefined;
}

/**
 * The caller of a request; anonymous when it carries no signature. `hostBucket` is the bucket that its Host names, if it does.
 * Throws S3Error for a signature that doesn't hold: the parsers' errors (authorization_header.ts, presigned_query.ts,
 * presigned_v2.ts), AccessDenied (unsigned headers, expired or not yet valid), InvalidAccessKeyId, InvalidToken,
 * RequestTimeTooSkewed, SignatureDoesNotMatch.
 */
export function authenticate(
  request: IncomingRequest,
  world: AuthWorld,
  hostBucket?: string,
): Authentication {
  if (request.method === "OPTIONS") return anonymous(request);
  const authorization = request.headers.get("authorization");
  const inQuery = signatureOfQuery(request.query);
  const isTwice = inQuery === "both" || (authorization !== undefined && inQuery !== "none");
  if (isTwice) throw twoSignatures();
  if (authorization !== undefined) {
    return verify(request, parseAuthorizationHeader(authorization, request, world.region), world);
  }
  if (inQuery === "v4") return verify(request, parsePresignedQuery(request, world.region), world);
  if (inQuery === "v2") return verifyV2(request, parsePresignedV2(request), world, hostBucket);
  return anonymous(request);
}

/** Also a preflight, whatever it carries: a browser asks with the URL of the request to come, which is signed for that. */
function anonymous(request: IncomingRequest): Authentication {
  const contentSha256 = request.headers.get("x-amz-content-sha256");
  return { caller: { kind: "anonymous" }, signing: undefined, contentSha256 };
}

function verify(
  request: IncomingRequest,
  claim: SignatureClaim,
  { keyring, clock }: AuthWorld,
): Authentication {
  const pair = findPair(keyring, claim.credential.accessKeyId);
  checkToken(request);
  checkSignedHeaders(request, claim);
  checkTime(claim, clock.now());
  const { date, region, scope } = claim.credential;
  const signingKey = keyring.signingKey(pair, date, region);
  checkSignature(request, claim, signingKey);
  const { form, timestamp, signature } = claim;
  return {
    caller: callerOf(pair),
    signing: { form, signingKey, timestamp, scope, signature },
    contentSha256: claim.contentSha256,
  };
}

/** The region doesn't matter: Version 2 doesn't sign it. */
function verifyV2(
  request: IncomingRequest,
  claim: PresignedV2,
  { keyring, clock }: AuthWorld,
  hostBucket: string | undefined,
): Authentication {
  const pair = findPair(keyring, claim.accessKeyId);
  checkToken(request);
  checkExpiry(claim.expiresMs, clock.now());
  checkSignatureV2(request, claim, pair.secretKey, hostBucket);
  const contentSha256 = request.headers.get("x-amz-content-sha256") ?? UNSIGNED_PAYLOAD;
  return { caller: callerOf(pair), signing: undefined, contentSha256 };
}

function callerOf({ accessKeyId, role }: KeyPair): Caller {
  return { kind: "signed", accessKeyId, role };
}

/** Throws InvalidAccessKeyId. */
export function findPair(keyring: Keyring, accessKeyId: string): KeyPair {
  const pair = keyring.find(accessKeyId);
  if (pair !== undefined) return pair;
  throw new S3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId: accessKeyId } });
}

/** Nobody here gives out session tokens, so none is known. */
function checkToken(request: IncomingRequest): void {
  const isInQuery = request.query.some(({ name }) => name.toLowerCase() === "x-amz-security-token");
  if (isInQuery || request.headers.has("x-amz-security-token")) throw new S3Error("InvalidToken");
}

/**
 * `host` and every `x-amz-*` must be signed, or whoever holds the URL could add a copy source or an ACL. S3 exempts
 * `x-amz-content-sha256`: what counts of it is part of the canonical request anyway.
 */
function checkSignedHeaders(request: IncomingRequest, { signedHeaders }: SignatureClaim): void {
  const unsigned = signedHeaders.includes("host") ? [] : ["host"];
  for (const name of request.headers.keys()) {
    if (!name.startsWith("x-amz-") || name === "x-amz-content-sha256") continue;
    if (!signedHeaders.includes(name)) unsigned.push(name);
  }
  if (unsigned.length === 0) return;
  throw new S3Error("AccessDenied", {
    message: "There were headers present in the request which were not signed",
    details: { HeadersNotSigned: unsigned.join(", ") },
  });
}

function checkTime(claim: SignatureClaim, nowMs: number): void {
  if (claim.expiresSeconds === undefined) return checkSkew(claim, nowMs);
  if (claim.timeMs - nowMs > LIMITS.clockSkewMsMax) {
    throw new S3Error("AccessDenied", {
      message: "Request is not valid yet",
      details: { "X-Amz-Date": claim.timestamp, ServerTime: formatTimestamp(nowMs) },
    });
  }
  const expiresMs = claim.timeMs + claim.expiresSeconds * 1000;
  checkExpiry(expiresMs, nowMs, { "X-Amz-Expires": String(claim.expiresSeconds) });
}

function checkExpiry(
  expiresMs: number,
  nowMs: number,
  details: Readonly<Record<string, string>> = {},
): void {
  if (nowMs <= expiresMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    details: {
      ...details,
      Expires: new Date(expiresMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    },
  });
}

function checkSkew(claim: SignatureClaim, nowMs: number): void {
  if (Math.abs(nowMs - claim.timeMs) <= LIMITS.clockSkewMsMax) return;
  throw new S3Error("RequestTimeTooSkewed", {
    message: "The difference between the request time and the current time is too large.",
    details: {
      RequestTime: claim.timestamp,
      ServerTime: new Date(nowMs).toISOString(),
      MaxAllowedSkewMilliseconds: String(LIMITS.clockSkewMsMax),
    },
  });
}

/** Throws SignatureDoesNotMatch with what was signed over here, so that a client's author can see the difference. */
function checkSignature(request: IncomingRequest, claim: SignatureClaim, key: Uint8Array): void {
  const canonical = canonicalRequest(request, claim);
  const toSign = stringToSign(claim, canonical);
  if (isSameText(hmacHex(key, toSign), claim.signature)) return;
  for (const reading of otherReadings(request, claim)) {
    const other = stringToSign(claim, canonicalRequest(request, claim, reading));
    if (isSameText(hmacHex(key, other), claim.signature)) return;
  }
  throw new S3Error("SignatureDoesNotMatch", {
    details: {
      AWSAccessKeyId: claim.credential.accessKeyId,
      StringToSign: toSign,
      SignatureProvided: claim.signature,
      CanonicalRequest: canonical,
    },
  });
}

function stringToSign(claim: SignatureClaim, canonical: string): string {
  const { timestamp, credential } = claim;
  return `${ALGORITHM}\n${timestamp}\n${credential.scope}\n${sha256Hex(canonical)}`;
}

/** S3's own answer, code included. */
function twoSignatures(): S3Error {
  return new S3Error("InvalidArgument", {
    message:
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query " +
      "string parameter or the Authorization header should be specified",
    details: { ArgumentName: "Authorization" },
  });
}
