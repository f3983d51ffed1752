/** How often live records refer to each block, in the database. */

import type { BlockRef } from "./record.ts";
import { bytesToHash, hashToBytes } from "./record_rows.ts";
import type { Statements } from "./statements.ts";

export class BlockRefRows {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  has(hash: string): boolean {
    const sql = "SELECT 1 FROM block_refs WHERE hash = ?";
    return this.#statements.get(sql, hashToBytes(hash)) !== undefined;
  }

  /** Ascending, above `after`. */
  list(after: string, limit: number): BlockRef[] {
    return this.#statements.all<{ hash: Uint8Array; size: number }>(
      "SELECT hash, size FROM block_refs WHERE hash > ? ORDER BY hash LIMIT ?",
      hashToBytes(after),
      limit,
    ).map(({ hash, size }) => ({ hash: bytesToHash(hash), size }));
  }

  /** Gives the bytes of those that nobody referred to before. */
  add(blocks: readonly BlockRef[]): number {
    let newBytes = 0;
    for (const { hash, size } of blocks) {
      const row = this.#statements.runReturning<{ count: number }>(
        "INSERT INTO block_refs(hash, size, count) VALUES(?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
        hashToBytes(hash),
        size,
      );
      if (row?.count === 1) newBytes += size;
    }
    return newBytes;
  }

  /** The opposite of an earlier `add`; gives the bytes of those that nobody refers to any more. */
  release(blocks: readonly BlockRef[]): number {
    let freeBytes = 0;
    for (const { hash } of blocks) {
      const id = hashToBytes(hash);
      const row = this.#statements.runReturning<{ count: number; size: number }>(
        "UPDATE block_refs SET count = count - 1 WHERE hash = ? RETURNING count, size",
        id,
      );
      if (row?.count !== 0) continue;
      freeBytes += row.size;
      this.#statements.run("DELETE FROM block_refs WHERE hash = ?", id);
    }
    return freeBytes;
  }
}
