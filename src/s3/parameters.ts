/** Which query parameters belong to which operation, and which belong to none and are harmless. */

import { S3Error } from "../errors.ts";
import type { QueryParameter } from "../incoming_request.ts";
import type { OperationName } from "./operation.ts";
import { SUB_RESOURCES } from "./sub_resources.ts";

const LISTING = ["prefix", "delimiter", "encoding-type"];
const OVERRIDES = [
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
];

/** Besides the operation's own sub-resource. */
const PARAMETERS = {
  ListBuckets: ["prefix", "max-buckets", "continuation-token", "bucket-region"],
  PreflightService: [],
  CreateBucket: [],
  HeadBucket: [],
  DeleteBucket: [],
  GetBucketLocation: [],
  GetBucketVersioning: [],
  GetBucketAcl: [],
  PutBucketAcl: [],
  GetBucketCors: [],
  PutBucketCors: [],
  DeleteBucketCors: [],
  GetBucketTagging: [],
  PutBucketTagging: [],
  DeleteBucketTagging: [],
  ListObjects: [...LISTING, "marker", "max-keys"],
  ListObjectsV2: [...LISTING, "max-keys", "continuation-token", "start-after", "fetch-owner"],
  ListObjectVersions: [...LISTING, "max-keys", "key-marker", "version-id-marker"],
  ListMultipartUploads: [...LISTING, "max-uploads", "key-marker", "upload-id-marker"],
  DeleteObjects: [],
  PostObject: [],
  PreflightBucket: [],
  PutObject: [],
  GetObject: ["versionId", "partNumber", ...OVERRIDES],
  HeadObject: ["versionId", "partNumber", ...OVERRIDES],
  DeleteObject: ["versionId"],
  CopyObject: [],
  GetObjectAttributes: ["versionId"],
  GetObjectAcl: ["versionId"],
  PutObjectAcl: ["versionId"],
  GetObjectTagging: ["versionId"],
  PutObjectTagging: ["versionId"],
  DeleteObjectTagging: ["versionId"],
  CreateMultipartUpload: [],
  UploadPart: ["partNumber"],
  UploadPartCopy: ["partNumber"],
  CompleteMultipartUpload: [],
  AbortMultipartUpload: [],
  ListParts: ["max-parts", "part-number-marker", "encoding-type"],
  PreflightObject: [],
} as const satisfies Record<OperationName, readonly string[]>;

const KNOWN: ReadonlySet<string> = new Set(Object.values(PARAMETERS).flat());

/** Harmless everywhere: the SDKs' operation hint, and a presigned URL's signature. */
const IGNORED = /^(?:x-id$|X-Amz-)/;
/** A header moved into a presigned URL's query (hoisted_headers.ts). In another query it has no meaning. */
const HOISTED = /^x-amz-/;
/** Of signature version 2, which isn't spoken here. */
const SIGNATURE_V2 = "AWSAccessKeyId";

/**
 * Throws unless every parameter belongs to the operation or is harmless. What a write or delete doesn't know may be a
 * sub-resource of tomorrow's S3, so it never runs the plain operation. A read of an object ignores it, as S3 does
 * (`?v=2` against caches); a read of a bucket does when it has a value, which sub-resources haven't.
 */
export function checkParameters(
  query: readonly QueryParameter[],
  name: OperationName,
  subResource: string,
  isRead: boolean,
): void {
  const seen = new Set<string>();
  const own: readonly string[] = PARAMETERS[name];
  for (const parameter of query) {
    if (isHarmless(parameter.name, query)) continue;
    if (parameter.name === subResource || own.includes(parameter.name)) {
      if (seen.has(parameter.name)) throw repeated(parameter.name);
      seen.add(parameter.name);
    } else if (parameter.name === SIGNATURE_V2) {
      throw signatureV2();
    } else if (!isRead || isLikeSubResource(parameter, name)) {
      throw stranger(parameter.name, name);
    }
  }
}

function isHarmless(name: string, query: readonly QueryParameter[]): boolean {
  if (IGNORED.test(name)) return true;
  return HOISTED.test(name) && query.some((parameter) => parameter.name === "X-Amz-Signature");
}

function isLikeSubResource(parameter: QueryParameter, name: OperationName): boolean {
  if (parameter.value !== "" || KNOWN.has(parameter.name)) return false;
  const isPlainObject = name === "GetObject" || name === "HeadObject";
  return !isPlainObject || SUB_RESOURCES.has(parameter.name);
}

function stranger(parameter: string, operation: string): S3Error {
  if (KNOWN.has(parameter) || SUB_RESOURCES.has(parameter)) {
    return new S3Error("InvalidArgument", {
      message: `The query parameter ${parameter} does not belong to ${operation}.`,
      details: { ArgumentName: parameter },
    });
  }
  return new S3Error("NotImplemented", {
    message: `The query parameter ${parameter} is not known for ${operation}.`,
    details: { ArgumentName: parameter },
  });
}

function repeated(parameter: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: `The query parameter ${parameter} must not be repeated.`,
    details: { ArgumentName: parameter },
  });
}

function signatureV2(): S3Error {
  return new S3Error("InvalidRequest", {
    message:
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
  });
}
