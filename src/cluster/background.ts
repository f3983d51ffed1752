/** Work that goes on beside requests: each piece of it alone, again and again, until the node is closed. */

import { sleep, type Timers } from "../timers.ts";

/** Does work once, beside whatever asks for it: faults are told, peers that don't answer aren't faults. */
export type RunBeside = (what: string, work: () => Promise<void>) => void;

export class Background implements AsyncDisposable {
  readonly #timers: Timers;
  readonly #onFault: (what: string, error: unknown) => void;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(timers: Timers, onFault: (what: string, error: unknown) => void) {
    this.#timers = timers;
    this.#onFault = onFault;
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Does the work every `intervalMs`, counted from its end; the function returned has it done at once, or right after. */
  every(what: string, intervalMs: number, work: () => Promise<void>): () => void {
    let wake = new AbortController();
    const loop = async () => {
      while (!this.isStopping) {
        wake = new AbortController();
        const stop = () => wake.abort();
        this.#stopping.signal.addEventListener("abort", stop);
        await this.#attempt(what, work);
        await sleep(this.#timers, intervalMs, wake.signal);
        this.#stopping.signal.removeEventListener("abort", stop);
      }
    };
    this.#track(loop());
    return () => wake.abort();
  }

  /** Does the work once. */
  run(what: string, work: () => Promise<void>): void {
    if (!this.isStopping) this.#track(this.#attempt(what, work));
  }

  /** Ends the loops, and waits for the work that has begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.isStopping) this.#onFault(what, error);
    }
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}
