/**
 * Records by name as the database has them, the open transaction included; those that were read or written lately from memory. A
 * write needs its record's bucket twice, and what was there before three times.
 */

import { LIMITS } from "../limits.ts";
import { Generations } from "./generations.ts";
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

export class KnownRecords {
  readonly #group: Pick<GroupCommit, "statements" | "abandoned">;
  /** By name as text (name_text.ts); null for names that have no record. */
  readonly #known = new Generations<KnownRecord | null>({
    entriesMax: Infinity,
    bytesMax: LIMITS.knownRecordsBytesMax,
    valueBytesMax: LIMITS.knownRecordBytesMax,
    sizeOf,
  });
  #abandoned: number;

  constructor(group: Pick<GroupCommit, "statements" | "abandoned">) {
    this.#group = group;
    this.#abandoned = group.abandoned;
  }

  find(name: string): KnownRecord | undefined {
    this.#forgetUndone();
    let known = this.#known.find(name);
    if (known === undefined) this.#known.set(name, known = this.#read(name));
    return known ?? undefined;
  }

  /** Part of the change that writes it. */
  set(name: string, known: KnownRecord): void {
    this.#forgetUndone();
    this.#known.set(name, known);
  }

  /** Part of the change that removes it. */
  forget(name: string): void {
    this.#known.forget(name);
  }

  #read(name: string): KnownRecord | null {
    const row = this.#group.statements.get<HeadRow & BodyRow & { hash: number }>(SELECT, name);
    if (row === undefined) return null;
    return { record: rowToRecord(row), hash: row.hash, body: row.body };
  }

  /** What a transaction wrote that was rolled back isn't so any more. */
  #forgetUndone(): void {
    const { abandoned } = this.#group;
    if (abandoned === this.#abandoned) return;
    this.#abandoned = abandoned;
    this.#known.clear();
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
