/** The places of changes in a node's feed: they grow, and none is given twice. */

import { Buffer } from "node:buffer";
import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { GroupCommit } from "./group_commit.ts";

interface FeedRow {
  readonly id: string;
  readonly ceiling: number;
}

const ID_BYTES = 16;

export class RecordFeed {
  /** See RecordStore.feedId. */
  readonly id: string;
  readonly #group: GroupCommit;
  #lastSeq: number;
  /**
   * Above all that were given, and durable long before one of the last half step is. A start goes on from here: others
   * may have heard of places whose changes a crash undid.
   */
  #ceiling: number;

  private constructor(group: GroupCommit, { id, ceiling }: FeedRow) {
    this.id = id;
    this.#group = group;
    this.#lastSeq = ceiling;
    this.#ceiling = ceiling + LIMITS.feedStep;
  }

  static async open(group: GroupCommit, random: Random): Promise<RecordFeed> {
    const { statements } = group;
    const row = await group.transact(() => {
      const known = statements.get<FeedRow>("SELECT id, ceiling FROM feed");
      const row = known ?? { id: Buffer.from(random.bytes(ID_BYTES)).toString("hex"), ceiling: 0 };
      if (known === undefined) {
        statements.run("INSERT INTO feed(id, ceiling) VALUES(?, 0)", row.id);
      }
      statements.run("UPDATE feed SET ceiling = ?", row.ceiling + LIMITS.feedStep);
      return row;
    });
    return new RecordFeed(group, row);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The place of a change: part of the transaction that makes it. */
  next(): number {
    this.#lastSeq++;
    if (this.#ceiling - this.#lastSeq < LIMITS.feedStep / 2) this.#raiseCeiling();
    return this.#lastSeq;
  }

  #raiseCeiling(): void {
    const ceiling = this.#lastSeq + LIMITS.feedStep;
    this.#group.statements.run("UPDATE feed SET ceiling = ?", ceiling);
    this.#group.onCommit(() => this.#ceiling = ceiling);
  }
}
