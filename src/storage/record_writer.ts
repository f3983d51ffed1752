/** How the rows of a node's records change: a record's own, its bytes', the blocks it refers to, its piece's and the totals. */

import { BlockRefRows } from "./block_ref_rows.ts";
import { nameToText } from "./name_text.ts";
import type { KnownRecord, KnownRecords } from "./known_records.ts";
import {
  type BlockRef,
  mergeRecords,
  type Record,
  type RecordMark,
  type RecordName,
  stampOf,
} from "./record.ts";
import { hashOfRecord } from "./record_digest.ts";
import type { RecordFeed } from "./record_feed.ts";
import { RecordPieces } from "./record_pieces.ts";
import { packBlocks, patchesToJson } from "./record_rows.ts";
import { TotalsChange } from "./record_totals.ts";
import type { Statements } from "./statements.ts";

/** All methods are parts of a transaction. */
export class RecordWriter {
  readonly #statements: Statements;
  readonly #feed: RecordFeed;
  readonly #known: KnownRecords;
  readonly #references: BlockRefRows;
  readonly #pieces: RecordPieces;

  constructor(statements: Statements, feed: RecordFeed, known: KnownRecords) {
    this.#statements = statements;
    this.#feed = feed;
    this.#known = known;
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
      const known = this.#known.find(text);
      if (known === undefined || stampOf(known.record) !== stamp) continue;
      this.#known.forget(text);
      this.#remove(text, known, totals);
      const live = known.record.isDeleted ? 0 : -1;
      this.#pieces.add(text, { records: -1, live, hash: -known.hash });
    }
    totals.write(this.#statements);
  }

  #apply(given: Record, totals: TotalsChange): void {
    const name = nameToText(given);
    const known = this.#known.find(name);
    if (known === undefined) this.#insert(name, given, totals);
    else if (known.record.version === given.version) this.#patch(name, known, given);
    else if (known.record.version < given.version) this.#replace(name, known, given, totals);
  }

  /** The record stays, and may get newer patches. */
  #patch(name: string, known: KnownRecord, given: RecordMark): void {
    const { patches } = mergeRecords<RecordMark>(known.record, given);
    const record = { ...known.record, patches };
    const stamp = stampOf(record);
    if (stamp === stampOf(known.record)) return;
    const hash = record.isDeleted ? 0 : hashOfRecord(name, stamp);
    this.#statements.run(
      "UPDATE records SET patches = ?, seq = ?, hash = ? WHERE deleted = ? AND name = ?",
      patchesToJson(patches),
      this.#feed.next(),
      hash,
      record.isDeleted ? 1 : 0,
      name,
    );
    this.#pieces.add(name, { records: 0, live: 0, hash: hash - known.hash });
    this.#known.set(name, { record, hash, body: known.body });
  }

  #insert(name: string, given: Record, totals: TotalsChange): void {
    const { hash } = this.#add(name, given, totals);
    this.#pieces.add(name, { records: 1, live: given.isDeleted ? 0 : 1, hash });
  }

  #replace(name: string, known: KnownRecord, given: Record, totals: TotalsChange): void {
    const isInPlace = !known.record.isDeleted && !given.isDeleted && known.body !== null &&
      hasBody(given);
    const { hash } = isInPlace
      ? this.#overwrite(name, known, known.body, given, totals)
      : this.#exchange(name, known, given, totals);
    const live = (given.isDeleted ? 0 : 1) - (known.record.isDeleted ? 0 : 1);
    this.#pieces.add(name, { records: 0, live, hash: hash - known.hash });
  }

  #exchange(name: string, known: KnownRecord, given: Record, totals: TotalsChange): KnownRecord {
    // What both refer to is never without a reference.
    const distinct = given.isDeleted ? 0 : this.#references.add(given.blocks);
    this.#remove(name, known, totals);
    return this.#add(name, given, totals, distinct);
  }

  /** The usual one: half the statements of taking one row away and adding another. */
  #overwrite(
    name: string,
    known: KnownRecord,
    body: number,
    given: Record,
    totals: TotalsChange,
  ): KnownRecord {
    const hash = hashOfRecord(name, stampOf(given));
    countBytes(totals, 1, given.blocks, this.#references.add(given.blocks));
    const { blocks } = known.record;
    countBytes(totals, -1, blocks, this.#references.release(blocks));
    this.#statements.run(
      "UPDATE bodies SET blocks = ?, inline = ? WHERE id = ?",
      given.blocks.length === 0 ? null : packBlocks(given.blocks),
      given.inline ?? null,
      body,
    );
    this.#statements.run(
      "UPDATE records SET version = ?, seq = ?, hash = ?, patches = ?, data = ? WHERE deleted = 0 AND name = ?",
      given.version,
      this.#feed.next(),
      hash,
      patchesToJson(given.patches),
      JSON.stringify(given.data),
      name,
    );
    const written = { record: given, hash, body };
    this.#known.set(name, written);
    return written;
  }

  /** All but the piece's part in it. */
  #add(
    name: string,
    given: Record,
    totals: TotalsChange,
    distinct = given.isDeleted ? 0 : this.#references.add(given.blocks),
  ): KnownRecord {
    const seq = this.#feed.next();
    const hash = given.isDeleted ? 0 : hashOfRecord(name, stampOf(given));
    const body = this.#addBody(seq, given);
    if (!given.isDeleted) countBytes(totals, 1, given.blocks, distinct);
    this.#statements.run(
      "INSERT INTO records(deleted, name, version, seq, hash, body, patches, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      given.isDeleted ? 1 : 0,
      name,
      given.version,
      seq,
      hash,
      body,
      patchesToJson(given.patches),
      JSON.stringify(given.data),
    );
    totals.count(given.kind, given.isDeleted, 1);
    const written = { record: given, hash, body };
    this.#known.set(name, written);
    return written;
  }

  /** Gives the id of the row; null when there is nothing to keep. */
  #addBody(id: number, given: Record): number | null {
    if (!hasBody(given)) return null;
    const { blocks, inline } = given;
    this.#statements.run(
      "INSERT INTO bodies(id, blocks, inline) VALUES(?, ?, ?)",
      id,
      blocks.length === 0 ? null : packBlocks(blocks),
      inline ?? null,
    );
    return id;
  }

  /** All but the piece's part in it. */
  #remove(name: string, { record, body }: KnownRecord, totals: TotalsChange): void {
    const { kind, isDeleted, blocks } = record;
    totals.count(kind, isDeleted, -1);
    this.#statements.run(
      "DELETE FROM records WHERE deleted = ? AND name = ?",
      isDeleted ? 1 : 0,
      name,
    );
    if (body !== null) this.#statements.run("DELETE FROM bodies WHERE id = ?", body);
    if (!isDeleted) countBytes(totals, -1, blocks, this.#references.release(blocks));
  }
}

function hasBody({ blocks, inline }: Record): boolean {
  return blocks.length > 0 || inline !== undefined;
}

function countBytes(
  totals: TotalsChange,
  sign: 1 | -1,
  blocks: readonly BlockRef[],
  distinct: number,
): void {
  if (blocks.length === 0) return;
  totals.countBytes(sign * blocks.reduce((sum, { size }) => sum + size, 0), sign * distinct);
}
