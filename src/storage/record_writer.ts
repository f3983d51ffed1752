/** How the rows of a node's records change: a record's own, its bytes', the blocks it refers to, its piece's and the totals. */

import { BlockRefRows } from "./block_ref_rows.ts";
import { nameToText } from "./name_text.ts";
import {
  type BlockRef,
  mergeRecords,
  type Record,
  type RecordKind,
  type RecordMark,
  type RecordName,
  stampOf,
} from "./record.ts";
import { hashOfRecord } from "./record_digest.ts";
import type { RecordFeed } from "./record_feed.ts";
import { RecordPieces } from "./record_pieces.ts";
import { type MarkRow, packBlocks, patchesToJson, rowToMark, unpackBlocks } from "./record_rows.ts";
import { TotalsChange } from "./record_totals.ts";
import type { Statements } from "./statements.ts";

/** What is known of a record that is about to change. */
interface KnownRow extends MarkRow {
  readonly deleted: number;
  readonly hash: number;
  readonly body: number | null;
}

/** All methods are parts of a transaction. */
export class RecordWriter {
  readonly #statements: Statements;
  readonly #feed: RecordFeed;
  readonly #references: BlockRefRows;
  readonly #pieces: RecordPieces;

  constructor(statements: Statements, feed: RecordFeed) {
    this.#statements = statements;
    this.#feed = feed;
    this.#references = new BlockRefRows(statements);
    this.#pieces = new RecordPieces(statements);
  }

  apply(records: readonly Record[]): void {
    const totals = new TotalsChange();
    for (const record of records) this.#apply(record, totals);
    totals.write(this.#statements);
  }

  purge(records: readonly { readonly name: RecordName; readonly stamp: string }[]): void {
    const totals = new TotalsChange();
    for (const { name, stamp } of records) {
      const text = nameToText(name);
      const known = this.#find(text);
      if (known === undefined || stampOf(rowToMark(known)) !== stamp) continue;
      this.#remove(text, name.kind, known, totals);
      const live = known.deleted === 0 ? -1 : 0;
      this.#pieces.add(text, { records: -1, live, hash: -known.hash });
    }
    totals.write(this.#statements);
  }

  #apply(given: Record, totals: TotalsChange): void {
    const name = nameToText(given);
    const known = this.#find(name);
    if (known?.version === given.version) this.#patch(name, known, given);
    else if (known === undefined || known.version < given.version) {
      this.#replace(name, known, given, totals);
    }
  }

  /** The record stays, and may get newer patches. */
  #patch(name: string, known: KnownRow, given: RecordMark): void {
    const mark = rowToMark(known);
    const merged = mergeRecords<RecordMark>(mark, given);
    const stamp = stampOf(merged);
    if (stamp === stampOf(mark)) return;
    const hash = known.deleted === 0 ? hashOfRecord(name, stamp) : 0;
    this.#statements.run(
      "UPDATE records SET patches = ?, seq = ?, hash = ? WHERE deleted = ? AND name = ?",
      patchesToJson(merged.patches),
      this.#feed.next(),
      hash,
      known.deleted,
      name,
    );
    this.#pieces.add(name, { records: 0, live: 0, hash: hash - known.hash });
  }

  #replace(
    name: string,
    known: KnownRow | undefined,
    given: Record,
    totals: TotalsChange,
  ): void {
    const seq = this.#feed.next();
    const isLive = !given.isDeleted;
    const hash = isLive ? hashOfRecord(name, stampOf(given)) : 0;
    const body = this.#addBody(seq, given);
    if (isLive) countBytes(totals, 1, given.blocks, this.#references.add(given.blocks));
    if (known !== undefined) this.#remove(name, given.kind, known, totals);
    this.#statements.run(
      "INSERT INTO records(deleted, name, version, seq, hash, body, patches, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      isLive ? 0 : 1,
      name,
      given.version,
      seq,
      hash,
      body,
      patchesToJson(given.patches),
      JSON.stringify(given.data),
    );
    totals.count(given.kind, given.isDeleted, 1);
    this.#pieces.add(name, {
      records: known === undefined ? 1 : 0,
      live: (isLive ? 1 : 0) - (known?.deleted === 0 ? 1 : 0),
      hash: hash - (known?.hash ?? 0),
    });
  }

  #find(name: string): KnownRow | undefined {
    return this.#statements.get(
      "SELECT deleted, version, patches, hash, body FROM records WHERE deleted IN (0, 1) AND name = ?",
      name,
    );
  }

  /** Gives the id of the row; null when there is nothing to keep. */
  #addBody(id: number, { blocks, inline }: Record): number | null {
    if (blocks.length === 0 && inline === undefined) return null;
    this.#statements.run(
      "INSERT INTO bodies(id, blocks, inline) VALUES(?, ?, ?)",
      id,
      blocks.length === 0 ? null : packBlocks(blocks),
      inline ?? null,
    );
    return id;
  }

  /** All but the piece's part in it. */
  #remove(name: string, kind: RecordKind, known: KnownRow, totals: TotalsChange): void {
    const isDeleted = known.deleted !== 0;
    totals.count(kind, isDeleted, -1);
    this.#statements.run(
      "DELETE FROM records WHERE deleted = ? AND name = ?",
      known.deleted,
      name,
    );
    if (known.body === null) return;
    const row = this.#statements.runReturning<{ blocks: Uint8Array | null }>(
      "DELETE FROM bodies WHERE id = ? RETURNING blocks",
      known.body,
    );
    if (isDeleted || row === undefined || row.blocks === null) return;
    const blocks = unpackBlocks(row.blocks);
    countBytes(totals, -1, blocks, this.#references.release(blocks));
  }
}

function countBytes(
  totals: TotalsChange,
  sign: 1 | -1,
  blocks: readonly BlockRef[],
  distinct: number,
): void {
  totals.countBytes(sign * blocks.reduce((sum, { size }) => sum + size, 0), sign * distinct);
}
