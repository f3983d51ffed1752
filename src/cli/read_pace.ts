/** Keeps reading below a number of bytes a second, so that others get something of the disk. */

import type { Clock } from "../clock.ts";

/** Resolves after so many milliseconds, or when the signal is aborted. */
export type Sleep = (ms: number, stop: AbortSignal) => Promise<void>;

export class ReadPace {
  readonly #bytesPerSecondMax: number;
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  #freeAtMs = 0;

  constructor(bytesPerSecondMax: number, clock: Clock, sleep: Sleep = sleepUntilStopped) {
    this.#bytesPerSecondMax = bytesPerSecondMax;
    this.#clock = clock;
    this.#sleep = sleep;
  }

  /** So many bytes were read: resolves when more may be. What wasn't read in time isn't made up for. */
  async spend(bytes: number, stop: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + (1000 * bytes) / this.#bytesPerSecondMax;
    const ms = this.#freeAtMs - now;
    // A timer is late by a millisecond: short waits are put together.
    if (ms >= SLEEP_MS_MIN) await this.#sleep(ms, stop);
  }
}

const SLEEP_MS_MIN = 10;

function sleepUntilStopped(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stop.addEventListener("abort", end);
  });
}
