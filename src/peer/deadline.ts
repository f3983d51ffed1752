/** An end to patience, as a signal for what can be aborted. */

import type { Timers } from "../timers.ts";

/** Its signal is aborted when the time is over, or by `abort`. To be disposed when the work is done. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #cancel: () => void;

  /** `late` makes the reason of the abort. */
  constructor(timers: Timers, ms: number, late: () => Error) {
    this.#cancel = timers.after(ms, () => this.abort(late()));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }
}

/** The outcome of `work`, or a rejection with the reason of the abort if that comes first; the work itself goes on. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
