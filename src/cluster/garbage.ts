/**
 * Garbage collection: blocks that no record refers to are removed after a grace period, by each node for its own disk. What is
 * about to be referred to is leased; what was acknowledged elsewhere is asked for before anything is removed.
 */

import { LIMITS } from "../limits.ts";
import type { BlockStore, RecordStore } from "../storage/content_store.ts";
import type { Timers } from "../timers.ts";
import type { Counters } from "./counters.ts";
import type { Leases } from "./leases.ts";
import { heldPages } from "./pages.ts";
import { ignoreSilence } from "./quorum.ts";
import type { ClusterRules } from "./rules.ts";
import type { Sync } from "./sync.ts";

export interface GarbageOptions {
  readonly records: RecordStore;
  readonly blocks: BlockStore;
  readonly leases: Leases;
  readonly sync: Pick<Sync, "catchUp">;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly rules: ClusterRules;
  readonly graceMs: number;
}

export class Garbage {
  readonly #options: GarbageOptions;
  /** Since when each is known to be unreferenced, by this process's clock: a restart begins anew. */
  #since = new Map<string, number>();

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** Blocks that wait for their grace period to end. */
  get waiting(): number {
    return this.#since.size;
  }

  /** One pass over the blocks held. Removes nothing while this node can't be sure to know every acknowledged write. */
  async round(): Promise<void> {
    const { timers, graceMs } = this.#options;
    await this.#mark();
    const now = timers.elapsed();
    const due = Array.from(this.#since).flatMap(([hash, since]) =>
      since + graceMs <= now ? [hash] : []
    );
    if (due.length === 0) return;
    const isSynced = await this.#catchUp();
    for (const hash of due) await this.#collect(hash, isSynced);
  }

  async #mark(): Promise<void> {
    const { records, blocks, timers } = this.#options;
    const marked = new Map<string, number>();
    for await (const page of heldPages(blocks, timers)) {
      const now = timers.elapsed();
      for (const hash of page) {
        if (records.isReferenced(hash) || marked.size >= LIMITS.garbageMax) continue;
        marked.set(hash, this.#since.get(hash) ?? now);
      }
    }
    this.#since = marked;
  }

  async #catchUp(): Promise<boolean> {
    try {
      await this.#options.sync.catchUp();
      return true;
    } catch (error) {
      ignoreSilence(error);
      return false;
    }
  }

  async #collect(hash: string, isSynced: boolean): Promise<void> {
    const { records, blocks, leases, timers, counters, rules, graceMs } = this.#options;
    const since = this.#since.get(hash) ?? Infinity;
    const isGarbage = !records.isReferenced(hash) && rules.isGarbage({
      isLeased: leases.isLeased(hash),
      isPastGrace: since + graceMs <= timers.elapsed(),
      isSynced,
    });
    if (!isGarbage) return;
    this.#since.delete(hash);
    await leases.whileLeaving(hash, () => blocks.remove(hash));
    counters.add("blocks_collected");
  }
}
