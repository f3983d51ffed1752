/** The catalog of the standalone store: SQLite beside the files, by group_commit.ts. What the rows mean is its users' business. */

import { CATALOG_MIGRATIONS } from "./catalog_schema.ts";
import type { BucketRow, ObjectRow } from "./catalog_rows.ts";
import { CatalogSession } from "./catalog_session.ts";
import { type Database, openDatabase } from "./database.ts";
import { explainDatabaseFailure } from "./database_failure.ts";
import { type CommitMetrics, GroupCommit, type GroupCommitOptions } from "./group_commit.ts";
import { type HotObject, HotObjects } from "./hot_objects.ts";
import { objectId } from "./names.ts";
import { Statements } from "./statements.ts";

export type { Durability } from "./group_commit.ts";

export type CatalogOptions = Omit<GroupCommitOptions, "title" | "migrations">;

/** Changes of one transaction. Check first, write then: a change that throws after its first write fails its whole group. */
export interface CatalogChange extends CatalogSession {
  /** `then` runs in the same turn in which the change has become visible to readers. */
  onCommit(then: () => void): void;
}

/** What is committed, with the rows that were asked for lately in memory. */
class Reader extends CatalogSession {
  readonly hot = new HotObjects();
  readonly #buckets = new Map<string, BucketRow>();

  override findBucket(name: string): BucketRow | undefined {
    const known = this.#buckets.get(name);
    if (known !== undefined) return known;
    const row = super.findBucket(name);
    if (row !== undefined) this.#buckets.set(name, row);
    return row;
  }

  findHotObject(bucket: string, key: string): HotObject | undefined {
    const known = this.hot.find(bucket, key);
    if (known !== undefined) return known;
    const row = this.findObject(bucket, key);
    return row === undefined ? undefined : this.hot.add(row);
  }

  forgetBucket(name: string): void {
    this.#buckets.delete(name);
  }
}

/** Changes go past `Reader`: it is told in the turn in which they are committed. */
class Change extends CatalogSession implements CatalogChange {
  readonly #group: GroupCommit;
  readonly #reader: Reader;
  /** What the reader doesn't see as the open transaction does. */
  readonly #changed = {
    group: 0,
    buckets: new Set<string>(),
    objects: new Set<string>(),
    all: false,
  };

  constructor(group: GroupCommit, reader: Reader) {
    super(group.statements);
    this.#group = group;
    this.#reader = reader;
  }

  onCommit(then: () => void): void {
    this.#group.onCommit(then);
  }

  override findBucket(name: string): BucketRow | undefined {
    return this.#changes().buckets.has(name)
      ? super.findBucket(name)
      : this.#reader.findBucket(name);
  }

  override putBucket(row: BucketRow): void {
    this.#changesBucket(row.name);
    super.putBucket(row);
  }

  override deleteBucket(name: string): void {
    this.#changesBucket(name);
    super.deleteBucket(name);
  }

  override deleteBucketContents(name: string, limit: number): boolean {
    this.#changes().all = true;
    this.onCommit(() => this.#reader.hot.clear());
    return super.deleteBucketContents(name, limit);
  }

  override findObject(bucket: string, key: string): ObjectRow | undefined {
    const { all, objects } = this.#changes();
    return all || objects.has(objectId(bucket, key))
      ? super.findObject(bucket, key)
      : this.#reader.findHotObject(bucket, key)?.row;
  }

  override putObject(row: ObjectRow, parts: string | null): void {
    this.#changesObject(row.bucket, row.key);
    super.putObject(row, parts);
  }

  override setObjectMeta(bucket: string, key: string, meta: string): void {
    this.#changesObject(bucket, key);
    super.setObjectMeta(bucket, key, meta);
  }

  override deleteObject(bucket: string, key: string): void {
    this.#changesObject(bucket, key);
    super.deleteObject(bucket, key);
  }

  /** Of the open transaction: what an earlier one changed is committed, or taken back. */
  #changes() {
    const changed = this.#changed;
    if (changed.group !== this.#group.groupNumber) {
      changed.group = this.#group.groupNumber;
      changed.buckets.clear();
      changed.objects.clear();
      changed.all = false;
    }
    return changed;
  }

  #changesObject(bucket: string, key: string): void {
    this.#changes().objects.add(objectId(bucket, key));
    this.onCommit(() => this.#reader.hot.forget(bucket, key));
  }

  #changesBucket(name: string): void {
    this.#changes().buckets.add(name);
    this.onCommit(() => this.#reader.forgetBucket(name));
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
  readonly read: Reader;
  readonly #group: GroupCommit;
  readonly #reader: Database;
  readonly #change: Change;

  private constructor(group: GroupCommit, reader: Database) {
    this.#group = group;
    this.#reader = reader;
    this.read = new Reader(new Statements(reader));
    this.#change = new Change(group, this.read);
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

  /** As GroupCommit.commits. */
  get commits(): CommitMetrics {
    return this.#group.commits;
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
