/**
 * The `aws-chunked` framing of a body: `size[;chunk-signature=…]` CRLF data CRLF … `0[;…]` CRLF trailers. Takes the frames off and
 * checks what they say; lengths and checksums of the whole are payload.ts's.
 */

import { createHash } from "node:crypto";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { badFraming, ByteCursor } from "./byte_cursor.ts";
import type { ChunkSignatures } from "./chunk_signatures.ts";
import { parseTrailers, type Trailers } from "./trailers.ts";

export interface ChunkedFraming {
  /** undefined when chunks and trailers aren't signed. */
  readonly signatures: ChunkSignatures | undefined;
  readonly hasTrailer: boolean;
  /** Lower-case names; empty without trailer. */
  readonly trailerNames: readonly string[];
}

/**
 * The data of `source`, as views of its chunks. Throws IncompleteBody (framing), SignatureDoesNotMatch, InvalidChunkSizeError,
 * MalformedTrailerError; data of a chunk is given out before the signature after it was seen. `onTrailers` is called at the
 * end, before the last `next` resolves.
 */
export async function* decodeAwsChunked(
  source: AsyncGenerator<Uint8Array, void, void>,
  framing: ChunkedFraming,
  onTrailers: (trailers: Trailers) => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const cursor = new ByteCursor(source);
    yield* dataOfChunks(cursor, framing.signatures);
    const tail = await cursor.rest(LIMITS.trailerBytesMax);
    onTrailers(readTail(tail, framing));
  } finally {
    await source.return();
  }
}

/** Up to and with the header of the last, empty chunk. */
async function* dataOfChunks(
  cursor: ByteCursor,
  signatures: ChunkSignatures | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  for (let previous = Infinity;;) {
    const header = parseChunkHeader(await cursor.line(LIMITS.chunkHeaderBytesMax), signatures);
    const hash = signatures && createHash("sha256");
    if (header.size > 0 && signatures !== undefined) checkNotLast(previous);
    for (let left = header.size; left > 0;) {
      const data = await cursor.some(left);
      left -= data.byteLength;
      hash?.update(data);
      yield data;
    }
    if (header.size > 0) await cursor.endOfLine();
    if (hash !== undefined) signatures?.checkChunk(hash.digest("hex"), header.signature);
    if (header.size === 0) return;
    previous = header.size;
  }
}

interface ChunkHeader {
  readonly size: number;
  /** "" when chunks aren't signed. */
  readonly signature: string;
}

// 12 hex digits hold more than the largest object.
const SIGNED_HEADER = /^([0-9a-fA-F]{1,12});chunk-signature=([0-9a-f]{64})$/;
const UNSIGNED_HEADER = /^([0-9a-fA-F]{1,12})$/;

function parseChunkHeader(line: string, signatures: ChunkSignatures | undefined): ChunkHeader {
  const match = (signatures === undefined ? UNSIGNED_HEADER : SIGNED_HEADER).exec(line);
  if (match === null) throw badFraming();
  const [, size = "", signature = ""] = match;
  return { size: Number.parseInt(size, 16), signature };
}

/** A chunk that another follows. */
function checkNotLast(size: number): void {
  if (size >= LIMITS.signedChunkBytesMin) return;
  throw new S3Error("InvalidChunkSizeError", { details: { BadChunkSizeInBytes: String(size) } });
}

function readTail(tail: string, framing: ChunkedFraming): Trailers {
  if (framing.hasTrailer) return parseTrailers(tail, framing.trailerNames, framing.signatures);
  if (tail === "\r\n") return new Map();
  throw badFraming();
}
