/** A node's records and blocks as they lie on its disk, through connections that only read: beside a node that runs, or without one. */

import { blake3Hex } from "../blake3.ts";
import { systemRandom } from "../clock.ts";
import { BlockFiles } from "./block_files.ts";
import { BlockRefRows } from "./block_ref_rows.ts";
import { clusterPath } from "./data_dir.ts";
import { copyDatabase, type Database, openDatabase, openDatabaseToRead } from "./database.ts";
import { isDamage } from "./database_failure.ts";
import { RECORDS_TITLE } from "./disk_records.ts";
import type { Files } from "./files.ts";
import type { BlockRef, Record } from "./record.ts";
import { type BodyRow, hashToBytes, type HeadRow, rowToRecord } from "./record_rows.ts";
import { RECORDS_MIGRATIONS } from "./records_schema.ts";
import { Statements } from "./statements.ts";

/** Of a record, as the database keeps it. */
export type RecordText = string;

const BLOCKS_VERSION = 1;
const SET_ASIDE = ".damaged";

export class ContentView implements Disposable {
  readonly #dataDir: string;
  readonly #files: Files;
  readonly #database: Database;
  readonly #records: Statements;
  readonly #references: BlockRefRows;
  readonly #index: Database | undefined;
  readonly #blocks: BlockFiles;

  private constructor(
    dataDir: string,
    files: Files,
    database: Database,
    index: Database | undefined,
  ) {
    this.#dataDir = dataDir;
    this.#files = files;
    this.#database = database;
    this.#records = new Statements(database);
    this.#references = new BlockRefRows(this.#records);
    this.#index = index;
    this.#blocks = new BlockFiles({ dataDir, files, durability: "strict", random: systemRandom });
  }

  /** Throws when the data dir isn't a node's, or its database is damaged or of another version. */
  static open(dataDir: string, files: Files): ContentView {
    const path = clusterPath(dataDir);
    const database = openDatabaseToRead(path, RECORDS_MIGRATIONS.length, RECORDS_TITLE);
    try {
      return new ContentView(dataDir, files, database, openIndex(dataDir, files));
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Hashes of the blocks in one of FOLDERS that are on disk, or believed to be; ascending. */
  listFolder(folder: string): string[] {
    const sql = "SELECT lower(hex(hash)) AS hash FROM blocks WHERE hash >= ? AND hash <= ?";
    const bounds = [hashToBytes(folder), hashToBytes(folder + "ff".repeat(31))] as const;
    const believed = (this.#index?.prepare(sql).all(...bounds) ?? []) as { hash: string }[];
    const found = this.#blocks.listFolder(folder);
    return [...new Set([...found, ...believed.map(({ hash }) => hash)])].sort();
  }

  isBelieved(hash: string): boolean {
    const sql = "SELECT 1 FROM blocks WHERE hash = ?";
    return this.#index?.prepare(sql).get(hashToBytes(hash)) !== undefined;
  }

  hasFile(hash: string): boolean {
    return this.#blocks.sizeOf(hash) !== undefined;
  }

  /** Whether the bytes are those of the hash; undefined when there is no file. */
  async verify(hash: string): Promise<{ isSound: boolean; size: number } | undefined> {
    const bytes = await this.#blocks.read(hash);
    return bytes && { isSound: blake3Hex(bytes) === hash, size: bytes.length };
  }

  /** For a node that doesn't run: moves the block out of its sight, and keeps it. The node fetches another when it runs. */
  setAside(hash: string): void {
    const folder = `${this.#dataDir}/${SET_ASIDE}`;
    this.#files.makeDirectory(folder);
    const path = `${this.#dataDir}/.cas/${hash.slice(0, 2)}/${hash}.blob`;
    this.#files.rename(path, `${folder}/${hash}.blob`);
    this.forget(hash);
  }

  /** For a node that doesn't run: the block isn't held. */
  forget(hash: string): void {
    if (this.#index === undefined) return;
    const index = openDatabase(indexPath(this.#dataDir));
    try {
      index.prepare("DELETE FROM blocks WHERE hash = ?").run(hashToBytes(hash));
    } finally {
      index.close();
    }
  }

  /** Live records, or tombstones; ascending, above `after`. */
  names(isDeleted: boolean, after: RecordText, limit: number): RecordText[] {
    const sql = "SELECT name FROM records WHERE deleted = ? AND name > ? ORDER BY name LIMIT ?";
    return this.#records.all<{ name: string }>(sql, isDeleted ? 1 : 0, after, limit)
      .map(({ name }) => name);
  }

  /** Throws when it can't be read. */
  find(isDeleted: boolean, name: RecordText): Record | undefined {
    const row = this.#records.get<HeadRow & BodyRow>(
      "SELECT deleted, name, version, patches, data, body, blocks, inline " +
        "FROM records LEFT JOIN bodies ON bodies.id = body WHERE deleted = ? AND name = ?",
      isDeleted ? 1 : 0,
      name,
    );
    return row && rowToRecord(row);
  }

  references(after: string, limit: number): readonly BlockRef[] {
    return this.#references.list(after, limit);
  }

  /** Makes a database of the records committed now, at a path where there is no file. It isn't synced. No record may be read meanwhile. */
  async copyRecordsTo(path: string): Promise<void> {
    await copyDatabase(this.#database, path);
  }

  [Symbol.dispose](): void {
    this.#index?.close();
    this.#database.close();
  }
}

/** undefined when there is none that can be read: a node makes it anew, of what the folders hold. */
function openIndex(dataDir: string, files: Files): Database | undefined {
  const path = indexPath(dataDir);
  if (files.stat(path) === undefined) return undefined;
  try {
    return openDatabaseToRead(path, BLOCKS_VERSION, "the index of blocks");
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function indexPath(dataDir: string): string {
  return `${dataDir}/.index/blocks.db`;
}
