/**
 * Each node sees to its own share: it fetches the blocks that it should hold and doesn't, and lets go of those that others should
 * hold, once they do. So what a dead node held is rebuilt by those who take its place, and a new node gets its part.
 */

import { LIMITS } from "../limits.ts";
import type { BlockStore, RecordStore } from "../storage/content_store.ts";
import type { BlockRef, Record } from "../storage/record.ts";
import { eachLimited } from "../storage/turns.ts";
import type { Timers } from "../timers.ts";
import type { BlockExchange } from "./block_exchange.ts";
import type { Counters } from "./counters.ts";
import type { Leases } from "./leases.ts";
import type { Membership } from "./membership.ts";
import { heldPages, pagesOf } from "./pages.ts";
import { placeOfBlock } from "./placement.ts";
import { ignoreSilence } from "./quorum.ts";
import type { MemberKey } from "./stages.ts";

export interface RepairOptions {
  readonly membership: Membership;
  readonly exchange: BlockExchange;
  readonly records: RecordStore;
  readonly blocks: BlockStore;
  readonly leases: Leases;
  readonly timers: Timers;
  readonly counters: Counters;
}

interface Wanted {
  readonly block: BlockRef;
  /** By this process's clock: whoever wrote the record may be about to bring its blocks. */
  readonly since: number;
}

export class Repair {
  readonly #options: RepairOptions;
  /** Blocks that this node should hold and doesn't, as far as is known. */
  readonly #wanted = new Map<string, Wanted>();

  constructor(options: RepairOptions) {
    this.#options = options;
  }

  /** Of this node's share, as far as is known. */
  get missing(): number {
    return this.#wanted.size;
  }

  /** Hears of records that came in. */
  note(records: readonly Record[]): void {
    for (const record of records) {
      if (!record.isDeleted) { for (const block of record.blocks) this.#noteBlock(block); }
    }
  }

  /** Fetches what has been missing for a moment. */
  async fetchWanted(): Promise<void> {
    const { timers } = this.#options;
    const due = timers.elapsed() - LIMITS.repairDelayMs;
    const wanted: BlockRef[] = [];
    for (const { block, since } of this.#wanted.values()) if (since <= due) wanted.push(block);
    await eachLimited(wanted, LIMITS.repairsAtOnce, (block) => this.#heal(block));
  }

  /** Looks through all blocks that records refer to, and all that are held. */
  async round(): Promise<void> {
    await this.#findMissing();
    await this.fetchWanted();
    await this.#handOver();
  }

  #noteBlock(block: BlockRef): void {
    const { blocks, timers } = this.#options;
    if (this.#wanted.has(block.hash) || this.#wanted.size >= LIMITS.repairsWaitingMax) return;
    if (blocks.has(block.hash) || !this.#isOwn(block.hash)) return;
    this.#wanted.set(block.hash, { block, since: timers.elapsed() });
  }

  async #heal(block: BlockRef): Promise<void> {
    const { records, blocks, exchange, counters } = this.#options;
    const { hash } = block;
    if (!records.isReferenced(hash) || !this.#isOwn(hash) || blocks.has(hash)) {
      this.#wanted.delete(hash);
    } else if (await exchange.heal(block)) {
      this.#wanted.delete(hash);
      counters.add("blocks_repaired");
    }
  }

  async #findMissing(): Promise<void> {
    const { records, timers } = this.#options;
    const references = (after: string, limit: number) => records.references(after, limit);
    for await (const page of pagesOf(references, ({ hash }) => hash, timers)) {
      for (const block of page) this.#noteBlock(block);
    }
  }

  /** Gives the blocks of others' share to them, and removes those that all of them have. */
  async #handOver(): Promise<void> {
    const { blocks, timers } = this.#options;
    for await (const page of heldPages(blocks, timers)) {
      await this.#handOverPage(page.filter((hash) => this.#isSurplus(hash)));
    }
  }

  async #handOverPage(hashes: readonly string[]): Promise<void> {
    if (hashes.length === 0) return;
    const { membership, exchange, blocks, leases, counters } = this.#options;
    const askedOf = new Map<MemberKey, string[]>();
    for (const hash of hashes) {
      for (const member of membership.holders(placeOfBlock(hash))) {
        const list = askedOf.get(member) ?? [];
        list.push(hash);
        askedOf.set(member, list);
      }
    }
    const kept = new Set<string>();
    for (const [member, asked] of askedOf) {
      const missing = await exchange.missingOn(member, asked).catch((error) => {
        ignoreSilence(error);
        return asked;
      });
      for (const hash of missing) {
        kept.add(hash);
        await this.#give(member, hash).catch(ignoreSilence);
      }
    }
    for (const hash of hashes) {
      // What was only just given is asked for once more in the next round.
      if (kept.has(hash) || !this.#isSurplus(hash)) continue;
      await leases.whileLeaving(hash, () => blocks.remove(hash));
      counters.add("blocks_handed_over");
    }
  }

  async #give(member: MemberKey, hash: string): Promise<void> {
    const { blocks, exchange } = this.#options;
    const bytes = await blocks.read(hash);
    if (bytes !== undefined) await exchange.give(member, hash, bytes);
  }

  #isOwn(hash: string): boolean {
    const { membership } = this.#options;
    return membership.holders(placeOfBlock(hash)).includes(membership.self);
  }

  #isSurplus(hash: string): boolean {
    const { records, leases, membership } = this.#options;
    return membership.isSettled && !this.#isOwn(hash) && records.isReferenced(hash) &&
      !leases.isLeased(hash);
  }
}
