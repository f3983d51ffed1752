/**
 * Records by name as the database has them, the open transaction included; those that were read or written lately from memory. A
 * write needs its record's bucket twice, and what was there before three times.
 */

import { LIMITS } from "../limits.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { Record } from "./record.ts";
import { type BodyRow, type HeadRow, rowToRecord } from "./record_rows.ts";

export interface KnownRecord {
  readonly record: Record;
  /** See records_schema.ts. */
  readonly hash: number;
  readonly body: number | null;
}

const SELECT = "SELECT deleted, name, version, patches, data, hash, body, blocks, inline " +
  "FROM records LEFT JOIN bodies ON bodies.id = body WHERE deleted IN (0, 1) AND name = ?";

/** Two generations: the older is dropped when the younger is full. */
export class KnownRecords {
  readonly #group: Pick<GroupCommit, "statements" | "abandoned">;
  /** By name as text (name_text.ts); null for names that have no record. */
  #young = new Map<string, KnownRecord | null>();
  #old = new Map<string, KnownRecord | null>();
  /** Of the younger generation. */
  #bytes = 0;
  #abandoned: number;

  constructor(group: Pick<GroupCommit, "statements" | "abandoned">) {
    this.#group = group;
    this.#abandoned = group.abandoned;
  }

  find(name: string): KnownRecord | undefined {
    this.#forgetUndone();
    const young = this.#young.get(name);
    if (young !== undefined) return young ?? undefined;
    const known = this.#old.get(name) ?? this.#read(name);
    this.#enter(name, known);
    return known ?? undefined;
  }

  /** Part of the change that writes it. */
  set(name: string, known: KnownRecord): void {
    this.#forgetUndone();
    this.#enter(name, known);
  }

  /** Part of the change that removes it. */
  forget(name: string): void {
    this.#young.delete(name);
    this.#old.delete(name);
  }

  #read(name: string): KnownRecord | null {
    const row = this.#group.statements.get<HeadRow & BodyRow & { hash: number }>(SELECT, name);
    if (row === undefined) return null;
    return { record: rowToRecord(row), hash: row.hash, body: row.body };
  }

  #enter(name: string, known: KnownRecord | null): void {
    const bytes = sizeOf(name, known);
    if (bytes > LIMITS.knownRecordBytesMax) {
      this.forget(name);
      return;
    }
    this.#young.set(name, known);
    this.#bytes += bytes;
    if (this.#bytes < LIMITS.knownRecordsBytesMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }

  /** What a transaction wrote that was rolled back isn't so any more. */
  #forgetUndone(): void {
    const { abandoned } = this.#group;
    if (abandoned === this.#abandoned) return;
    this.#abandoned = abandoned;
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }
}

/** About what it takes in memory. */
function sizeOf(name: string, known: KnownRecord | null): number {
  if (known === null) return 200 + name.length;
  const { data, blocks, inline } = known.record;
  let chars = 0;
  for (const value of Object.values(data)) chars += typeof value === "string" ? value.length : 100;
  return 1000 + name.length + chars + 150 * blocks.length + (inline?.length ?? 0);
}
