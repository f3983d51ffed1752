/** The bytes of a multipart form, cut at its boundaries wherever the network has cut them. Knows no headers and no fields. */

import { Buffer } from "node:buffer";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Body } from "../storage/object_store.ts";

const CRLF = "\r\n";
const CLOSE = "--";

/**
 * What isn't a form throws MalformedPOSTRequest, fields of more than LIMITS.postFieldsBytesMax together
 * MaxPostPreDataLengthExceededError, and the body's own errors pass.
 */
export class FormReader {
  readonly #source: AsyncIterator<Uint8Array>;
  /** Received and not yet given out. Begins with the line break that the first boundary lacks. */
  #buffer: Buffer = Buffer.from(CRLF);
  /** What the fields may still take. */
  #budgetBytes = LIMITS.postFieldsBytesMax + CRLF.length;

  constructor(body: Body) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** The bytes before the next mark, which is skipped. */
  async takeUntil(mark: Buffer): Promise<Buffer> {
    let at = this.#buffer.indexOf(mark);
    while (at === -1) {
      if (this.#buffer.length > this.#budgetBytes) throw tooLong();
      await this.#fill();
      at = this.#buffer.indexOf(mark);
    }
    this.#spend(at + mark.length);
    return this.#skip(at, mark.length);
  }

  /** As `takeUntil`, but given out as it comes and not counted. */
  async *streamUntil(mark: Buffer): AsyncGenerator<Uint8Array> {
    let at = this.#buffer.indexOf(mark);
    while (at === -1) {
      const ready = this.#skip(this.#buffer.length - heldBack(this.#buffer, mark), 0);
      if (ready.length > 0) yield ready;
      await this.#fill();
      at = this.#buffer.indexOf(mark);
    }
    const last = this.#skip(at, mark.length);
    if (last.length > 0) yield last;
  }

  /** After a boundary: true when a part follows, false when the form ends. */
  async isPartNext(): Promise<boolean> {
    while (this.#buffer.length < CRLF.length) await this.#fill();
    this.#spend(CRLF.length);
    const sign = this.#skip(CRLF.length, 0).toString("latin1");
    if (sign === CRLF) return true;
    if (sign === CLOSE) return false;
    throw malformed("A boundary must be followed by a line break.");
  }

  /** Reads what the form's body still holds after its end, which is ignored (RFC 2046's epilogue) but bounded. */
  async expectEnd(): Promise<void> {
    this.#spend(this.#buffer.length);
    let chunk = await this.#source.next();
    while (chunk.done !== true) {
      this.#spend(chunk.value.length);
      chunk = await this.#source.next();
    }
  }

  /** Tells the source that nothing more is wanted of it. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** Takes `count` bytes and skips `skipped` more. */
  #skip(count: number, skipped: number): Buffer {
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count + skipped);
    return taken;
  }

  #spend(bytes: number): void {
    this.#budgetBytes -= bytes;
    if (this.#budgetBytes < 0) throw tooLong();
  }

  async #fill(): Promise<void> {
    const chunk = await this.#source.next();
    if (chunk.done === true) throw malformed("The form ends before its last boundary.");
    const { buffer, byteOffset, length } = chunk.value;
    const received = Buffer.from(buffer, byteOffset, length);
    this.#buffer = this.#buffer.length === 0 ? received : Buffer.concat([this.#buffer, received]);
  }
}

/** How many bytes at the end may be the beginning of a mark. */
function heldBack(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(bytes.length, mark.length - 1); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}

export function malformed(message: string): S3Error {
  return new S3Error("MalformedPOSTRequest", { message });
}

function tooLong(): S3Error {
  return new S3Error("MaxPostPreDataLengthExceededError");
}
