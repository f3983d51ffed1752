/** The bytes of a request as they arrive, with an end to the patience for a sender that stops sending. */

import { S3Error } from "../errors.ts";

type ByteStream = ReadableStream<Uint8Array>;

/** Owns the stream: disposing cancels what wasn't read, and stops the timer. */
export class TimedReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #timer: ReturnType<typeof setInterval>;
  #isWaiting = false;
  #isQuiet = false;
  #isOver = false;
  #timeout: Promise<void> | undefined;

  /** A sender that is waited for and silent for `idleMsMax` is given up before twice that time. */
  constructor(stream: ByteStream, idleMsMax: number) {
    this.#reader = stream.getReader();
    this.#timer = setInterval(() => this.#tick(), idleMsMax);
  }

  /** The next bytes, at least one; undefined at the end. Throws RequestTimeout, and IncompleteBody when the sender is gone. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#next();
      if (this.#timeout !== undefined) throw new S3Error("RequestTimeout");
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

  /** One tick with nothing but waiting since the one before is enough. Cancelling ends the read that is under way. */
  #tick(): void {
    if (this.#isWaiting && this.#isQuiet) this.#timeout ??= this.#reader.cancel();
    this.#isQuiet = true;
  }
}

/** All bytes of `stream` until its end. Throws IncompleteBody when they aren't `length` (if known), and what a TimedReader throws. */
export async function* receivedBytes(
  stream: ByteStream,
  length: number | undefined,
  idleMsMax: number,
): AsyncGenerator<Uint8Array, void, void> {
  await using reader = new TimedReader(stream, idleMsMax);
  let received = 0;
  for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) {
    received += chunk.byteLength;
    if (length !== undefined && received > length) throw new S3Error("IncompleteBody");
    yield chunk;
  }
  if (length !== undefined && received < length) throw new S3Error("IncompleteBody");
}
