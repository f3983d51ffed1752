/**
 * Who sent a request, by AWS Signature Version 4: in the Authorization header, in the query of a presigned URL, or nobody.
 * What the caller may do is s3/authorize.ts's matter, the signatures of a body's chunks are chunk_signatures.ts's.
 */

import type { Clock } from "../clock.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import { parseAuthorizationHeader, signatureV2Error } from "./authorization_header.ts";
import { canonicalRequest, otherReadings } from "./canonical_request.ts";
import { ALGORITHM } from "./credential.ts";
import type { Caller, KeyPair, Keyring } from "./keyring.ts";
import { parsePresignedQuery, signatureOfQuery } from "./presigned_query.ts";
import { hmacHex, isSameSignature, sha256OfLatin1 } from "./signature.ts";
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
  /** undefined for an anonymous caller. */
  readonly signing: Signing | undefined;
  /** What the sender says of the body (`x-amz-content-sha256`): a hash or a mode; undefined when it says nothing. */
  readonly contentSha256: string | undefined;
}

/**
 * The caller of a request; anonymous when it carries no signature. Throws S3Error for a signature that doesn't hold: the
 * parsers' errors (authorization_header.ts, presigned_query.ts), AccessDenied (unsigned headers, expired or not yet valid),
 * InvalidAccessKeyId, InvalidToken, RequestTimeTooSkewed, SignatureDoesNotMatch.
 */
export function authenticate(request: IncomingRequest, world: AuthWorld): Authentication {
  const authorization = request.headers.get("authorization");
  const inQuery = signatureOfQuery(request);
  if (authorization !== undefined && inQuery !== "none") throw twoSignatures();
  if (authorization !== undefined) {
    return verify(request, parseAuthorizationHeader(authorization, request, world.region), world);
  }
  if (inQuery === "v4") return verify(request, parsePresignedQuery(request, world.region), world);
  if (inQuery === "v2") throw signatureV2Error();
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
    caller: { kind: "signed", accessKeyId: pair.accessKeyId, role: pair.role },
    signing: { form, signingKey, timestamp, scope, signature },
    contentSha256: claim.contentSha256,
  };
}

/** Throws InvalidAccessKeyId. */
export function findPair(keyring: Keyring, accessKeyId: string): KeyPair {
  const pair = keyring.find(accessKeyId);
  if (pair !== undefined) return pair;
  throw new S3Error("InvalidAccessKeyId", { details: { AWSAccessKeyId: accessKeyId } });
}

/** Nobody here gives out session tokens, so none is known. */
function checkToken(request: IncomingRequest): void {
  const isInQuery = request.query.some(({ name }) => name === "X-Amz-Security-Token");
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
  const expiresMs = claim.timeMs + claim.expiresSeconds * 1000;
  if (claim.timeMs - nowMs > LIMITS.clockSkewMsMax) {
    throw new S3Error("AccessDenied", {
      message: "Request is not valid yet",
      details: { "X-Amz-Date": claim.timestamp, ServerTime: formatTimestamp(nowMs) },
    });
  }
  if (nowMs <= expiresMs) return;
  throw new S3Error("AccessDenied", {
    message: "Request has expired",
    details: {
      "X-Amz-Expires": String(claim.expiresSeconds),
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
  if (isSameSignature(hmacHex(key, toSign), claim.signature)) return;
  for (const reading of otherReadings(request, claim)) {
    const other = stringToSign(claim, canonicalRequest(request, claim, reading));
    if (isSameSignature(hmacHex(key, other), claim.signature)) return;
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
  return `${ALGORITHM}\n${timestamp}\n${credential.scope}\n${sha256OfLatin1(canonical)}`;
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
