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
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

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
