/** A port that stays open: a failure to accept passes, and it can be opened in another way. */

import { LIMITS } from "../limits.ts";
import { sleep, type Timers } from "../timers.ts";
import type { Connections } from "./connections.ts";

/** Accepts connections, from the moment on in which it is made. */
export type Accepting = Pick<
  Deno.Listener<Deno.Conn<Deno.NetAddr>, Deno.NetAddr>,
  "addr" | "accept" | "close"
>;

export interface ListenerOptions {
  /** May throw. `port` 0 picks a free one. */
  readonly open: (port: number) => Accepting;
  readonly port: number;
  /** Who gets what is accepted. */
  readonly connections: Pick<Connections, "room" | "admit" | "closeIdlest" | "finish">;
  /** Told of failures after the first opening, the first of a row of them. */
  readonly onFault: (error: unknown) => void;
  readonly timers: Timers;
}

export class Listener {
  readonly addr: Deno.NetAddr;
  readonly #options: ListenerOptions;
  readonly #stop = new AbortController();
  #current: Accepting;
  /** Until it is opened in another way. */
  #isClosed = false;
  #reopening: Promise<void> | undefined;
  #toldAt = -Infinity;

  /** Throws what opening throws. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#current = options.open(options.port);
    this.addr = this.#current.addr;
    void this.#accept();
  }

  /**
   * Closes the port and has it opened by `open`, a millisecond or two later: until then who connects is refused. Connections that
   * are open stay so. Returns false when the port is to be closed.
   */
  async replace(open: (port: number) => Accepting): Promise<boolean> {
    await this.#reopening;
    if (this.#stop.signal.aborted) return false;
    this.#current.close();
    this.#isClosed = true;
    this.#reopening = this.#reopen(open);
    await this.#reopening;
    return !this.#stop.signal.aborted;
  }

  /** Closes the port, and the connections when what is under way on them has ended. */
  async shutdown(): Promise<void> {
    this.#stop.abort();
    await this.#reopening;
    if (!this.#isClosed) this.#current.close();
    await this.#options.connections.finish();
  }

  /** Never rejects. */
  async #accept(): Promise<void> {
    const { connections } = this.#options;
    while (!this.#stop.signal.aborted) {
      const listener = this.#current;
      try {
        const accepted = await listener.accept();
        if (await connections.room()) connections.admit(accepted);
        else accepted.close();
      } catch (error) {
        await this.#reopening;
        if (listener === this.#current) await this.#rest(error);
      }
    }
  }

  /** The reason may be that there is no file descriptor left: an idle connection gives its own back. */
  async #rest(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted || isOfClient(error)) return;
    this.#tell(error);
    this.#options.connections.closeIdlest();
    await sleep(this.#options.timers, LIMITS.acceptPauseMs, this.#stop.signal);
  }

  /** Tries until the port is free, and there is a file descriptor for it. */
  async #reopen(open: (port: number) => Accepting): Promise<void> {
    const { timers } = this.#options;
    let pauseMs: number = LIMITS.replaceMs;
    while (!this.#stop.signal.aborted) {
      try {
        this.#current = open(this.addr.port);
        this.#isClosed = false;
        break;
      } catch (error) {
        if (pauseMs >= LIMITS.acceptPauseMs) this.#tell(error);
        await sleep(timers, pauseMs, this.#stop.signal);
        pauseMs = Math.min(2 * pauseMs, LIMITS.acceptPauseMs);
      }
    }
    this.#reopening = undefined;
  }

  #tell(error: unknown): void {
    const { timers, onFault } = this.#options;
    if (timers.elapsed() - this.#toldAt > LIMITS.acceptToldMs) onFault(error);
    this.#toldAt = timers.elapsed();
  }
}

/** It was gone before it was accepted, which some systems tell. */
function isOfClient(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset } = Deno.errors;
  return error instanceof ConnectionAborted || error instanceof ConnectionReset;
}
