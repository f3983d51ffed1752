/** The catalog through a connection that only reads: beside a server that writes, or without one. */

import { CATALOG_MIGRATIONS } from "./catalog_schema.ts";
import { CatalogSession } from "./catalog_session.ts";
import { copyDatabase, type Database, openDatabaseToRead } from "./database.ts";
import { Statements } from "./statements.ts";

export class CatalogView implements Disposable {
  /** What is committed at the moment of each call. */
  readonly read: CatalogSession;
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    this.read = new CatalogSession(new Statements(database));
  }

  /** Throws when the file isn't a catalog, or is of another version than this program's. */
  static open(path: string): CatalogView {
    return new CatalogView(openDatabaseToRead(path, CATALOG_MIGRATIONS.length, "the catalog"));
  }

  /** What `read` reads is of one moment. Keep it short: the catalog's log grows meanwhile. */
  atOnce<T>(read: () => T): T {
    this.#database.exec("BEGIN");
    try {
      return read();
    } finally {
      this.#database.exec("COMMIT");
    }
  }

  /** Makes a database of what is committed now, at a path where there is no file. It isn't synced. Nothing else may be read meanwhile. */
  async copyTo(path: string): Promise<void> {
    await copyDatabase(this.#database, path);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
