/**
 * Digests and counts of any range of records without reading the range: the order of names is cut into pieces of some
 * hundred records whose digests are kept up to date. A range is what is up to its end less what is up to its start; each
 * of those is the sum over whole pieces and a look at the rows of one. 100,000 records are 300 pieces.
 */

import { LIMITS } from "../limits.ts";
import type { RangeDigest } from "./content_store.ts";
import { PAST_NAMES } from "./name_text.ts";
import { addDigests, cutRanks, EMPTY_DIGEST, subtractDigests } from "./record_digest.ts";
import type { Statements } from "./statements.ts";

/** How one record's change changes the piece that it is in. */
export interface PieceChange {
  /** 1 for a new name, -1 for one that is purged. */
  readonly records: number;
  readonly live: number;
  /** To add to the sum of hashes. */
  readonly hash: number;
}

interface PieceRow {
  /** Least text of a name that belongs to it; the piece ends where the next one begins. */
  readonly first: string;
  readonly records: number;
}

/** Sums of a 48-bit hash overflow 64 bits after 32,768 of them: they are summed in halves. */
interface SumRow {
  readonly records: number | null;
  readonly live: number | null;
  readonly high: number | null;
  readonly low: number | null;
}

const HALF = 2 ** 24;
const MODULUS = 2 ** 48;

const PIECE_SUMS =
  "sum(records) AS records, sum(live) AS live, sum(sum >> 24) AS high, sum(sum & 16777215) AS low";
const ROW_SUMS =
  "count(*) AS records, count(*) AS live, sum(hash >> 24) AS high, sum(hash & 16777215) AS low";
const LIVE = "FROM records WHERE deleted = 0 AND name >= ?1";
const DEAD = "FROM records WHERE deleted = 1 AND name >= ?1";

export class RecordPieces {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Part of the change that writes the row, and after it. */
  add(name: string, { records, live, hash }: PieceChange): void {
    const piece = this.#statements.runReturning<PieceRow>(
      "UPDATE pieces SET records = records + ?, live = live + ?, sum = (sum + ?) & 281474976710655 " +
        "WHERE first = (SELECT max(first) FROM pieces WHERE first <= ?) RETURNING first, records",
      records,
      live,
      hash,
      name,
    );
    if (piece === undefined) throw new Error(`no piece for ${JSON.stringify(name)}`);
    if (piece.records > LIMITS.pieceRecordsMax) this.#halve(piece);
    if (piece.records === 0 && piece.first !== "") {
      this.#statements.run("DELETE FROM pieces WHERE first = ?", piece.first);
    }
  }

  /** Of the live records with names above `after` up to `until`, which isn't below it. */
  digest(after: string, until: string): RangeDigest {
    return subtractDigests(this.#digestUpTo(until), this.#digestUpTo(after));
  }

  /** Names that end all but the last of `parts` pieces of as many records; tombstones count. */
  split(after: string, until: string, parts: number): string[] {
    const start = this.#countUpTo(after);
    const ranks = cutRanks(this.#countUpTo(until) - start, parts).map((rank) => start + rank);
    return this.#namesAt(ranks, this.#pieceOf(after), until);
  }

  #digestUpTo(name: string): RangeDigest {
    const first = this.#pieceOf(name);
    const before = this.#sum(`SELECT ${PIECE_SUMS} FROM pieces WHERE first < ?`, first);
    return addDigests(before, this.#sum(`SELECT ${ROW_SUMS} ${LIVE} AND name <= ?2`, first, name));
  }

  #countUpTo(name: string): number {
    const first = this.#pieceOf(name);
    const count = (sql: string, ...values: string[]) =>
      this.#statements.get<{ n: number | null }>(sql, ...values)?.n ?? 0;
    return count("SELECT sum(records) AS n FROM pieces WHERE first < ?", first) +
      count(`SELECT count(*) AS n ${LIVE} AND name <= ?2`, first, name) +
      count(`SELECT count(*) AS n ${DEAD} AND name <= ?2`, first, name);
  }

  /** The n-th of all names, for each n of `ranks` (ascending, from 1): from the piece at `first` on, at most up to `until`. */
  #namesAt(ranks: readonly number[], first: string, until: string): string[] {
    const pieces = this.#statements.all<PieceRow>(
      "SELECT first, records FROM pieces WHERE first >= ? AND first <= ? ORDER BY first",
      first,
      until,
    ).values();
    let piece = pieces.next().value;
    let before = this.#sumOfRecordsBefore(first);
    return ranks.map((rank) => {
      for (; piece !== undefined && before + piece.records < rank; piece = pieces.next().value) {
        before += piece.records;
      }
      return this.#nameFrom(piece?.first ?? "", rank - before - 1);
    });
  }

  #sumOfRecordsBefore(first: string): number {
    return this.#statements.get<{ n: number | null }>(
      "SELECT sum(records) AS n FROM pieces WHERE first < ?",
      first,
    )?.n ?? 0;
  }

  /** The name that `skipped` names are between that one and `first`. */
  #nameFrom(first: string, skipped: number): string {
    const row = this.#statements.get<{ name: string }>(
      `SELECT name FROM (SELECT name ${LIVE} UNION ALL SELECT name ${DEAD}) ORDER BY name LIMIT 1 OFFSET ?2`,
      first,
      skipped,
    );
    if (row === undefined) throw new Error("the pieces don't agree with the records");
    return row.name;
  }

  #halve({ first, records }: PieceRow): void {
    const middle = this.#nameFrom(first, records >>> 1);
    const next = this.#statements.get<{ first: string | null }>(
      "SELECT min(first) AS first FROM pieces WHERE first > ?",
      first,
    )?.first ?? PAST_NAMES;
    const upper = this.#sum(`SELECT ${ROW_SUMS} ${LIVE} AND name < ?2`, middle, next);
    const upperRecords = records - (records >>> 1);
    this.#statements.run(
      "UPDATE pieces SET records = records - ?, live = live - ?, sum = (sum - ?) & 281474976710655 WHERE first = ?",
      upperRecords,
      upper.count,
      upper.sum,
      first,
    );
    this.#statements.run(
      "INSERT INTO pieces(first, records, live, sum) VALUES(?, ?, ?, ?)",
      middle,
      upperRecords,
      upper.count,
      upper.sum,
    );
  }

  #pieceOf(name: string): string {
    return this.#statements.get<{ first: string }>(
      "SELECT max(first) AS first FROM pieces WHERE first <= ?",
      name,
    )?.first ?? "";
  }

  #sum(sql: string, ...values: string[]): RangeDigest {
    const row = this.#statements.get<SumRow>(sql, ...values);
    if (row === undefined) return EMPTY_DIGEST;
    const { live, high, low } = row;
    // Of the upper half only the lowest 24 bits are below the modulus.
    const sum = ((high ?? 0) % HALF * HALF + (low ?? 0)) % MODULUS;
    return { count: live ?? 0, sum };
  }
}
