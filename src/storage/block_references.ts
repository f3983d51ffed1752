/** Which blocks live records refer to, and how often, in memory. */

import type { BlockRef, Record } from "./record.ts";

export class BlockReferences {
  readonly #references = new Map<string, { readonly size: number; readonly count: number }>();
  /** Hashes in order; undefined when one came or went since they were sorted. */
  #sorted: readonly string[] | undefined;
  #bytes = 0;
  #distinctBytes = 0;

  /** With each block as often as records refer to it. */
  get bytes(): number {
    return this.#bytes;
  }

  get distinctBytes(): number {
    return this.#distinctBytes;
  }

  has(hash: string): boolean {
    return this.#references.has(hash);
  }

  /** Ascending, above `after`. */
  list(after: string, limit: number): BlockRef[] {
    this.#sorted ??= Array.from(this.#references.keys()).sort();
    return firstAfter(this.#sorted, after, limit)
      .map((hash) => ({ hash, size: this.#references.get(hash)?.size ?? 0 }));
  }

  add(record: Pick<Record, "isDeleted" | "blocks">): void {
    if (record.isDeleted) return;
    for (const { hash, size } of record.blocks) {
      const known = this.#references.get(hash);
      this.#references.set(hash, { size: known?.size ?? size, count: (known?.count ?? 0) + 1 });
      this.#bytes += size;
      if (known !== undefined) continue;
      this.#distinctBytes += size;
      this.#sorted = undefined;
    }
  }

  /** The opposite of an earlier `add`. */
  release(record: Pick<Record, "isDeleted" | "blocks">): void {
    if (record.isDeleted) return;
    for (const { hash, size } of record.blocks) {
      const known = this.#references.get(hash);
      if (known === undefined) throw new TypeError(`block ${hash} was never referred to`);
      this.#bytes -= size;
      if (known.count > 1) {
        this.#references.set(hash, { ...known, count: known.count - 1 });
        continue;
      }
      this.#references.delete(hash);
      this.#distinctBytes -= known.size;
      this.#sorted = undefined;
    }
  }
}

/** Of ascending texts (all ASCII) the first `limit` above `after`. */
export function firstAfter(sorted: readonly string[], after: string, limit: number): string[] {
  let low = 0;
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") > after) high = middle;
    else low = middle + 1;
  }
  return sorted.slice(low, low + limit);
}
