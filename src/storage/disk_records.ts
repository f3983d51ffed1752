/**
 * A cluster node's records: SQLite, committed in groups (group_commit.ts). All is read by the connection that writes, so
 * what was applied is seen before it is durable.
 */

import { type Random, systemRandom } from "../clock.ts";
import { BlockRefRows } from "./block_ref_rows.ts";
import type {
  Change,
  NameBound,
  RangeDigest,
  RecordRange,
  RecordStore,
  RecordStoreStats,
} from "./content_store.ts";
import { GroupCommit, type GroupCommitOptions } from "./group_commit.ts";
import {
  kindToTexts,
  nameToText,
  PAST_NAMES,
  rangeToTexts,
  type TextBounds,
  textToName,
} from "./name_text.ts";
import { compareUtf8 } from "./names.ts";
import {
  type BlockRef,
  type Json,
  type Record,
  type RecordHead,
  type RecordName,
  stampOf,
} from "./record.ts";
import { EMPTY_DIGEST } from "./record_digest.ts";
import { KnownRecords } from "./known_records.ts";
import { RecordFeed } from "./record_feed.ts";
import { RecordPieces } from "./record_pieces.ts";
import {
  type BodyRow,
  type HeadRow,
  type MarkRow,
  rowToHead,
  rowToMark,
  rowToRecord,
} from "./record_rows.ts";
import { readTotals } from "./record_totals.ts";
import { RecordWriter } from "./record_writer.ts";
import { RECORDS_MIGRATIONS } from "./records_schema.ts";
import type { Room } from "./room.ts";
import type { Statements } from "./statements.ts";

export interface DiskRecordsOptions extends Omit<GroupCommitOptions, "title" | "migrations"> {
  readonly random?: Random;
  /** Asked before live records are applied; deleting always may use what is left. */
  readonly room?: Pick<Room, "require">;
}

export const RECORDS_TITLE = "the records' database";

const WHOLE = "SELECT deleted, name, version, patches, data, body, blocks, inline " +
  "FROM records LEFT JOIN bodies ON bodies.id = body";
const HEAD = "SELECT deleted, name, version, patches, data FROM records";
const CHANGE = "SELECT name, version, patches, seq FROM records";

interface ChangeRow extends MarkRow {
  readonly name: string;
  readonly seq: number;
}

export class DiskRecords implements RecordStore {
  readonly #group: GroupCommit;
  readonly #statements: Statements;
  readonly #feed: RecordFeed;
  readonly #known: KnownRecords;
  readonly #writer: RecordWriter;
  readonly #pieces: RecordPieces;
  readonly #references: BlockRefRows;
  readonly #room: DiskRecordsOptions["room"];

  private constructor(group: GroupCommit, feed: RecordFeed, room: DiskRecordsOptions["room"]) {
    this.#group = group;
    this.#statements = group.statements;
    this.#feed = feed;
    this.#known = new KnownRecords(group);
    this.#writer = new RecordWriter(group.statements, feed, this.#known);
    this.#pieces = new RecordPieces(group.statements);
    this.#references = new BlockRefRows(group.statements);
    this.#room = room;
  }

  /** Creates or opens it. Throws when the file isn't such a database or is of a newer zs3. */
  static async open(options: DiskRecordsOptions): Promise<DiskRecords> {
    const { random = systemRandom, room } = options;
    const group = GroupCommit.open({
      ...options,
      title: RECORDS_TITLE,
      migrations: RECORDS_MIGRATIONS,
    });
    try {
      return new DiskRecords(group, await RecordFeed.open(group, random), room);
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.close();
  }

  get feedId(): string {
    return this.#feed.id;
  }

  get lastSeq(): number {
    return this.#feed.lastSeq;
  }

  find(name: RecordName): Record | undefined {
    return this.#known.find(nameToText(name))?.record;
  }

  async apply(records: readonly Record[]): Promise<void> {
    this.#requireRoom(records);
    await this.#group.transact(() => this.#writer.apply(records));
  }

  scan(range: RecordRange, limit: number): readonly Record[] {
    return this.#scan<HeadRow & BodyRow>(WHOLE, rangeToTexts(range), limit).map(rowToRecord);
  }

  scanHeads(range: RecordRange, limit: number): readonly RecordHead[] {
    return this.#scan<HeadRow>(HEAD, rangeToTexts(range), limit).map(rowToHead);
  }

  listBuckets(): readonly Record[] {
    return this.#scan<HeadRow & BodyRow>(WHOLE, kindToTexts("bucket"), Number.MAX_SAFE_INTEGER)
      .map(rowToRecord);
  }

  hasObjects(bucket: string): boolean {
    const from = { kind: "from", key: "" } as const;
    return this.scanHeads({ kind: "object", bucket, from, before: undefined }, 1).length > 0;
  }

  changesAfter(seq: number, limit: number): readonly Change[] {
    return this.#statements
      .all<ChangeRow>(`${CHANGE} WHERE seq > ? ORDER BY seq LIMIT ?`, seq, limit)
      .map(rowToChange);
  }

  names(after: NameBound, until: NameBound, limit: number): readonly Omit<Change, "seq">[] {
    const { low, high } = toTexts(after, until);
    const half = (deleted: number) =>
      `SELECT name, version, patches FROM records WHERE deleted = ${deleted} AND name > ?1 AND name <= ?2`;
    return this.#statements
      .all<MarkRow & { name: string }>(
        `SELECT * FROM (${half(0)} UNION ALL ${half(1)}) ORDER BY name LIMIT ?3`,
        low,
        high,
        limit,
      )
      .map((row) => ({ name: textToName(row.name), stamp: stampOf(rowToMark(row)) }));
  }

  digest(after: NameBound, until: NameBound): RangeDigest {
    const { low, high, isEmpty } = toTexts(after, until);
    return isEmpty ? EMPTY_DIGEST : this.#pieces.digest(low, high);
  }

  split(after: NameBound, until: NameBound, parts: number): readonly RecordName[] {
    const { low, high, isEmpty } = toTexts(after, until);
    return isEmpty ? [] : this.#pieces.split(low, high, parts).map(textToName);
  }

  tombstones(
    afterSeq: number,
    untilSeq: number,
    beforeVersion: string,
    limit: number,
  ): readonly Change[] {
    return this.#statements
      .all<ChangeRow>(
        `${CHANGE} WHERE deleted = 1 AND seq > ? AND seq <= ? AND version < ? ORDER BY seq LIMIT ?`,
        afterSeq,
        untilSeq,
        beforeVersion,
        limit,
      )
      .map(rowToChange);
  }

  async purge(records: readonly Pick<Change, "name" | "stamp">[]): Promise<void> {
    await this.#group.transact(() => this.#writer.purge(records));
  }

  isReferenced(hash: string): boolean {
    return this.#references.has(hash);
  }

  references(after: string, limit: number): readonly BlockRef[] {
    return this.#references.list(after, limit);
  }

  stats(): RecordStoreStats {
    return readTotals(this.#statements);
  }

  getValue(name: string): Json | undefined {
    const sql = "SELECT value FROM node_values WHERE name = ?";
    const row = this.#statements.get<{ value: string }>(sql, name);
    return row === undefined ? undefined : JSON.parse(row.value) as Json;
  }

  async setValue(name: string, value: Json): Promise<void> {
    await this.#group.transact(() => {
      this.#statements.run(
        "REPLACE INTO node_values(name, value) VALUES(?, ?)",
        name,
        JSON.stringify(value),
      );
    });
  }

  #requireRoom(records: readonly Record[]): void {
    const live = records.filter(({ isDeleted }) => !isDeleted);
    if (live.length > 0) this.#room?.require(live.reduce((sum, record) => sum + sizeOf(record), 0));
  }

  #scan<T>(select: string, { lower, isLowerIncluded, before }: TextBounds, limit: number): T[] {
    return this.#statements.all<T>(
      `${select} WHERE deleted = 0 AND name ${
        isLowerIncluded ? ">=" : ">"
      } ? AND name < ? ORDER BY name LIMIT ?`,
      lower,
      before,
      limit,
    );
  }
}

function toTexts(
  after: NameBound,
  until: NameBound,
): { readonly low: string; readonly high: string; readonly isEmpty: boolean } {
  const low = after === undefined ? "" : nameToText(after);
  const high = until === undefined ? PAST_NAMES : nameToText(until);
  return { low, high, isEmpty: compareUtf8(low, high) >= 0 };
}

function rowToChange(row: ChangeRow): Change {
  return { name: textToName(row.name), stamp: stampOf(rowToMark(row)), seq: row.seq };
}

/** About what its rows will take. */
function sizeOf({ blocks, inline }: Record): number {
  const ROWS_BYTES = 1024;
  const BLOCK_BYTES = 36 + 48;
  return ROWS_BYTES + BLOCK_BYTES * blocks.length + (inline?.length ?? 0);
}
