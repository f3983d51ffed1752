/** Waiting as a value that can be handed in: a simulation's clock jumps where the system's makes one wait. */

import { type Clock, systemClock } from "./clock.ts";

export interface Timers extends Clock {
  /** Milliseconds that never jump or go back, from an arbitrary zero: for measuring how long something took. */
  elapsed(): number;
  /** Calls `callback` once, `ms` from now. The function returned cancels that; calling it later or twice is harmless. */
  after(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  now: systemClock.now,
  elapsed: () => performance.now(),
  after(ms, callback) {
    const line = lines.get(ms) ?? new DelayLine(ms, () => lines.delete(ms));
    lines.set(ms, line);
    return line.add(callback);
  },
};

interface Waiter {
  readonly dueMs: number;
  callback: (() => void) | undefined;
}

/**
 * All that wait for the same number of milliseconds, by one timer of the system's: to set and clear one costs 6 µs, and each call
 * to a peer has a bound that it hardly ever meets.
 */
class DelayLine {
  readonly #ms: number;
  readonly #onIdle: () => void;
  /** In the order in which they are due. Those before the first that still waits may be here a little longer. */
  #waiters: Waiter[] = [];
  #first = 0;
  #live = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, onIdle: () => void) {
    this.#ms = ms;
    this.#onIdle = onIdle;
  }

  add(callback: () => void): () => void {
    const waiter: Waiter = { dueMs: performance.now() + this.#ms, callback };
    this.#waiters.push(waiter);
    this.#live++;
    this.#timer ??= setTimeout(() => this.#ring(), this.#ms);
    return () => {
      if (this.#take(waiter) !== undefined) this.#skip();
    };
  }

  #take(waiter: Waiter): (() => void) | undefined {
    const { callback } = waiter;
    if (callback === undefined) return undefined;
    waiter.callback = undefined;
    this.#live--;
    return callback;
  }

  #ring(): void {
    const now = performance.now();
    for (let at = this.#first; at < this.#waiters.length; at++) {
      const waiter = this.#waiters[at];
      if (waiter === undefined || waiter.dueMs > now) break;
      call(this.#take(waiter));
    }
    this.#timer = undefined;
    this.#skip();
    const next = this.#waiters[this.#first];
    if (next === undefined) return;
    this.#timer ??= setTimeout(() => this.#ring(), Math.max(0, next.dueMs - performance.now()));
  }

  /** There is a timer while, and only while, somebody waits. */
  #skip(): void {
    if (this.#live === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#waiters = [];
      this.#first = 0;
      this.#onIdle();
      return;
    }
    while (this.#waiters[this.#first]?.callback === undefined) this.#first++;
    if (this.#first < SKIPPED_MAX) return;
    this.#waiters = this.#waiters.slice(this.#first);
    this.#first = 0;
  }
}

/** An error is reported as any timer's is, and keeps nobody else from being called. */
function call(callback: (() => void) | undefined): void {
  try {
    callback?.();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

const SKIPPED_MAX = 1000;

const lines = new Map<number, DelayLine>();

/** Resolves `ms` from now, or at once when `signal` is aborted (also if it was before). Never rejects. */
export function sleep(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) return Promise.resolve();
  const end = () => {
    cancel();
    signal?.removeEventListener("abort", end);
    resolve();
  };
  const cancel = timers.after(ms, end);
  signal?.addEventListener("abort", end);
  return promise;
}

/** The outcome of `work`, or a rejection with `late()` when that takes longer than `ms`; the work itself goes on. */
export function within<T>(
  timers: Timers,
  ms: number,
  work: Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(ms, () => reject(late()));
    work.then(resolve, reject).finally(cancel);
  });
}
