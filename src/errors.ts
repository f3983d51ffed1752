/** The one error that a client is meant to see: an S3 code with a message. Status numbers and XML live in s3/error_reply.ts. */

/** Codes of the S3 error list (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) that zs3 uses. */
export type S3ErrorCode =
  | "AccessDenied"
  | "AuthorizationHeaderMalformed"
  | "AuthorizationQueryParametersError"
  | "BadDigest"
  | "BucketAlreadyExists"
  | "BucketAlreadyOwnedByYou"
  | "BucketNotEmpty"
  | "ConditionalRequestConflict"
  | "EntityTooLarge"
  | "EntityTooSmall"
  | "IncompleteBody"
  | "InternalError"
  | "InvalidAccessKeyId"
  | "InvalidArgument"
  | "InvalidBucketName"
  | "InvalidChunkSizeError"
  | "InvalidDigest"
  | "InvalidLocationConstraint"
  | "InvalidPart"
  | "InvalidPartNumber"
  | "InvalidPartOrder"
  | "InvalidPolicyDocument"
  | "InvalidRange"
  | "InvalidRequest"
  | "InvalidStorageClass"
  | "InvalidTag"
  | "InvalidToken"
  | "InvalidURI"
  | "KeyTooLongError"
  | "MalformedACLError"
  | "MalformedPOSTRequest"
  | "MalformedTrailerError"
  | "MalformedXML"
  | "MaxMessageLengthExceeded"
  | "MaxPostPreDataLengthExceededError"
  | "MetadataTooLarge"
  | "MethodNotAllowed"
  | "MissingContentLength"
  | "MissingSecurityHeader"
  | "NoSuchBucket"
  | "NoSuchCORSConfiguration"
  | "NoSuchKey"
  | "NoSuchTagSet"
  | "NoSuchUpload"
  | "NoSuchVersion"
  | "NotImplemented"
  | "NotModified"
  | "PreconditionFailed"
  | "RequestHeaderSectionTooLarge"
  | "RequestTimeTooSkewed"
  | "RequestTimeout"
  | "ServiceUnavailable"
  | "SignatureDoesNotMatch"
  | "SlowDown"
  | "StorageFull"
  | "TooManyBuckets"
  | "XAmzContentSHA256Mismatch";

export interface S3ErrorOptions {
  /** Replaces the default message of the code. Says what is wrong and what to do; never holds a secret. */
  readonly message?: string;
  /** Further XML elements of the error, e.g. `{ Condition: "If-None-Match" }`. */
  readonly details?: Readonly<Record<string, string>>;
  /** Further response headers, e.g. `{ "content-range": "bytes *" + "/10" }` or `{ allow: "GET" }`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class S3Error extends Error {
  readonly code: S3ErrorCode;
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, options: S3ErrorOptions = {}) {
    super(
      options.message ?? "",
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "S3Error";
    this.code = code;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}
