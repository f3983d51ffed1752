/** Bodies on their way to the store: bounded, checksummed while they pass, compared with what was promised once they have. */

import type { Payload, PayloadChecksum } from "../auth/payload.ts";
import { type Digest, openDigest } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import type { Body, BodyDigest, ChecksumAlgorithm } from "../storage/object_store.ts";

/** A body, and what can be said of it when it has ended. */
export interface IncomingBody {
  readonly body: Body;
  /** Length if the request says it. */
  readonly sizeHint: number | undefined;
  /** For `seal`: throws BadDigest when Content-MD5 isn't that of the bytes, else gives the checksum sent or computed. */
  readonly check: (digest: BodyDigest) => PayloadChecksum;
}

/**
 * The payload as a body of at most `bytesMax`. Without a checksum of the client's, one in `algorithm` is computed while the
 * bytes pass. Throws MissingContentLength, and EntityTooLarge at once when the length is declared, else from the body.
 */
export function openIncomingBody(
  payload: Payload,
  bytesMax: number,
  algorithm: ChecksumAlgorithm,
): IncomingBody {
  if (!payload.present) throw new S3Error("MissingContentLength");
  if (payload.length !== undefined && payload.length > bytesMax) throw tooLarge(bytesMax);
  const body = payload.length === undefined ? limitBody(payload.body, bytesMax) : payload.body;
  payload.wantChecksum(algorithm);
  return {
    body,
    sizeHint: payload.length,
    check: ({ md5 }) => {
      if (payload.contentMd5 !== undefined && payload.contentMd5 !== md5) throw badMd5();
      return provedChecksum(payload);
    },
  };
}

/** A body, and its checksum for when it has ended. */
interface ChecksummedBody {
  readonly body: Body;
  readonly checksum: () => PayloadChecksum;
}

/** Computed while the bytes pass. */
export function computeChecksum(body: Body, algorithm: ChecksumAlgorithm): ChecksummedBody {
  const digest = openDigest(algorithm);
  return {
    body: digestBody(body, digest),
    checksum: () => ({ algorithm, value: digest.base64() }),
  };
}

/** The same bytes. Throws EntityTooLarge in place of the chunk that would exceed `bytesMax`. */
export async function* limitBody(body: Body, bytesMax: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    yield chunk;
  }
}

/** The same bytes, each fed to the digest before it is passed on. */
async function* digestBody(body: Body, digest: Digest): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    digest.update(chunk);
    yield chunk;
  }
}

/** By its end a payload has proved the checksum that it announced or computed the one wanted, or has thrown. */
function provedChecksum(payload: Payload): PayloadChecksum {
  const checksum = payload.checksum();
  if (checksum === undefined) throw new Error("the payload ended without its checksum");
  return checksum;
}

function tooLarge(bytesMax: number): S3Error {
  return new S3Error("EntityTooLarge", { details: { MaxSizeAllowed: String(bytesMax) } });
}

function badMd5(): S3Error {
  return new S3Error("BadDigest", {
    message: "The Content-MD5 you specified did not match what we received.",
  });
}
