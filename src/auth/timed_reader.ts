/** The bytes of a request as they arrive: as many as were announced, and with an end to the patience for a silent sender. */

import { openReader } from "../bytes.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { systemTimers } from "../timers.ts";
import type { ByteSource } from "./byte_cursor.ts";

/**
 * Owns the stream: disposing cancels what wasn't read, and stops the timer. `read` throws IncompleteBody when the bytes aren't
 * `length` (undefined: any number) or the sender is gone, and RequestTimeout.
 */
export class TimedReader implements ByteSource, AsyncDisposable {
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
  readonly #length: number | undefined;
  readonly #idleMsMax: number;
  #cancelTick: () => void;
  #received = 0;
  #isWaiting = false;
  #isQuiet = false;
  #isOver = false;
  #timeout: Promise<void> | undefined;

  /** A sender that is waited for and silent for `idleMsMax` is given up before twice that time. */
  constructor(stream: ReadableStream<Uint8Array>, length: number | undefined, idleMsMax: number) {
    this.#stream = stream;
    this.#reader = stream.getReader();
    this.#length = length;
    this.#idleMsMax = idleMsMax;
    this.#cancelTick = this.#tickLater();
  }

  async read(spare?: Uint8Array): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#next(spare);
      if (this.#timeout !== undefined) throw new S3Error("RequestTimeout");
      this.#received += value?.byteLength ?? 0;
      this.#checkLength(done);
      if (done || value === undefined) return undefined;
      if (value.byteLength > 0) return value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTick();
    await (this.#isOver ? this.#timeout : this.#reader.cancel());
  }

  async #next(spare: Uint8Array | undefined): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.#isWaiting = true;
    this.#isQuiet = false;
    try {
      const result = await this.#readInto(spare);
      this.#isOver = result.done;
      return result;
    } catch (cause) {
      this.#isOver = true;
      throw new S3Error("IncompleteBody", { cause });
    } finally {
      this.#isWaiting = false;
    }
  }

  /**
   * Into memory that is used again, once some was given back: 64 KiB anew for each chunk keep the garbage collector busy. As long
   * as chunks are held, each takes no more memory than it has bytes.
   */
  #readInto(spare: Uint8Array | undefined): Promise<ReadableStreamReadResult<Uint8Array>> {
    if (spare !== undefined && this.#reader instanceof ReadableStreamDefaultReader) {
      this.#reader.releaseLock();
      this.#reader = openReader(this.#stream);
    }
    if (this.#reader instanceof ReadableStreamDefaultReader) return this.#reader.read();
    return this.#reader.read(emptied(spare));
  }

  #checkLength(isEnd: boolean): void {
    const length = this.#length ?? this.#received;
    if (this.#received > length || (isEnd && this.#received < length)) {
      throw new S3Error("IncompleteBody");
    }
  }

  /** One tick with nothing but waiting since the one before is enough. Cancelling ends the read that is under way. */
  #tick(): void {
    if (this.#isWaiting && this.#isQuiet) this.#timeout ??= this.#reader.cancel();
    this.#isQuiet = true;
    this.#cancelTick = this.#tickLater();
  }

  #tickLater(): () => void {
    return systemTimers.after(this.#idleMsMax, () => this.#tick());
  }
}

/** All the memory that `spare` is a part of, or new memory when that is less. */
function emptied(spare: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  const size = LIMITS.readBodyBytesAtOnce;
  const buffer = spare?.buffer;
  const isFit = buffer instanceof ArrayBuffer && buffer.byteLength === size;
  return new Uint8Array(isFit ? buffer : new ArrayBuffer(size));
}
