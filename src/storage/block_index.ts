/**
 * What blocks are held, as far as is known without a look at the folders: a table beside them. It is only a memory of what
 * the files say, so nobody waits for it to be durable, and a damaged one is made anew.
 */

import { type Database, migrate, openDatabase } from "./database.ts";
import { isDamage } from "./database_failure.ts";
import type { Files } from "./files.ts";
import type { Durability } from "./group_commit.ts";
import { bytesToHash, hashToBytes } from "./record_rows.ts";
import { Statements } from "./statements.ts";

export interface BlockIndexOptions {
  /** Absolute path of the database file; its directory exists. */
  readonly path: string;
  readonly durability: Durability;
  readonly files: Pick<Files, "remove">;
  readonly openDatabase?: (path: string) => Database;
}

export interface HeldBlock {
  readonly size: number;
  /** Whether its file and its folder's entry are known to be on stable storage. */
  readonly isSynced: boolean;
}

const TITLE = "the index of blocks";

/** See `migrate`. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE blocks(
    hash BLOB PRIMARY KEY, size INTEGER NOT NULL, synced INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
];

export class BlockIndex {
  readonly #database: Database;
  readonly #statements: Statements;
  #blocks: number;
  #bytes: number;

  private constructor(database: Database) {
    this.#database = database;
    this.#statements = new Statements(database);
    const sql = "SELECT count(*) AS blocks, total(size) AS bytes FROM blocks";
    const totals = this.#statements.get<{ blocks: number; bytes: number }>(sql);
    this.#blocks = totals?.blocks ?? 0;
    this.#bytes = totals?.bytes ?? 0;
  }

  /** Creates or opens it. Throws when it is of a newer zs3. */
  static open(options: BlockIndexOptions): BlockIndex {
    try {
      return openIndex(options, (database) => new BlockIndex(database));
    } catch (error) {
      if (!isDamage(error)) throw error;
      for (const suffix of ["", "-wal", "-shm"]) options.files.remove(options.path + suffix);
      return openIndex(options, (database) => new BlockIndex(database));
    }
  }

  close(): void {
    this.#database.close();
  }

  /** How many are held, and the sum of their sizes. */
  get totals(): { readonly blocks: number; readonly bytes: number } {
    return { blocks: this.#blocks, bytes: this.#bytes };
  }

  find(hash: string): HeldBlock | undefined {
    const row = this.#statements.get<{ size: number; synced: number }>(
      "SELECT size, synced FROM blocks WHERE hash = ?",
      hashToBytes(hash),
    );
    return row === undefined ? undefined : { size: row.size, isSynced: row.synced !== 0 };
  }

  put(hash: string, { size, isSynced }: HeldBlock): void {
    const known = this.find(hash);
    this.#statements.run(
      "REPLACE INTO blocks(hash, size, synced) VALUES(?, ?, ?)",
      hashToBytes(hash),
      size,
      isSynced ? 1 : 0,
    );
    this.#blocks += known === undefined ? 1 : 0;
    this.#bytes += size - (known?.size ?? 0);
  }

  delete(hash: string): void {
    const row = this.#statements.runReturning<{ size: number }>(
      "DELETE FROM blocks WHERE hash = ? RETURNING size",
      hashToBytes(hash),
    );
    if (row === undefined) return;
    this.#blocks--;
    this.#bytes -= row.size;
  }

  /** Ascending, above `after`. */
  list(after: string, limit: number): string[] {
    return this.#statements.all<{ hash: Uint8Array }>(
      "SELECT hash FROM blocks WHERE hash > ? ORDER BY hash LIMIT ?",
      hashToBytes(after),
      limit,
    ).map(({ hash }) => bytesToHash(hash));
  }

  /** All whose hashes begin with the two digits. */
  listFolder(digits: string): string[] {
    return this.#statements.all<{ hash: Uint8Array }>(
      "SELECT hash FROM blocks WHERE hash >= ? AND hash <= ?",
      hashToBytes(digits),
      hashToBytes(digits + "ff".repeat(31)),
    ).map(({ hash }) => bytesToHash(hash));
  }
}

function openIndex<T>(options: BlockIndexOptions, use: (database: Database) => T): T {
  const database = (options.openDatabase ?? openDatabase)(options.path);
  try {
    const synchronous = options.durability === "strict" ? "NORMAL" : "OFF";
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}; PRAGMA cache_size = -8192`,
    );
    migrate(database, MIGRATIONS, TITLE);
    return use(database);
  } catch (error) {
    database.close();
    throw error;
  }
}
