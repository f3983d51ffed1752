/**
 * The hybrid logical clock of one node (Kulkarni et al., "Logical Physical Clocks", 2014): versions that are totally ordered
 * over all nodes, follow real time where clocks agree, and never go back: not when the system's clock does, nor over a restart.
 */

import type { NodeId } from "../peer/transport.ts";
import { LIMITS } from "../limits.ts";
import type { RecordStore } from "../storage/content_store.ts";
import type { Version } from "../storage/record.ts";
import type { Timers } from "../timers.ts";

const MS_DIGITS = 12;
const COUNTER_DIGITS = 6;
const COUNTER_MAX = 16 ** COUNTER_DIGITS - 1;
const CEILING = "clock.ceiling";

/** Where versions come from. */
export interface VersionClock {
  /** A version above all that were observed or given before; above `known` too, which counts as observed. */
  next(known?: Version): Promise<Version>;
  observe(version: Version): void;
  /** Whether a version claims to be of a time that can't have come yet, whatever is wrong with whose clock. */
  isFromTheFuture(version: Version): boolean;
}

export class HybridClock implements VersionClock {
  readonly #timers: Timers;
  readonly #node: NodeId;
  readonly #values: Pick<RecordStore, "getValue" | "setValue">;
  #ms: number;
  #counter = 0;
  /** Durable: no version of this node has as late a time. A restart begins here. */
  #ceiling: number;
  #raising: Promise<void> | undefined;

  constructor(
    timers: Timers,
    node: NodeId,
    values: Pick<RecordStore, "getValue" | "setValue">,
  ) {
    this.#timers = timers;
    this.#node = node;
    this.#values = values;
    const ceiling = values.getValue(CEILING);
    this.#ceiling = typeof ceiling === "number" ? ceiling : 0;
    this.#ms = this.#ceiling;
  }

  async next(known?: Version): Promise<Version> {
    if (known !== undefined) this.observe(known);
    const now = this.#timers.now();
    if (now > this.#ms) {
      this.#ms = now;
      this.#counter = 0;
    } else if (this.#counter === COUNTER_MAX) {
      this.#ms++;
      this.#counter = 0;
    } else {
      this.#counter++;
    }
    const version = encodeVersion(this.#ms, this.#counter, this.#node);
    const ms = this.#ms;
    while (ms >= this.#ceiling) await (this.#raising ??= this.#raiseCeiling());
    return version;
  }

  observe(version: Version): void {
    const { ms, counter } = decodeVersion(version);
    if (ms < this.#ms || (ms === this.#ms && counter <= this.#counter)) return;
    this.#ms = ms;
    this.#counter = counter;
  }

  isFromTheFuture(version: Version): boolean {
    return versionMs(version) > Math.max(this.#timers.now(), 0) + LIMITS.clockAheadMsMax;
  }

  async #raiseCeiling(): Promise<void> {
    try {
      const ceiling = this.#ms + LIMITS.clockCeilingStepMs;
      await this.#values.setValue(CEILING, ceiling);
      this.#ceiling = ceiling;
    } finally {
      this.#raising = undefined;
    }
  }
}

/** The least version of that time: those of earlier times are below it. */
export function versionAt(ms: number): Version {
  return encodeVersion(Math.max(0, ms), 0, "");
}

export function versionMs(version: Version): number {
  return decodeVersion(version).ms;
}

export function isVersion(text: unknown): text is Version {
  return typeof text === "string" && /^[0-9a-f]{58}$/.test(text);
}

function encodeVersion(ms: number, counter: number, node: NodeId): Version {
  return hex(ms, MS_DIGITS) + hex(counter, COUNTER_DIGITS) + node;
}

function decodeVersion(version: Version): { ms: number; counter: number } {
  return {
    ms: parseInt(version.slice(0, MS_DIGITS), 16),
    counter: parseInt(version.slice(MS_DIGITS, MS_DIGITS + COUNTER_DIGITS), 16),
  };
}

function hex(value: number, digits: number): string {
  return Math.floor(value).toString(16).padStart(digits, "0");
}
