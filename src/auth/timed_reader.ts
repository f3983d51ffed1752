/** The bytes of a request as they arrive: as many as were announced, and with an end to the patience for a silent sender. */

import { S3Error } from "../errors.ts";
import type { ByteSource } from "./byte_cursor.ts";

/**
 * Owns the stream: disposing cancels what wasn't read, and stops the timer. `read` throws IncompleteBody when the bytes aren't
 * `length` (undefined: any number) or the sender is gone, and RequestTimeout.
 */
export class TimedReader implements ByteSource, AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #length: number | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #received = 0;
  #isWaiting = false;
  #isQuiet = false;
  #isOver = false;
  #timeout: Promise<void> | undefined;

  /** A sender that is waited for and silent for `idleMsMax` is given up before twice that time. */
  constructor(stream: ReadableStream<Uint8Array>, length: number | undefined, idleMsMax: number) {
    this.#reader = stream.getReader();
    this.#length = length;
    this.#timer = setInterval(() => this.#tick(), idleMsMax);
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#next();
      if (this.#timeout !== undefined) throw new S3Error("RequestTimeout");
      this.#received += value?.byteLength ?? 0;
      this.#checkLength(done);
      if (done) return undefined;
      if (value.byteLength > 0) return value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await (this.#isOver ? this.#timeout : this.#reader.cancel());
  }

  async #next(): Promise<ReadableStreamReadResult<Uint8Array>> {
    this.#isWaiting = true;
    this.#isQuiet = false;
    try {
      const result = await this.#reader.read();
      this.#isOver = result.done;
      return result;
    } catch (cause) {
      this.#isOver = true;
      throw new S3Error("IncompleteBody", { cause });
    } finally {
      this.#isWaiting = false;
    }
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
  }
}
