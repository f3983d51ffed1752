/** What is used of SQLite, and how a database gets its tables. */

import { backup, DatabaseSync } from "node:sqlite";

/** node:sqlite's DatabaseSync, or a test's faulty one. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export type SqlValue = string | number | null | Uint8Array;

export interface Statement {
  /** From now on rows are arrays of the columns: half of the time that objects take. */
  setReturnArrays(isWanted: boolean): void;
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
}

export function openDatabase(path: string): Database {
  // Deno 2.9.6 has `setReturnArrays`, its types don't.
  return new DatabaseSync(path) as unknown as Database;
}

/** How long a reader waits for another process that is opening, closing or recovering the database. */
const BUSY_MS_MAX = 10_000;

/** For reading only, beside whoever writes. Throws when it isn't of `version`; `title` as in `migrate`. */
export function openDatabaseToRead(path: string, version: number, title: string): Database {
  const database = new DatabaseSync(path, { readOnly: true }) as unknown as Database;
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS_MAX}; PRAGMA cache_size = -32768`);
    const found = versionOf(database);
    if (found === version) return database;
    throw new Error(
      `${title} has version ${found}, this zs3 reads ${version}: ` +
        (found > version ? "use a newer zs3" : "start the server once, which brings it up to date"),
    );
  } catch (error) {
    database.close();
    throw error;
  }
}

/** So many pages are copied at a time: 8 MB. */
const COPIED_PAGES = 2048;

/**
 * Makes a database of what is committed now, at a path where there is no file. It isn't synced. `VACUUM INTO` would need the
 * right to attach databases, which Deno gives only to programs that may do everything.
 */
export async function copyDatabase(database: Database, path: string): Promise<void> {
  database.exec("BEGIN");
  try {
    versionOf(database); // begins to read: from here on it is of one moment, and needn't begin again after a change
    await backup(database as unknown as DatabaseSync, path, { rate: COPIED_PAGES });
  } finally {
    database.exec("COMMIT");
  }
  const copy = openDatabase(path);
  try {
    copy.exec("PRAGMA journal_mode = DELETE"); // can be read without files beside it
  } finally {
    copy.close();
  }
}

/**
 * Brings an empty or older database up to date: the n-th migration leads from `user_version` n to n + 1. Throws when it
 * was written by a newer zs3. `title` is what the database is called: "the catalog".
 */
export function migrate(database: Database, migrations: readonly string[], title: string): void {
  const version = versionOf(database);
  if (version > migrations.length) {
    throw new Error(
      `${title} has version ${version}, this zs3 knows ${migrations.length}: use a newer zs3`,
    );
  }
  for (let next = version; next < migrations.length; next++) {
    database.exec(`BEGIN; ${migrations[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}

function versionOf(database: Database): number {
  const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
  return row.user_version;
}
