/** All connections that clients have open: so many at most, and each only for as long as its client has a use for it. */

import { LIMITS } from "../limits.ts";
import { sleep, type Timers } from "../timers.ts";
import { Connection, type ConnectionOptions, type Overdue, type Patience } from "./connection.ts";

export interface ConnectionLimits extends Patience {
  readonly connectionsMax: number;
}

/** Why a connection was closed here: something took too long, or its place was needed. */
export type ClosedFor = Overdue | "full";

export interface ConnectionsOptions extends ConnectionOptions {
  readonly limits: ConnectionLimits;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #timers: Timers;
  readonly #open = new Set<Connection>();
  readonly #closed: Record<ClosedFor, number> = { head: 0, idle: 0, reply: 0, full: 0 };
  readonly #sweepMs: number;
  #accepted = 0;
  #shaking = 0;
  #isFinishing = false;
  #cancelSweep: (() => void) | undefined;
  /** Resolved when a connection has ended or shaken hands. */
  #change = Promise.withResolvers<void>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    this.#timers = options.timers;
    const { headMsMax, idleMsMax, replyMsMax } = options.limits;
    this.#sweepMs = Math.min(
      LIMITS.connectionSweepMs,
      Math.ceil(Math.min(headMsMax, idleMsMax, replyMsMax) / 4),
    );
  }

  /** Open now, or shaking hands over TLS. */
  get count(): number {
    return this.#open.size + this.#shaking;
  }

  /** Since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** How many were closed here, since the start. */
  get closed(): Readonly<Record<ClosedFor, number>> {
    return this.#closed;
  }

  /** Takes over a connection, whose requests are answered from now on; over TLS after shaking hands. */
  admit(accepted: Deno.Conn<Deno.NetAddr>): void {
    this.#accepted++;
    if ("handshake" in accepted) void this.#shakeHands(accepted as Deno.TlsConn);
    else this.#serve(accepted);
  }

  /**
   * Who doesn't shake hands counts as open until it goes. Closing it is no use: Deno's TLS keeps the descriptor until the handshake
   * is over (2.9.6), and what isn't counted would take all there are.
   */
  async #shakeHands(accepted: Deno.TlsConn): Promise<void> {
    this.#shaking++;
    const isDone = await accepted.handshake().then(() => true, () => false);
    this.#shaking--;
    this.#change.resolve();
    if (isDone && !this.#isFinishing) this.#serve(accepted);
    else accepted.close();
  }

  #serve(accepted: Deno.Conn<Deno.NetAddr>): void {
    const connection = new Connection(accepted, this.#options);
    this.#open.add(connection);
    void connection.ended.then(() => {
      this.#open.delete(connection);
      this.#change.resolve();
    });
    this.#sweepLater();
  }

  /**
   * Resolves when there is a place for one more; to false when all are being closed. The connection that has been without a
   * request for longest has to go for it; while each has one, it takes as long as the first of them. For one caller at a time.
   */
  async room(): Promise<boolean> {
    const { connectionsMax } = this.#options.limits;
    while (!this.#isFinishing) {
      // Half of the places are for those who have shaken hands: the others can't drive them all out.
      const isCrowd = this.#shaking >= connectionsMax / 2;
      if (!isCrowd && this.count < connectionsMax) return true;
      if (!isCrowd && this.closeIdlest()) continue;
      await this.#untilChange();
    }
    return false;
  }

  /** Returns false when all have requests, or replies that may still be on their way. */
  closeIdlest(): boolean {
    let idlest: Connection | undefined;
    let idlestSinceMs = Infinity;
    for (const connection of this.#open) {
      const { idleSinceMs } = connection;
      if (idleSinceMs === undefined || idleSinceMs >= idlestSinceMs) continue;
      idlest = connection;
      idlestSinceMs = idleSinceMs;
    }
    if (idlest === undefined) return false;
    this.#close(idlest, "full");
    return true;
  }

  /** Closes all, each when what is under way on it has ended, for which it has LIMITS.lingerMs. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    this.#change.resolve();
    this.#cancelSweep?.();
    const late = new AbortController();
    const all = Promise.all(Array.from(this.#open, (connection) => connection.finish()));
    await Promise.race([all, sleep(this.#timers, LIMITS.lingerMs, late.signal)]);
    late.abort();
  }

  #close(connection: Connection, reason: ClosedFor): void {
    this.#closed[reason]++;
    this.#open.delete(connection);
    connection.cut();
  }

  async #untilChange(): Promise<void> {
    this.#change = Promise.withResolvers<void>();
    // Becoming idle is no event.
    const cancel = this.#timers.after(LIMITS.replyLeavesMs, () => this.#change.resolve());
    await this.#change.promise;
    cancel();
  }

  /** There is a timer while, and only while, a connection is open. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#timers.after(this.#sweepMs, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
      if (this.#open.size > 0) this.#sweepLater();
    });
  }

  #sweep(): void {
    for (const connection of this.#open) {
      const overdue = connection.findOverdue(this.#options.limits);
      if (overdue !== undefined) this.#close(connection, overdue);
    }
  }
}
