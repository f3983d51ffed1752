/** The catalog of the standalone store: SQLite beside the files, by group_commit.ts. What the rows mean is its users' business. */

import { CATALOG_MIGRATIONS } from "./catalog_schema.ts";
import { CatalogSession } from "./catalog_session.ts";
import { type Database, openDatabase } from "./database.ts";
import { explainDatabaseFailure } from "./database_failure.ts";
import { GroupCommit, type GroupCommitOptions } from "./group_commit.ts";
import { Statements } from "./statements.ts";

export type { Durability } from "./group_commit.ts";

export type CatalogOptions = Omit<GroupCommitOptions, "title" | "migrations">;

/** Changes of one transaction. Check first, write then: a change that throws after its first write fails its whole group. */
export interface CatalogChange extends CatalogSession {
  /** `then` runs in the same turn in which the change has become visible to readers. */
  onCommit(then: () => void): void;
}

class Change extends CatalogSession implements CatalogChange {
  readonly #group: GroupCommit;

  constructor(group: GroupCommit) {
    super(group.statements);
    this.#group = group;
  }

  onCommit(then: () => void): void {
    this.#group.onCommit(then);
  }
}

/** As `explainDatabaseFailure`, for the catalog at `path`. */
export function explainFailure(error: unknown, path: string): unknown {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return explainDatabaseFailure(error, {
    path,
    title: "the catalog",
    remedy:
      `restore ${folder} from a backup, or move it away and start again, which keeps every object but loses what ` +
      "is known of it: metadata, tags, owners, unfinished uploads",
  });
}

export class Catalog {
  /** Sees what is committed, and nothing of the open transaction. */
  readonly read: CatalogSession;
  readonly #group: GroupCommit;
  readonly #reader: Database;
  readonly #change: Change;

  private constructor(group: GroupCommit, reader: Database) {
    this.#group = group;
    this.#reader = reader;
    this.#change = new Change(group);
    this.read = new CatalogSession(new Statements(reader));
  }

  /** Creates or opens it. Throws when the file isn't a catalog or is of a newer zs3. */
  static open(options: CatalogOptions): Catalog {
    const group = GroupCommit.open({
      ...options,
      title: "the catalog",
      migrations: CATALOG_MIGRATIONS,
    });
    const reader = (options.openDatabase ?? openDatabase)(options.path);
    reader.exec("PRAGMA query_only = ON; PRAGMA cache_size = -32768");
    return new Catalog(group, reader);
  }

  /** As GroupCommit.transact. */
  async transact<T>(change: (session: CatalogChange) => T): Promise<T> {
    return await this.#group.transact(() => change(this.#change));
  }

  /** Waits for what is under way and closes the database. */
  async close(): Promise<void> {
    await this.#group.idle();
    this.#reader.close();
    await this.#group.close();
  }
}
