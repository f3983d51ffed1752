/** A port that stays open: when accepting connections fails, it is opened again. */

import { LIMITS } from "../limits.ts";

export type Listening = Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

/**
 * `Deno.serve` gives up for good at the first connection that it can't accept, such as the one for which the process has no
 * file descriptor left (Deno 2.9.6); the connections that it has go on. Without this, whoever opens enough of them would
 * have the server refuse everybody from then on.
 */
export class Listener {
  readonly addr: Deno.NetAddr;
  readonly #open: (port: number) => Listening;
  readonly #onFault: (error: unknown) => void;
  readonly #keeping: Promise<void>;
  readonly #stop = Promise.withResolvers<void>();
  #isStopping = false;
  #current: Listening;
  /** They accept nothing more, but may still have requests to end. */
  #former: Listening[] = [];

  /** Throws what `open` throws for `port`. Later failures are told to `onFault`, the first of a row of them. */
  constructor(
    open: (port: number) => Listening,
    port: number,
    onFault: (error: unknown) => void,
  ) {
    this.#open = open;
    this.#onFault = onFault;
    this.#current = open(port);
    this.addr = this.#current.addr;
    this.#keeping = this.#keepOpen();
  }

  /** Closes the port. Resolves when the last response is sent. */
  async shutdown(): Promise<void> {
    this.#isStopping = true;
    this.#stop.resolve();
    await Promise.all([this.#current, ...this.#former].map((server) => server.shutdown()));
    await this.#keeping;
  }

  async #keepOpen(): Promise<void> {
    let toldAt = -Infinity;
    while (!this.#isStopping) {
      try {
        return await this.#current.finished;
      } catch (error) {
        if (performance.now() - toldAt > LIMITS.reopenToldMs) this.#onFault(error);
        toldAt = performance.now();
        await this.#reopen();
      }
    }
  }

  /** Tries until there is a file descriptor for it. */
  async #reopen(): Promise<void> {
    const former = this.#current;
    while (!this.#isStopping && this.#current === former) {
      await this.#pause();
      if (this.#isStopping) return;
      try {
        this.#current = this.#open(this.addr.port);
        this.#former = [...this.#former, former].slice(-LIMITS.formerServersMax);
      } catch {
        // Why is known by what brought it here.
      }
    }
  }

  /** Ends early when the port is to be closed. */
  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, LIMITS.reopenMs);
    await Promise.race([promise, this.#stop.promise]);
    clearTimeout(timer);
  }
}
