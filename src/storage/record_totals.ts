/** What all records of a node come to: kept with every change, so that asking costs nothing. */

import type { RecordStoreStats } from "./content_store.ts";
import type { RecordKind } from "./record.ts";
import type { Statements } from "./statements.ts";

const COLUMNS = {
  bucket: "buckets",
  object: "objects",
  upload: "uploads",
  part: "parts",
} as const satisfies Record<RecordKind, string>;

type Column =
  | typeof COLUMNS[RecordKind]
  | "tombstones"
  | "referenced_bytes"
  | "distinct_bytes";

const NAMES: readonly Column[] = [
  ...Object.values(COLUMNS),
  "tombstones",
  "referenced_bytes",
  "distinct_bytes",
];

/** What a change adds to the totals, or takes from them. */
export class TotalsChange {
  readonly #sums = new Map<Column, number>();

  /** One record more or, with -1, less. */
  count(kind: RecordKind, isDeleted: boolean, times: 1 | -1): void {
    this.#add(isDeleted ? "tombstones" : COLUMNS[kind], times);
  }

  countBytes(referenced: number, distinct: number): void {
    this.#add("referenced_bytes", referenced);
    this.#add("distinct_bytes", distinct);
  }

  /** Part of the transaction that makes the change. */
  write(statements: Statements): void {
    const changed = NAMES.filter((name) => (this.#sums.get(name) ?? 0) !== 0);
    if (changed.length === 0) return;
    statements.run(
      `UPDATE totals SET ${changed.map((name) => `${name} = ${name} + ?`).join(", ")}`,
      ...changed.map((name) => this.#sums.get(name) ?? 0),
    );
  }

  #add(name: Column, amount: number): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + amount);
  }
}

export function readTotals(statements: Statements): RecordStoreStats {
  const row = statements.get<{ readonly [name in Column]: number }>("SELECT * FROM totals");
  if (row === undefined) throw new Error("the records' database has no totals");
  return {
    live: { bucket: row.buckets, object: row.objects, upload: row.uploads, part: row.parts },
    tombstones: row.tombstones,
    referencedBytes: row.referenced_bytes,
    distinctBytes: row.distinct_bytes,
  };
}
