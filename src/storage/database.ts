/** What is used of SQLite, and how a database gets its tables. */

import { DatabaseSync } from "node:sqlite";

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

/**
 * Brings an empty or older database up to date: the n-th migration leads from `user_version` n to n + 1. Throws when it
 * was written by a newer zs3. `title` is what the database is called: "the catalog".
 */
export function migrate(database: Database, migrations: readonly string[], title: string): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as {
    user_version: number;
  };
  if (version > migrations.length) {
    throw new Error(
      `${title} has version ${version}, this zs3 knows ${migrations.length}: use a newer zs3`,
    );
  }
  for (let next = version; next < migrations.length; next++) {
    database.exec(`BEGIN; ${migrations[next]}; PRAGMA user_version = ${next + 1}; COMMIT`);
  }
}
