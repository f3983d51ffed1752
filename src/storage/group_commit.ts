/**
 * SQLite with changes committed in groups: what the standalone catalog and a node's records have in common. What the rows
 * mean is its users' business.
 *
 * All of it runs on the caller's thread but the wait for the disk: a change is applied at once inside the open
 * transaction, the transaction is committed when the disk is done with the one before it, and the promise of the change
 * resolves when an fdatasync of the write-ahead log that began after that commit has ended. Decisions are therefore
 * serial without locks, and the fsync is shared by all that waited (src/README.md has the figures).
 */

import { Histogram } from "../metrics/histogram.ts";
import { type Database, migrate, openDatabase } from "./database.ts";
import { asStorageError, type Files, type OpenFile } from "./files.ts";
import { Statements } from "./statements.ts";

export type Durability = "strict" | "relaxed";

export interface GroupCommitOptions {
  /** Absolute path of the database file; its directory exists. */
  readonly path: string;
  /** What it is called in errors: "the catalog". */
  readonly title: string;
  readonly durability: Durability;
  readonly files: Files;
  /** The size of the write-ahead log from which on its changes are moved into the database, for it to be used anew. */
  readonly logBytesMax?: number;
  /** node:sqlite unless a test brings its own. */
  readonly openDatabase?: (path: string) => Database;
  /** See database.ts. */
  readonly migrations: readonly string[];
}

const PAGE_BYTES = 4096;
const LOG_PAGES_MAX = 4000;

const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const TIME_BOUNDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

export type CommitMetrics = GroupCommit["commits"];

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  /** Of the connection that writes: they see the open transaction too. Write inside `transact` only. */
  readonly statements: Statements;
  /** Changes of each commit that had some, and seconds until it was durable. */
  readonly commits = { changes: new Histogram(BATCH_BOUNDS), seconds: new Histogram(TIME_BOUNDS) };
  readonly #title: string;
  readonly #database: Database;
  readonly #log: OpenFile | undefined;
  /** To be called when the open transaction is committed. */
  readonly #onCommit: (() => void)[] = [];
  /** Of the open transaction; undefined when none is open. */
  #waiters: Waiter[] | undefined;
  #writesAtBegin = 0;
  #groups = 0;
  #committing: Promise<void> | undefined;
  #fault: unknown;
  #abandoned = 0;

  private constructor(title: string, database: Database, log: OpenFile | undefined) {
    this.statements = new Statements(database);
    this.#title = title;
    this.#database = database;
    this.#log = log;
  }

  /** Creates or opens it. Throws when it is of a newer zs3, or the file isn't a database or may not be written. */
  static open(options: GroupCommitOptions): GroupCommit {
    const database = (options.openDatabase ?? openDatabase)(options.path);
    try {
      return new GroupCommit(options.title, database, prepare(database, options));
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * Applies `change` now, in one step with what it reads, and resolves with its result when that is durable. Throws what
   * `change` throws, once what it was judged by is durable too, and StorageFull; then nothing of it has happened. A change
   * must check first and write then: one that throws after its first write fails all that are in its group.
   */
  async transact<T>(change: () => T): Promise<T> {
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

  /** Of the open transaction: each group has another. */
  get groupNumber(): number {
    return this.#groups;
  }

  /** Part of a change: `then` runs in the same turn in which the change is committed, if it is. */
  onCommit(then: () => void): void {
    this.#onCommit.push(then);
  }

  /** How many groups were rolled back: all that was applied in them is undone. */
  get abandoned(): number {
    return this.#abandoned;
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    await this.#committing;
  }

  /** Waits for what is under way and closes the database. */
  async close(): Promise<void> {
    await this.idle();
    this.#log?.close();
    this.#database.close();
  }

  #begin(): void {
    if (this.#waiters !== undefined) return;
    this.#database.exec("BEGIN IMMEDIATE");
    this.#waiters = [];
    this.#groups++;
    this.#writesAtBegin = this.statements.writes;
  }

  /** Resolves when the open group is durable; at once when there is none, because it was abandoned. */
  #groupEnd(): Promise<void> {
    if (this.#waiters === undefined) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ resolve, reject });
    this.#committing ??= this.#commitGroups();
    return promise;
  }

  /** Without a savepoint, which would cost a small change a tenth of its time: so what is half written takes its group along. */
  #apply<T>(change: () => T): T {
    const mark = this.#onCommit.length;
    const { writes } = this.statements;
    try {
      return change();
    } catch (error) {
      this.#onCommit.length = mark;
      if (this.statements.writes !== writes) this.#abandonGroup(error);
      throw error;
    }
  }

  async #commitGroups(): Promise<void> {
    // One turn of the microtask queue lets requests that became ready together share the first group.
    await Promise.resolve();
    while (this.#waiters !== undefined) {
      const waiters = this.#waiters;
      try {
        const isChanged = this.statements.writes !== this.#writesAtBegin;
        const startedMs = performance.now();
        this.#commit();
        // It was begun before the fault, and judged by what may now be lost.
        this.#assertSound();
        if (isChanged) {
          await this.#syncLog();
          this.commits.changes.observe(waiters.length);
          this.commits.seconds.observe((performance.now() - startedMs) / 1000);
        }
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        for (const waiter of waiters) waiter.reject(asStorageError(error));
      }
    }
    this.#committing = undefined;
  }

  #commit(): void {
    try {
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#abandonGroup(error);
      throw error;
    }
    this.#waiters = undefined;
    for (const then of this.#onCommit.splice(0)) then();
  }

  #abandonGroup(cause: unknown): void {
    const waiters = this.#waiters ?? [];
    this.#waiters = undefined;
    this.#onCommit.length = 0;
    this.#abandoned++;
    try {
      this.#database.exec("ROLLBACK");
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
    throw new Error(
      `${this.#title} could not be synced to disk; restart zs3 once the disk is sound`,
      { cause: this.#fault },
    );
  }
}

/** Gives the write-ahead log, if it is this program that syncs it. */
function prepare(database: Database, options: GroupCommitOptions): OpenFile | undefined {
  const isStrict = options.durability === "strict";
  // NORMAL: SQLite itself syncs only around checkpoints; the sync of each group is `#log.sync()`.
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${isStrict ? "NORMAL" : "OFF"}`);
  const logPages = Math.min(
    LOG_PAGES_MAX,
    Math.floor((options.logBytesMax ?? Infinity) / PAGE_BYTES),
  );
  database.exec(
    `PRAGMA wal_autocheckpoint = ${logPages}; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY`,
  );
  // A file that may only be read is opened without complaint: better told now than by the first PUT.
  database.exec("BEGIN IMMEDIATE; ROLLBACK");
  migrate(database, options.migrations, options.title);
  const log = isStrict ? options.files.open(`${options.path}-wal`) : undefined;
  if (isStrict && log === undefined) {
    throw new Error(`${options.path}-wal is missing: nothing could be synced`);
  }
  return log;
}
