/**
 * A presigned URL of Signature Version 2, which boto3 and aws-cli 1 make for any endpoint unless told otherwise: its parameters,
 * and the text that is signed. Who may sign and until when is sigv4.ts's matter.
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { isSameText } from "../constant_time.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";

// RFC 9110 §5.6.2, lower case: without the colon that ends it.
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** The query of a presigned URL, before anyone has checked it. */
export interface PresignedV2 {
  readonly accessKeyId: string;
  /** As given, which is what is signed. */
  readonly expires: string;
  readonly expiresMs: number;
  /** As given: perhaps not even base64. */
  readonly signature: string;
}

/**
 * The parameters of a query that are signed, sorted by name: S3's list, what S3 added to it later (as botocore has it), and
 * `attributes`. A parameter that names an operation or changes what one does must be here; those of listings needn't, as in S3.
 */
export const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  "accelerate",
  "acl",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "inventory",
  "lifecycle",
  "location",
  "logging",
  "metrics",
  "notification",
  "object-lock",
  "partNumber",
  "policy",
  "replication",
  "requestPayment",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "restore",
  "select",
  "select-type",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
]);

/** Throws AccessDenied, as S3, for a parameter that is missing, empty or there twice, and for an Expires that is no time. */
export function parsePresignedV2(request: IncomingRequest): PresignedV2 {
  const accessKeyId = requiredParameter(request, "AWSAccessKeyId");
  const signature = requiredParameter(request, "Signature");
  const expires = requiredParameter(request, "Expires");
  if (!/^\d{1,12}$/.test(expires)) {
    throw new S3Error("AccessDenied", {
      message: `Invalid date (should be seconds since epoch): ${expires}`,
    });
  }
  return { accessKeyId, expires, expiresMs: Number(expires) * 1000, signature };
}

/**
 * Throws SignatureDoesNotMatch, with what was signed over here, unless the signature is HMAC-SHA1 (RFC 2104) of
 *
 *     method \n Content-MD5 \n Content-Type \n Expires \n (x-amz-name:value \n)* /bucket/key [?name=value&name…]
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html. The path is as sent; `hostBucket` is the bucket
 * that the Host names and the path doesn't. Of the query only SIGNED_PARAMETERS are signed, decoded. All `x-amz-*` headers are
 * signed, and all `x-amz-*` parameters with them: signers move headers into the query (hoisted_headers.ts).
 *
 * No two requests may have one text, or who holds a URL could make another of it. So throws InvalidArgument for an `x-amz-*`
 * parameter that could be taken for other lines. A signed value with an `&` can still be taken for two parameters, by the
 * specification: what a request may have next to each other is therefore bounded by s3/parameters.ts.
 */
export function checkSignatureV2(
  request: IncomingRequest,
  claim: PresignedV2,
  secretKey: string,
  hostBucket: string | undefined,
): void {
  const head = signedHead(request, claim);
  const query = signedQuery(request);
  const paths = signedPaths(request.rawPath, hostBucket);
  const texts = paths.map((path) => head + utf8AsLatin1(path + query));
  if (texts.some((text) => isSameText(hmacSha1(secretKey, text), claim.signature))) return;
  throw new S3Error("SignatureDoesNotMatch", {
    details: {
      AWSAccessKeyId: claim.accessKeyId,
      StringToSign: texts[0] ?? "",
      SignatureProvided: claim.signature,
    },
  });
}

function requiredParameter(request: IncomingRequest, name: string): string {
  const [parameter, another] = request.query.filter((each) => each.name === name);
  if (parameter !== undefined && parameter.value !== "" && another === undefined) {
    return parameter.value;
  }
  throw new S3Error("AccessDenied", {
    message:
      "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
  });
}

/** Everything before the path. Content-MD5 and Content-Type count as headers only, as a body is judged by its headers. */
function signedHead({ method, headers, query }: IncomingRequest, { expires }: PresignedV2): string {
  const md5 = headers.get("content-md5") ?? "";
  const type = headers.get("content-type") ?? "";
  const lines = amzHeaders(headers, query).map(([name, value]) => `${name}:${value}\n`);
  return `${method}\n${md5}\n${type}\n${expires}\n${lines.join("")}`;
}

type NamedValue = readonly [name: string, value: string];

/**
 * Sorted. A header and the parameter of its name are one line, and must be equal: the header is what counts afterwards. Names
 * are ASCII: the order of code units is that of bytes.
 */
function amzHeaders(
  headers: IncomingRequest["headers"],
  query: IncomingRequest["query"],
): NamedValue[] {
  const found = new Map<string, string>();
  for (const parameter of query) {
    const name = parameter.name.toLowerCase();
    if (!name.startsWith("x-amz-")) continue;
    const value = utf8AsLatin1(parameter.value);
    const isClear = HEADER_NAME.test(name) && !value.includes("\n") && !found.has(name) &&
      (headers.get(name) ?? value) === value;
    if (!isClear) throw unclear(parameter.name);
    found.set(name, value);
  }
  for (const [name, value] of headers) {
    if (name.startsWith("x-amz-")) found.set(name, value);
  }
  return [...found].sort(byName);
}

function byName([a]: NamedValue, [b]: NamedValue): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function unclear(name: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: `The query parameter ${name} must stand for one header: be given once, in one line, ` +
      "and equal to the header of its name.",
    details: { ArgumentName: name },
  });
}

/** For a bucket alone, boto3 signs `/bucket/` and sends `/bucket`: they name the same. */
function signedPaths(rawPath: string, hostBucket: string | undefined): readonly string[] {
  if (hostBucket !== undefined) return [`/${hostBucket}${rawPath}`];
  const isBucket = rawPath !== "/" && rawPath.lastIndexOf("/") === 0;
  return isBucket ? [rawPath, `${rawPath}/`] : [rawPath];
}

function signedQuery({ query }: IncomingRequest): string {
  const signed = query.filter(({ name }) => SIGNED_PARAMETERS.has(name))
    .map(({ name, value }): NamedValue => [name, value]).sort(byName);
  if (signed.length === 0) return "";
  return "?" + signed.map(([name, value]) => value === "" ? name : `${name}=${value}`).join("&");
}

/** As header values arrive: bytes as code units. */
function utf8AsLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function hmacSha1(secretKey: string, text: string): string {
  return createHmac("sha1", secretKey).update(text, "latin1").digest("base64");
}
