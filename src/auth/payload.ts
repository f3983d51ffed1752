/** The body of a request as its sender promised it: unwrapped, verified while it passes, throwing instead of ending otherwise. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { Body, ChecksumAlgorithm } from "../storage/object_store.ts";
import type { Authentication } from "./sigv4.ts";

/** A verified checksum that came with a body, as a header or as a trailer. */
export interface PayloadChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64. */
  readonly value: string;
}

export interface Payload {
  /** Bytes of the decoded body; undefined when the request says neither Content-Length nor chunked (411 where a body is needed). */
  readonly length: number | undefined;
  /** True when the request has a body to speak of (a length or chunked encoding). */
  readonly present: boolean;
  /**
   * The decoded bytes, once. Throws S3Error (IncompleteBody, BadDigest, XAmzContentSHA256Mismatch, SignatureDoesNotMatch,
   * MalformedTrailerError, …) instead of ending when a byte, hash, signature, length, checksum or trailer isn't as promised,
   * and RequestTimeout when nothing arrives for LIMITS.bodyIdleMsMax.
   */
  readonly body: Body;
  /** Content-Encoding without `aws-chunked`; undefined when nothing is left. */
  readonly contentEncoding: string | undefined;
  /** 32 hex digits of Content-MD5 when sent: for the store's MD5 to be compared with. Parsed at open: InvalidDigest. */
  readonly contentMd5: string | undefined;
  /** The algorithm of the checksum that the request announces (header, trailer, or x-amz-sdk-checksum-algorithm with them). */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  /** The checksum sent, proved equal to the bytes. Only after `body` has ended; undefined when none was sent. */
  checksum(): PayloadChecksum | undefined;
}

/** The body of `request`. Nothing is read yet. Throws S3Error for headers that contradict each other or promise nonsense. */
export function openPayload(
  _request: IncomingRequest,
  _authentication: Authentication,
  _idleMsMax: number = LIMITS.bodyIdleMsMax,
): Payload {
  throw new S3Error("NotImplemented");
}

/** The whole verified body, for XML documents. Throws MaxMessageLengthExceeded beyond `bytesMax`, and what the body throws. */
export function readSmallBody(
  _payload: Payload,
  _bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  throw new S3Error("NotImplemented");
}
