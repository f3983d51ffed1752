/** The buckets of the FileStore: a bucket is a folder in the data dir with a row beside it that says whose it is. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { BucketRow } from "./catalog_rows.ts";
import type { StoreParts } from "./file_parts.ts";
import type { JournalEntry } from "./journal.ts";
import { bucketInfo } from "./object_row.ts";
import type { BucketInfo, BucketPatch } from "./object_store.ts";

export class FileBuckets {
  readonly #parts: StoreParts;

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  async list(): Promise<BucketInfo[]> {
    const { catalog, tree } = this.#parts;
    const names = new Set([
      ...await tree.listBuckets(),
      ...catalog.read.listBuckets().map((row) => row.name),
    ]);
    const buckets: BucketInfo[] = [];
    for (const name of [...names].sort()) {
      const bucket = await this.find(name);
      if (bucket !== undefined) buckets.push(bucket);
    }
    return buckets;
  }

  async find(name: string): Promise<BucketInfo | undefined> {
    const row = this.#parts.catalog.read.findBucket(name);
    const isThere = this.#isThere(name);
    if (row !== undefined && isThere) return bucketInfo(row);
    if (row === undefined && isThere) return bucketInfo(await this.#adopt(name));
    if (row !== undefined) await this.#forget(name);
    return undefined;
  }

  /** Throws NoSuchBucket. */
  async get(name: string): Promise<BucketInfo> {
    const bucket = await this.find(name);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    return bucket;
  }

  async create(name: string, init: Pick<BucketInfo, "owner" | "acl">): Promise<void> {
    if (await this.find(name) !== undefined) throw new S3Error("BucketAlreadyExists");
    const { catalog, journal, clock } = this.#parts;
    const entry = await catalog.transact((change) => {
      if (change.findBucket(name) !== undefined) throw new S3Error("BucketAlreadyExists");
      const { owner = null, acl } = init;
      change.putBucket({ name, created: clock.now(), owner, acl, cors: null, tags: null });
      return journal.plan(change, { bucket: name, key: "", action: "makeBucket" });
    });
    journal.finish(entry);
  }

  async update(name: string, patch: BucketPatch): Promise<void> {
    await this.get(name);
    await this.#parts.catalog.transact((change) => {
      const row = change.findBucket(name);
      if (row === undefined) throw new S3Error("NoSuchBucket");
      change.putBucket(patched(row, patch));
    });
  }

  /** Part of a deletion: the rows go, the folder is planned to go. Throws NoSuchBucket and BucketNotEmpty. */
  planDeletion(change: CatalogChange, name: string): JournalEntry {
    if (change.findBucket(name) === undefined) throw new S3Error("NoSuchBucket");
    const everything = { from: "", isFromIncluded: true, before: undefined };
    if (change.scanObjects(name, everything, 1).length > 0) throw new S3Error("BucketNotEmpty");
    change.deleteBucket(name);
    change.deleteBucketContents(name, LIMITS.rescanBatch);
    return this.#parts.journal.plan(change, { bucket: name, key: "", action: "removeBucket" });
  }

  /** Whether its folder is there, or will be as soon as the journal is laid out. */
  #isThere(name: string): boolean {
    const { journal, tree } = this.#parts;
    const pending = journal.findPending(name, "");
    if (pending !== undefined) return pending.action === "makeBucket";
    return tree.findBucket(name) !== undefined;
  }

  /** A folder that was put there by hand becomes a bucket that nobody in particular owns. */
  async #adopt(name: string): Promise<BucketRow> {
    const { catalog, clock, tree } = this.#parts;
    const created = tree.findBucket(name)?.mtimeMs ?? clock.now();
    return await catalog.transact((change) => {
      const known = change.findBucket(name);
      if (known !== undefined) return known;
      const row = { name, created, owner: null, acl: "private" as const, cors: null, tags: null };
      change.putBucket(row);
      change.addDirectory(name, "", "");
      return row;
    });
  }

  /** Its folder was removed by hand: what the catalog knew of it goes too. */
  async #forget(name: string): Promise<void> {
    const { catalog } = this.#parts;
    const isForgotten = await catalog.transact((change) => {
      if (this.#isThere(name) || change.findJournal(name, "") !== undefined) return false;
      change.deleteBucket(name);
      return true;
    });
    while (isForgotten && catalog.read.findBucket(name) === undefined) {
      const isMore = await catalog.transact((change) =>
        change.deleteBucketContents(name, LIMITS.rescanBatch)
      );
      if (!isMore) return;
    }
  }
}

function patched(row: BucketRow, patch: BucketPatch): BucketRow {
  const { acl = row.acl, cors = row.cors, tags } = patch;
  return {
    ...row,
    acl,
    cors,
    tags: tags === undefined ? row.tags : tags === null ? null : JSON.stringify(tags),
  };
}
