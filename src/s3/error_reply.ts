/** The one place where an error becomes what the client sees: a status and an XML document. */

import { S3Error, type S3ErrorCode } from "../errors.ts";
import type { Log } from "../log.ts";
import { Reply } from "./reply.ts";
import { leaf, plainXmlDocument, type Xml } from "./xml.ts";

/** What of the request an error names. `resource` is the path as it was sent. */
export interface FailedRequest {
  readonly id: string;
  readonly method: string;
  readonly resource: string;
}

/** Anything but an S3Error is a fault: logged with its cause, and an InternalError without internals to the client. */
export function toS3Error(error: unknown, requestId: string, log: Log): S3Error {
  if (error instanceof S3Error) return error;
  log.fault(requestId, error);
  return new S3Error("InternalError", { cause: error });
}

/** Never throws. HEAD and 304 have no body. */
export function errorReply(error: S3Error, request: FailedRequest): Reply {
  const [status] = ERRORS[error.code];
  const headers = { ...error.headers };
  if (error.code === "NotModified") return new Reply(null, { status, headers });
  const body = request.method === "HEAD" ? null : errorDocument(error, request);
  return new Reply(body, { status, headers: { ...headers, "content-type": "application/xml" } });
}

/** The message of an error: its own, or the usual one of its code. */
export function errorMessage(error: S3Error): string {
  return error.message === "" ? ERRORS[error.code][1] : error.message;
}

/** The body of an error. By itself only where a reply has begun already (slow_reply.ts). */
export function errorDocument(error: S3Error, request: FailedRequest): Xml {
  const details = Object.entries(error.details).map(([name, value]) => leaf(name, value));
  return plainXmlDocument("Error", [
    leaf("Code", error.code),
    leaf("Message", errorMessage(error)),
    ...details,
    leaf("Resource", request.resource),
    leaf("RequestId", request.id),
  ]);
}

// Status and default message, after https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Where S3 has no such
// code (StorageFull) or no fitting status (RequestHeaderSectionTooLarge) the one of RFC 4918 or RFC 6585 is used.
const ERRORS = {
  AccessDenied: [403, "Access Denied."],
  AuthorizationHeaderMalformed: [400, "The authorization header is malformed."],
  AuthorizationQueryParametersError: [400, "The authorization query parameters are malformed."],
  BadDigest: [400, "The checksum you specified did not match what we received."],
  BucketAlreadyExists: [409, "The requested bucket name is not available."],
  BucketAlreadyOwnedByYou: [409, "The bucket already exists and is owned by you."],
  BucketNotEmpty: [409, "The bucket you tried to delete is not empty."],
  ConditionalRequestConflict: [409, "A conflicting operation occurred. Retry the request."],
  EntityTooLarge: [400, "Your proposed upload exceeds the maximum allowed object size."],
  EntityTooSmall: [400, "A part other than the last is smaller than the minimum of 5 MiB."],
  IncompleteBody: [400, "The body is not as long, or not framed, as the request's headers say."],
  InternalError: [500, "We encountered an internal error. Please try again."],
  InvalidAccessKeyId: [403, "The access key id you provided does not exist in our records."],
  InvalidArgument: [400, "Invalid argument."],
  InvalidBucketName: [400, "The specified bucket is not valid."],
  InvalidChunkSizeError: [
    400,
    "Only the last chunk is allowed to have a size less than 8192 bytes.",
  ],
  InvalidDigest: [400, "The Content-MD5 you specified is not valid."],
  InvalidLocationConstraint: [400, "The specified location constraint is not valid."],
  InvalidPart: [400, "One or more of the specified parts could not be found or has another ETag."],
  InvalidPartNumber: [416, "The requested part number is not satisfiable."],
  InvalidPartOrder: [400, "The list of parts was not in ascending order of part number."],
  InvalidPolicyDocument: [400, "The policy of the form is not valid."],
  InvalidRange: [416, "The requested range is not satisfiable."],
  InvalidRequest: [400, "Invalid request."],
  InvalidStorageClass: [400, "The storage class you specified is not valid."],
  InvalidTag: [400, "The tag provided was not a valid tag."],
  InvalidToken: [400, "The provided token is malformed or otherwise invalid."],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLongError: [400, "Your key is too long: at most 1024 bytes of UTF-8 are allowed."],
  MalformedACLError: [400, "The ACL is not well-formed or did not validate against our schema."],
  MalformedPOSTRequest: [400, "The body of your POST request is not well-formed form-data."],
  MalformedTrailerError: [400, "The request contained trailing data that was not well-formed."],
  MalformedXML: [400, "The XML is not well-formed or did not validate against our schema."],
  MaxMessageLengthExceeded: [400, "Your request was too big."],
  MaxPostPreDataLengthExceededError: [400, "The form fields before the file are too large."],
  MetadataTooLarge: [400, "Your metadata headers exceed the maximum allowed metadata size."],
  MethodNotAllowed: [405, "The specified method is not allowed against this resource."],
  MissingContentLength: [411, "You must provide the Content-Length HTTP header."],
  MissingSecurityHeader: [400, "Your request is missing a required header."],
  NoSuchBucket: [404, "The specified bucket does not exist."],
  NoSuchCORSConfiguration: [404, "The CORS configuration does not exist."],
  NoSuchKey: [404, "The specified key does not exist."],
  NoSuchTagSet: [404, "The TagSet does not exist."],
  NoSuchUpload: [
    404,
    "The specified upload does not exist. It may have been aborted or completed.",
  ],
  NoSuchVersion: [404, "The specified version does not exist."],
  NotImplemented: [
    501,
    "A header or parameter you provided implies functionality that is not implemented.",
  ],
  NotModified: [304, "Not modified."],
  PreconditionFailed: [412, "At least one of the preconditions you specified did not hold."],
  RequestHeaderSectionTooLarge: [431, "Your request header section exceeds the maximum of 8 KB."],
  RequestTimeTooSkewed: [403, "The request's time differs too much from the server's time."],
  RequestTimeout: [400, "Nothing was received from your connection within the timeout period."],
  ServiceUnavailable: [503, "The service is not able to handle the request now."],
  SignatureDoesNotMatch: [
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  SlowDown: [503, "Please reduce your request rate."],
  StorageFull: [507, "There is no space left to store the data. Free some space and retry."],
  TooManyBuckets: [400, "You have attempted to create more buckets than allowed."],
  XAmzContentSHA256Mismatch: [
    400,
    "The provided x-amz-content-sha256 does not match what was computed.",
  ],
} as const satisfies Record<S3ErrorCode, readonly [status: number, message: string]>;
