/**
 * The catalog: SQLite beside the files, with changes committed in groups. What the rows mean is its users' business.
 *
 * All of it runs on the caller's thread but the wait for the disk: a change is applied at once inside the open
 * transaction, the transaction is committed when the disk is done with the one before it, and the promise of the change
 * resolves when an fdatasync of the write-ahead log that began after that commit has ended. Decisions are therefore
 * serial without locks, and the fsync is shared by all that waited (src/README.md has the figures).
 */

import { DatabaseSync } from "node:sqlite";
import { type Database, migrate } from "./catalog_schema.ts";
import { CatalogSession } from "./catalog_session.ts";
import { asStorageError, type Files, type OpenFile } from "./files.ts";

export type Durability = "strict" | "relaxed";

export interface CatalogOptions {
  /** Absolute path of the database file; its directory exists. */
  readonly path: string;
  readonly durability: Durability;
  readonly files: Files;
  /** The size of the write-ahead log from which on its changes are moved into the database, for it to be used anew. */
  readonly logBytesMax?: number;
  /** node:sqlite unless a test brings its own. */
  readonly openDatabase?: (path: string) => Database;
}

const PAGE_BYTES = 4096;
const LOG_PAGES_MAX = 4000;

/** Changes of one transaction. Check first, write then: a change that throws after its first write fails its whole group. */
export interface CatalogChange extends CatalogSession {
  /** `then` runs in the same turn in which the change has become visible to readers. */
  onCommit(then: () => void): void;
}

class Change extends CatalogSession implements CatalogChange {
  readonly #onCommit: (() => void)[] = [];

  onCommit(then: () => void): void {
    this.#onCommit.push(then);
  }

  /** How many callbacks are registered: what `forgetSince` takes to drop the later ones. */
  get mark(): number {
    return this.#onCommit.length;
  }

  runCommitted(): void {
    for (const then of this.#onCommit.splice(0)) then();
  }

  forgetSince(mark: number): void {
    this.#onCommit.length = mark;
  }
}

/** What SQLite says of a file that isn't a database, or not a whole one. */
const DAMAGE = ["file is not a database", "database disk image is malformed"];

/** The error itself, or in place of one of SQLite's one that says which file it is about, and what to do when that is damaged. */
export function explainFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ERR_SQLITE_ERROR") {
    return error;
  }
  const cause = { cause: error };
  if (!DAMAGE.includes(error.message)) {
    return new Error(`the catalog ${path} can't be used: ${error.message}`, cause);
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  return new Error(
    `the catalog ${path} is damaged (${error.message}): restore ${folder} from a backup, or move it away and start ` +
      `again, which keeps every object but loses what is known of it: metadata, tags, owners, unfinished uploads`,
    cause,
  );
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class Catalog {
  /** Sees what is committed, and nothing of the open transaction. */
  readonly read: CatalogSession;
  readonly #writer: Database;
  readonly #reader: Database;
  readonly #change: Change;
  readonly #log: OpenFile | undefined;
  /** Of the open transaction; undefined when none is open. */
  #waiters: Waiter[] | undefined;
  #writesAtBegin = 0;
  #committing: Promise<void> | undefined;
  #fault: unknown;

  private constructor(writer: Database, reader: Database, log: OpenFile | undefined) {
    this.#writer = writer;
    this.#reader = reader;
    this.#change = new Change(writer);
    this.read = new CatalogSession(reader);
    this.#log = log;
  }

  /** Creates or opens it. Throws when the file isn't a catalog or is of a newer zs3. */
  static open(options: CatalogOptions): Catalog {
    const openDatabase = options.openDatabase ?? ((path) => new DatabaseSync(path) as Database);
    const writer = openDatabase(options.path);
    const isStrict = options.durability === "strict";
    // NORMAL: SQLite itself syncs only around checkpoints; the sync of each group is `#log.sync()`.
    writer.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${isStrict ? "NORMAL" : "OFF"}`);
    const logPages = Math.min(
      LOG_PAGES_MAX,
      Math.floor((options.logBytesMax ?? Infinity) / PAGE_BYTES),
    );
    writer.exec(
      `PRAGMA wal_autocheckpoint = ${logPages}; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY`,
    );
    // A file that may only be read is opened without complaint: better told now than by the first PUT.
    writer.exec("BEGIN IMMEDIATE; ROLLBACK");
    migrate(writer);
    const reader = openDatabase(options.path);
    reader.exec("PRAGMA query_only = ON; PRAGMA cache_size = -32768");
    const log = isStrict ? options.files.open(`${options.path}-wal`) : undefined;
    if (isStrict && log === undefined) {
      throw new Error(`${options.path}-wal is missing: nothing could be synced`);
    }
    return new Catalog(writer, reader, log);
  }

  /**
   * Applies `change` now, in one step with what it reads, and resolves with its result when that is durable. Throws what
   * `change` throws, once what it was judged by is durable too, and StorageFull; then nothing of it has happened.
   */
  async transact<T>(change: (session: CatalogChange) => T): Promise<T> {
    this.#assertSound();
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      this.#begin();
      outcome = { value: this.#apply(change) };
    } catch (error) {
      outcome = { error: asStorageError(error) };
    }
    await this.#groupEnd();
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Waits for what is under way and closes the database. */
  async close(): Promise<void> {
    await this.#committing;
    this.#log?.close();
    this.#reader.close();
    this.#writer.close();
  }

  #begin(): void {
    if (this.#waiters !== undefined) return;
    this.#writer.exec("BEGIN IMMEDIATE");
    this.#waiters = [];
    this.#writesAtBegin = this.#change.writes;
  }

  /** Resolves when the open group is durable; at once when there is none, because it was abandoned. */
  #groupEnd(): Promise<void> {
    if (this.#waiters === undefined) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ resolve, reject });
    this.#committing ??= this.#commitGroups();
    return promise;
  }

  #apply<T>(change: (session: CatalogChange) => T): T {
    this.#writer.exec("SAVEPOINT change");
    const mark = this.#change.mark;
    try {
      const result = change(this.#change);
      this.#writer.exec("RELEASE change");
      return result;
    } catch (error) {
      this.#undoChange(mark, error);
      throw error;
    }
  }

  /** Takes one change out of the group, or the whole group with it when SQLite can't. */
  #undoChange(mark: number, cause: unknown): void {
    this.#change.forgetSince(mark);
    try {
      this.#writer.exec("ROLLBACK TO change; RELEASE change");
    } catch {
      this.#abandonGroup(cause);
    }
  }

  async #commitGroups(): Promise<void> {
    // One turn of the microtask queue lets requests that became ready together share the first group.
    await Promise.resolve();
    while (this.#waiters !== undefined) {
      const waiters = this.#waiters;
      try {
        const isChanged = this.#change.writes !== this.#writesAtBegin;
        this.#commit();
        if (isChanged) await this.#syncLog();
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        for (const waiter of waiters) waiter.reject(asStorageError(error));
      }
    }
    this.#committing = undefined;
  }

  #commit(): void {
    try {
      this.#writer.exec("COMMIT");
    } catch (error) {
      this.#abandonGroup(error);
      throw error;
    }
    this.#waiters = undefined;
    this.#change.runCommitted();
  }

  #abandonGroup(cause: unknown): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = undefined;
    this.#change.forgetSince(0);
    try {
      this.#writer.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
    for (const waiter of waiters) waiter.reject(asStorageError(cause));
  }

  async #syncLog(): Promise<void> {
    if (this.#log === undefined) return;
    try {
      await this.#log.sync();
    } catch (error) {
      // After a failed fsync the kernel may drop the pages and report success the next time: nothing later can be trusted.
      this.#fault = error;
      throw error;
    }
  }

  #assertSound(): void {
    if (this.#fault === undefined) return;
    throw new Error("the catalog could not be synced to disk; restart zs3 once the disk is sound", {
      cause: this.#fault,
    });
  }
}
