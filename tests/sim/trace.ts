/** What has happened in a simulation: the last events to read when it fails, and a digest of all to see that it replays. */

import { createHash } from "node:crypto";

export class Trace {
  readonly #nowMs: () => number;
  readonly #linesMax: number;
  readonly #lines: string[] = [];
  readonly #hash = createHash("sha256");
  #count = 0;

  /** `linesMax` of the last events are kept. */
  constructor(nowMs: () => number, linesMax = 400) {
    this.#nowMs = nowMs;
    this.#linesMax = linesMax;
  }

  get count(): number {
    return this.#count;
  }

  note(...words: readonly (string | number)[]): void {
    const line = `${this.#nowMs().toFixed(3)} ${words.join(" ")}`;
    this.#hash.update(line).update("\n");
    this.#lines[this.#count++ % this.#linesMax] = line;
  }

  /** The last events, oldest first. */
  lines(): readonly string[] {
    const start = this.#count % this.#linesMax;
    return this.#count < this.#linesMax
      ? [...this.#lines]
      : [...this.#lines.slice(start), ...this.#lines.slice(0, start)];
  }

  /** Hex, of all events so far: equal for two runs that did the same. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}
