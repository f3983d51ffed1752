/** A port that stays open: when accepting connections fails, it is opened again, and when it is to be opened in another way. */

import { LIMITS } from "../limits.ts";

export type Listening = Pick<Deno.HttpServer<Deno.NetAddr>, "addr" | "finished" | "shutdown">;

/**
 * `Deno.serve` gives up for good at the first connection that it can't accept, such as the one for which the process has no
 * file descriptor left (Deno 2.9.6); the connections that it has go on. Without this, whoever opens enough of them would
 * have the server refuse everybody from then on.
 */
export class Listener {
  readonly addr: Deno.NetAddr;
  readonly #onFault: (error: unknown) => void;
  readonly #stop = Promise.withResolvers<void>();
  #open: (port: number) => Listening;
  #current: Listening;
  /** They accept nothing more, but may still have requests to end. */
  readonly #former = new Set<Listening>();
  #reopening: Promise<void> = Promise.resolve();
  #isStopping = false;
  #toldAt = -Infinity;

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
    this.#watch(this.#current);
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Closes the port and has it opened by `open` from now on, a millisecond or two later: until then who connects is refused.
   * Requests under way end on the server that received them.
   */
  async replace(open: (port: number) => Listening): Promise<void> {
    await this.#reopening;
    if (this.#isStopping) return;
    this.#open = open;
    const former = this.#current;
    this.#reopening = this.#reopen(former, LIMITS.replaceMs);
    former.shutdown().then(() => this.#former.delete(former), this.#onFault);
    await this.#reopening;
  }

  /** Closes the port. Resolves when the last response is sent. */
  async shutdown(): Promise<void> {
    this.#isStopping = true;
    this.#stop.resolve();
    await this.#reopening;
    await Promise.all([this.#current, ...this.#former].map((server) => server.shutdown()));
  }

  #watch(server: Listening): void {
    server.finished.catch((error) => {
      if (this.#isStopping || server !== this.#current) return;
      this.#tell(error);
      this.#reopening = this.#reopening.then(() => this.#reopen(server, LIMITS.reopenMs));
    });
  }

  #tell(error: unknown): void {
    if (performance.now() - this.#toldAt > LIMITS.reopenToldMs) this.#onFault(error);
    this.#toldAt = performance.now();
  }

  /** Tries until the port is free, and there is a file descriptor for it. Nothing to do when another one has it already. */
  async #reopen(former: Listening, pauseMs: number): Promise<void> {
    if (this.#current === former) this.#keep(former);
    for (let ms = pauseMs; this.#current === former; ms = Math.min(2 * ms, LIMITS.reopenMs)) {
      await this.#pause(ms);
      if (this.#isStopping) return;
      try {
        this.#current = this.#open(this.addr.port);
        this.#watch(this.#current);
      } catch (error) {
        if (ms === LIMITS.reopenMs) this.#tell(error);
      }
    }
  }

  #keep(former: Listening): void {
    this.#former.add(former);
    for (const oldest of this.#former) {
      if (this.#former.size <= LIMITS.formerServersMax) return;
      this.#former.delete(oldest);
    }
  }

  /** Ends early when the port is to be closed. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#stop.promise]);
    clearTimeout(timer);
  }
}
