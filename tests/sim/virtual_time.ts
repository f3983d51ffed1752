/**
 * The time of one simulated machine, as long as one run of its program lasts: a clock that may be wrong, timers that may be
 * late, and the gate through which everything reaches the program. A machine that is started again gets new ones.
 */

import type { Timers } from "../../src/timers.ts";
import type { EventLoop } from "./event_loop.ts";

export interface ClockOptions {
  /** What a right clock says when the simulation begins: milliseconds since the epoch. */
  readonly startMs?: number;
  /** How far this clock is ahead (or, negative, behind). */
  readonly offsetMs?: number;
  /** How fast it goes: 1.0001 gains 8.6 s a day. Timers and `elapsed` go with it. */
  readonly rate?: number;
}

const START_MS = Date.UTC(2026, 0, 1);

type State =
  | { readonly kind: "running" }
  /** As by SIGSTOP: what reaches it waits here. */
  | { readonly kind: "stopped"; readonly waiting: (() => void)[] }
  | { readonly kind: "killed" };

const RUNNING: State = { kind: "running" };

export class VirtualTimers implements Timers {
  readonly #loop: EventLoop;
  readonly #startMs: number;
  readonly #rate: number;
  #offsetMs: number;
  #lagMs = 0;
  #state = RUNNING;

  constructor(loop: EventLoop, options: ClockOptions = {}) {
    this.#loop = loop;
    this.#startMs = options.startMs ?? START_MS;
    this.#offsetMs = options.offsetMs ?? 0;
    this.#rate = options.rate ?? 1;
  }

  get isKilled(): boolean {
    return this.#state.kind === "killed";
  }

  get isStopped(): boolean {
    return this.#state.kind === "stopped";
  }

  now(): number {
    return Math.floor(this.#startMs + this.#offsetMs + this.elapsed());
  }

  elapsed(): number {
    return this.#loop.nowMs * this.#rate;
  }

  after(ms: number, callback: () => void): () => void {
    let isCancelled = false;
    const run = () => {
      if (!isCancelled) callback();
    };
    const cancel = this.#loop.after(ms / this.#rate, () => this.deliver(run));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  /** Sets the clock forward or, negative, back, as an operator or NTP may. `elapsed` and timers don't notice. */
  step(ms: number): void {
    this.#offsetMs += ms;
  }

  /** Everything reaches the program so much later from now on: an overloaded machine. */
  setLag(ms: number): void {
    this.#lagMs = ms;
  }

  /**
   * Hands something to the program (a message, a request): runs it when the program runs, after all that reached it before if
   * it is stopped, and never once it was killed.
   */
  deliver(run: () => void): void {
    if (this.#lagMs > 0) this.#loop.after(this.#lagMs, () => this.#enter(run));
    else this.#enter(run);
  }

  stop(): void {
    if (this.#state.kind === "running") this.#state = { kind: "stopped", waiting: [] };
  }

  /** Runs what has waited, in the order in which it came, as events of their own. */
  continue(): void {
    if (this.#state.kind !== "stopped") return;
    const { waiting } = this.#state;
    this.#state = RUNNING;
    for (const run of waiting) this.#loop.after(0, () => this.#enter(run));
  }

  kill(): void {
    this.#state = { kind: "killed" };
  }

  #enter(run: () => void): void {
    if (this.#state.kind === "running") run();
    else if (this.#state.kind === "stopped") this.#state.waiting.push(run);
  }
}
