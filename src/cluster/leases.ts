/** Blocks that somebody is about to refer to: a lease keeps them from being taken for garbage. */

import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";

export class Leases {
  readonly #timers: Timers;
  readonly #leaseMs: number;
  /** When each ends; in the order of renewal, so that the first end first. */
  readonly #ends = new Map<string, number>();
  readonly #leaving = new Set<string>();

  constructor(timers: Timers, leaseMs: number) {
    this.#timers = timers;
    this.#leaseMs = leaseMs;
  }

  /** How long a lease holds, from its renewal. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  renew(hash: string): void {
    this.#ends.delete(hash);
    this.#ends.set(hash, this.#timers.elapsed() + this.#leaseMs);
    this.#forgetEnded();
  }

  isLeased(hash: string): boolean {
    return (this.#ends.get(hash) ?? -Infinity) > this.#timers.elapsed();
  }

  /** Runs the removal of a block that was found not to be leased: nobody may be told meanwhile that it is here. */
  async whileLeaving(hash: string, remove: () => Promise<void>): Promise<void> {
    this.#leaving.add(hash);
    try {
      await remove();
    } finally {
      this.#leaving.delete(hash);
    }
  }

  /** Whether the block is being removed, and won't be here in a moment. */
  isLeaving(hash: string): boolean {
    return this.#leaving.has(hash);
  }

  /** Only so many are kept: a process that takes in more within a grace period has a bug or an enemy with its secret. */
  #forgetEnded(): void {
    const now = this.#timers.elapsed();
    for (const [hash, end] of this.#ends) {
      if (end > now && this.#ends.size <= LIMITS.leasesMax) return;
      this.#ends.delete(hash);
    }
  }
}
