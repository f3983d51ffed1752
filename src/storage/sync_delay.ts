/** A disk's delay, simulated: what was written is durable only when a sync that began later has ended. */

import type { Timers } from "../timers.ts";

export interface SyncDelayOptions {
  readonly timers: Timers;
  /** How long the next sync takes. */
  readonly syncDelayMs: () => number;
}

interface Group {
  readonly effects: (() => void)[];
  readonly done: PromiseWithResolvers<void>;
}

/** Like a write-ahead log: one sync at a time, shared by all that was written before it began. */
export class SyncDelay {
  readonly #options: SyncDelayOptions;
  #waiting: Group | undefined;
  #running: Group | undefined;
  #cancel: () => void = () => {};
  #isDead = false;

  constructor(options: SyncDelayOptions) {
    this.#options = options;
  }

  /** Whether it has crashed: then nothing that waits will ever end. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** `effect` is called in the moment in which what is written with it becomes durable. */
  write(effect: () => void): void {
    this.#waiting ??= { effects: [], done: Promise.withResolvers() };
    this.#waiting.effects.push(effect);
    if (this.#running === undefined) this.#begin();
  }

  /** Resolves when all that was written so far is durable. */
  settled(): Promise<void> {
    if (this.#isDead) return new Promise(() => {});
    return (this.#waiting ?? this.#running)?.done.promise ?? Promise.resolve();
  }

  /** What isn't durable now will never be. */
  crash(): void {
    this.#isDead = true;
    this.#cancel();
  }

  #begin(): void {
    const group = this.#waiting;
    this.#waiting = undefined;
    this.#running = group;
    if (group === undefined || this.#isDead) return;
    this.#cancel = this.#options.timers.after(this.#options.syncDelayMs(), () => {
      for (const effect of group.effects) effect();
      group.done.resolve();
      this.#begin();
    });
  }
}
