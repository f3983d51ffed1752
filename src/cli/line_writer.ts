/** Lines to a slow sink (a terminal, a pipe) without making requests wait for it: batched, in order, bounded. */

import { LIMITS } from "../limits.ts";

/** What can be written to: `Deno.stderr` for one. */
export interface Sink {
  /** Resolves with the number of bytes taken, perhaps fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Lines beyond LIMITS.logBacklogBytesMax are dropped, and their number is told in their place. */
export class LineWriter implements AsyncDisposable {
  readonly #sink: Sink;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #waitingChars = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #endPause: (() => void) | undefined;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** Takes a line without its line feed; returns at once. */
  line(text: string): void {
    if (this.#waitingChars + text.length > LIMITS.logBacklogBytesMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(text);
    this.#waitingChars += text.length;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when every line taken has been written, or the sink has failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endPause?.();
    await this.#writing;
  }

  /** Never rejects: a log that can't be written must not take the server with it. */
  async #writeAll(): Promise<void> {
    // The lines of a moment go out together: one write for each would cost a small request several percent of its time.
    await this.#pause();
    try {
      while (this.#waiting.length > 0) await this.#write(this.#takeWaiting());
    } catch {
      this.#waiting = [];
      this.#waitingChars = 0;
    } finally {
      this.#writing = undefined;
    }
  }

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LIMITS.logPauseMs);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
    this.#endPause = undefined;
  }

  #takeWaiting(): Uint8Array {
    const lines = this.#waiting;
    if (this.#dropped > 0) lines.push(`(${this.#dropped} log lines dropped)`);
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#dropped = 0;
    return this.#encoder.encode(lines.join("\n") + "\n");
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      done += await this.#sink.write(bytes.subarray(done));
    }
  }
}
