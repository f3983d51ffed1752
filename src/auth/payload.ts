/** The body of a request as its sender promised it: unwrapped, verified while it passes, throwing instead of ending otherwise. */

import { createHash } from "node:crypto";
import { joinBytes } from "../bytes.ts";
import type { ChecksumAlgorithm } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { Body } from "../storage/object_store.ts";
import { parseBodyPromises } from "./body_promises.ts";
import { ChunkSignatures } from "./chunk_signatures.ts";
import type { PayloadMode } from "./payload_mode.ts";
import type { Authentication, Signing } from "./sigv4.ts";
import { TimedReader } from "./timed_reader.ts";
import { verifiedBytes } from "./verified_body.ts";

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
   * and RequestTimeout when nothing arrives for LIMITS.bodyIdleMsMax. Chunks are views of what arrived, not copies: a buffer
   * must not be transferred before the body has ended. The iterator's `next` takes a chunk that is no longer needed.
   */
  readonly body: Body;
  /** Content-Encoding without `aws-chunked`; undefined when nothing is left. */
  readonly contentEncoding: string | undefined;
  /** 32 hex digits of Content-MD5 when sent: for the store's MD5 to be compared with. Parsed at open: InvalidDigest. */
  readonly contentMd5: string | undefined;
  /** The algorithm of the checksum that the request announces (header, trailer, or x-amz-sdk-checksum-algorithm with them). */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  /** Has a checksum in `algorithm` computed should none be sent. To be called before `body` is read. */
  wantChecksum(algorithm: ChecksumAlgorithm): void;
  /** The checksum sent, proved equal to the bytes, or else the one wanted. Only after `body` has ended. */
  checksum(): PayloadChecksum | undefined;
}

/**
 * The body of `request`. Nothing is read yet. Throws S3Error for headers that contradict each other or promise nonsense:
 * InvalidArgument, InvalidRequest, InvalidDigest, MissingContentLength, NotImplemented.
 */
export function openPayload(
  request: IncomingRequest,
  authentication: Authentication,
  idleMsMax: number = LIMITS.bodyIdleMsMax,
): Payload {
  const promises = parseBodyPromises(request, authentication.contentSha256);
  const signatures = chunkSignatures(promises.mode, authentication.signing);
  let wanted: ChecksumAlgorithm | undefined;
  let verified: PayloadChecksum | undefined;
  let isTaken = false;
  return {
    length: promises.length,
    present: promises.isPresent,
    contentEncoding: promises.contentEncoding,
    contentMd5: promises.contentMd5,
    checksumAlgorithm: promises.checksum?.algorithm,
    wantChecksum: (algorithm) => wanted = algorithm,
    checksum: () => verified,
    body: {
      [Symbol.asyncIterator]() {
        if (isTaken) throw new TypeError("The body of a request can be read only once.");
        isTaken = true;
        const openWire = () =>
          new TimedReader(request.body ?? emptyStream(), promises.wireLength, idleMsMax);
        const onChecksum = (checksum: PayloadChecksum) => verified = checksum;
        return verifiedBytes(openWire, promises, signatures, wanted, onChecksum);
      },
    },
  };
}

function emptyStream(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function chunkSignatures(
  mode: PayloadMode,
  signing: Signing | undefined,
): ChunkSignatures | undefined {
  if (mode.kind === "plain" || !mode.isSigned) return undefined;
  if (signing !== undefined) return new ChunkSignatures(signing);
  throw new S3Error("InvalidRequest", {
    message: "Signed chunks need a signed request: x-amz-content-sha256 doesn't fit without one.",
  });
}

/**
 * The whole verified body, for XML documents; empty when there is none. Throws MaxMessageLengthExceeded beyond `bytesMax`,
 * BadDigest when it isn't what Content-MD5 says, and what the body throws.
 */
export async function readSmallBody(
  payload: Payload,
  bytesMax: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if ((payload.length ?? 0) > bytesMax) throw new S3Error("MaxMessageLengthExceeded");
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of payload.body) {
    size += chunk.byteLength;
    if (size > bytesMax) throw new S3Error("MaxMessageLengthExceeded");
    chunks.push(chunk);
  }
  const bytes = joinBytes(chunks, size);
  checkMd5(payload.contentMd5, bytes);
  return bytes;
}

function checkMd5(promised: string | undefined, bytes: Uint8Array): void {
  if (promised === undefined) return;
  if (createHash("md5").update(bytes).digest("hex") === promised) return;
  throw new S3Error("BadDigest", {
    message: "The Content-MD5 you specified did not match what we received.",
  });
}
