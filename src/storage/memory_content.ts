/** All that a node keeps, in memory: for simulations, which crash it and spoil its blocks. */

import { Buffer } from "node:buffer";
import type { Random } from "../clock.ts";
import type { ContentStore } from "./content_store.ts";
import { MemoryBlocks } from "./memory_blocks.ts";
import { MemoryRecords } from "./memory_records.ts";
import type { SyncDelayOptions } from "./sync_delay.ts";

export interface MemoryContentOptions extends SyncDelayOptions {
  readonly random: Random;
}

/** Uses no time and no chance but those it is given. */
export class MemoryContent implements ContentStore {
  readonly records: MemoryRecords;
  readonly blocks: MemoryBlocks;

  private constructor(records: MemoryRecords, blocks: MemoryBlocks) {
    this.records = records;
    this.blocks = blocks;
  }

  /** An empty one. */
  static make(options: MemoryContentOptions): MemoryContent {
    const { timers, syncDelayMs, random } = options;
    const feedId = Buffer.from(random.bytes(16)).toString("hex");
    return new MemoryContent(
      MemoryRecords.make({ timers, syncDelayMs, feedId }),
      MemoryBlocks.make({ timers, syncDelayMs }),
    );
  }

  /**
   * What is found after a power cut: a store with just what was durable. Promises of this one never settle from now on, and
   * what it is given is lost.
   */
  crash(): MemoryContent {
    return new MemoryContent(this.records.crash(), this.blocks.crash());
  }

  /** One bit of the block turns over, unnoticed. Throws TypeError when it isn't held. */
  damageBlock(hash: string): void {
    this.blocks.damageBlock(hash);
  }

  /** The block's file is gone, unnoticed. Throws TypeError when it isn't held. */
  loseBlock(hash: string): void {
    this.blocks.loseBlock(hash);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.records[Symbol.asyncDispose]();
    await this.blocks[Symbol.asyncDispose]();
  }
}
