/** Which query parameters belong to which operation, and which belong to none and are harmless. */

import { signatureOfQuery } from "../auth/presigned_query.ts";
import { SIGNED_PARAMETERS } from "../auth/presigned_v2.ts";
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
/** Of Signature Version 2: its own, and what botocore moves into the query though only the headers count. */
const OF_V2 = /^(?:AWSAccessKeyId|Signature|Expires|content-type|content-md5)$/;

/**
 * Throws unless every parameter belongs to the operation or is harmless. What a write or delete doesn't know may be a
 * sub-resource of tomorrow's S3, so it never runs the plain operation. A read of an object ignores it, as S3 does
 * (`?v=2` against caches); a read of a bucket does when it has a value, which sub-resources haven't. Version 2 signs
 * `a=b&c` as one value or as two parameters alike: with it, what is signed must belong to the operation also of a read.
 */
export function checkParameters(
  query: readonly QueryParameter[],
  name: OperationName,
  subResource: string,
  isRead: boolean,
): void {
  const signature = signatureOfQuery(query);
  const seen = new Set<string>();
  const own: readonly string[] = PARAMETERS[name];
  for (const parameter of query) {
    if (isHarmless(parameter.name, signature)) continue;
    if (parameter.name === subResource || own.includes(parameter.name)) {
      if (seen.has(parameter.name)) throw repeated(parameter.name);
      seen.add(parameter.name);
    } else {
      const isSignedByV2 = signature === "v2" && SIGNED_PARAMETERS.has(parameter.name);
      const isRefused = !isRead || isSignedByV2 || isLikeSubResource(parameter, name);
      if (isRefused) throw stranger(parameter.name, name);
    }
  }
}

function isHarmless(name: string, signature: ReturnType<typeof signatureOfQuery>): boolean {
  if (IGNORED.test(name)) return true;
  if (signature === "v2" && OF_V2.test(name)) return true;
  return signature !== "none" && HOISTED.test(name);
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
