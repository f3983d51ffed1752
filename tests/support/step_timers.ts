/** Time that passes only when it is told to, and calls what is due then. */

import type { Timers } from "../../src/timers.ts";

export class StepTimers implements Timers {
  #nowMs = 0;
  #waiting: { readonly dueMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const waiter = { dueMs: this.#nowMs + ms, callback };
    this.#waiting.push(waiter);
    return () => this.#waiting = this.#waiting.filter((other) => other !== waiter);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets what was promised happen before and after each call. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const [next] = this.#waiting.toSorted((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > endMs) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#nowMs = next.dueMs;
      next.callback();
    }
    this.#nowMs = endMs;
  }
}

/** Lets all go on that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
