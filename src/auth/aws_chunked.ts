/**
 * The `aws-chunked` framing of a body: `size[;chunk-signature=…]` CRLF data CRLF … `0[;…]` CRLF trailers. Takes the frames off and
 * checks what they say; lengths and checksums of the whole are verified_body.ts's.
 */

import { createHash, type Hash } from "node:crypto";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { badFraming, ByteCursor, type ByteSource } from "./byte_cursor.ts";
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
 * The data of a framed body, as views of the chunks that arrive. `read` throws IncompleteBody (framing), SignatureDoesNotMatch,
 * InvalidChunkSizeError, MalformedTrailerError. The last data of a chunk is given out only once its signature was seen to be right.
 */
export class AwsChunkedReader implements ByteSource {
  readonly #cursor: ByteCursor;
  readonly #framing: ChunkedFraming;
  #chunk: OpenChunk = NO_CHUNK;
  #trailers: Trailers | undefined;

  constructor(source: ByteSource, framing: ChunkedFraming) {
    this.#cursor = new ByteCursor(source);
    this.#framing = framing;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#trailers !== undefined) return undefined;
    if (this.#chunk.left === 0) await this.#openChunk();
    const chunk = this.#chunk;
    if (chunk.left === 0) {
      this.#trailers = await this.#readTail();
      return undefined;
    }
    const data = await this.#cursor.some(chunk.left);
    chunk.left -= data.byteLength;
    chunk.hash?.update(data);
    if (chunk.left === 0) {
      this.#checkSignature();
      await this.#cursor.endOfLine();
    }
    return data;
  }

  /** Those after the last chunk; none before `read` has given undefined. */
  trailers(): Trailers {
    return this.#trailers ?? new Map();
  }

  async #openChunk(): Promise<void> {
    const { signatures } = this.#framing;
    const line = await this.#cursor.line(LIMITS.chunkHeaderBytesMax);
    const { size, signature } = parseChunkHeader(line, signatures !== undefined);
    if (size > 0 && signatures !== undefined) checkNotLast(this.#chunk.size);
    const hash = signatures && createHash("sha256");
    this.#chunk = { size, left: size, signature, hash };
    if (size === 0) this.#checkSignature();
  }

  #checkSignature(): void {
    const { hash, signature } = this.#chunk;
    if (hash !== undefined) this.#framing.signatures?.checkChunk(hash.digest("hex"), signature);
  }

  async #readTail(): Promise<Trailers> {
    const { hasTrailer, trailerNames, signatures } = this.#framing;
    const tail = await this.#cursor.rest(LIMITS.trailerBytesMax);
    if (hasTrailer) return parseTrailers(tail, trailerNames, signatures);
    if (tail === "\r\n") return new Map();
    throw badFraming();
  }
}

interface ChunkHeader {
  readonly size: number;
  /** "" when chunks aren't signed. */
  readonly signature: string;
}

interface OpenChunk extends ChunkHeader {
  /** Bytes of its data still to come. */
  left: number;
  /** Of its data so far; undefined when chunks aren't signed. */
  readonly hash: Hash | undefined;
}

/** Before the first chunk; large enough for another to follow. */
const NO_CHUNK: OpenChunk = { size: Infinity, left: 0, signature: "", hash: undefined };

// 12 hex digits hold more than the largest object.
const SIGNED_HEADER = /^([0-9a-fA-F]{1,12});chunk-signature=([0-9a-f]{64})$/;
const UNSIGNED_HEADER = /^([0-9a-fA-F]{1,12})$/;

function parseChunkHeader(line: string, isSigned: boolean): ChunkHeader {
  const match = (isSigned ? SIGNED_HEADER : UNSIGNED_HEADER).exec(line);
  if (match === null) throw badFraming();
  const [, size = "", signature = ""] = match;
  return { size: Number.parseInt(size, 16), signature };
}

/** Throws for the size of a chunk that another follows. */
function checkNotLast(size: number): void {
  if (size >= LIMITS.signedChunkBytesMin) return;
  throw new S3Error("InvalidChunkSizeError", { details: { BadChunkSizeInBytes: String(size) } });
}
