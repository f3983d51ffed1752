/** `zs3 check` over files: every object's bytes against its recorded hash, and the catalog against the folders. */

import { createHash } from "node:crypto";
import { LIMITS } from "../limits.ts";
import type { ObjectRow } from "./catalog_session.ts";
import type { StoreParts } from "./file_parts.ts";
import { multipartEtag } from "./multipart.ts";
import { decodeParts, describesFile } from "./object_row.ts";
import type { ListPosition, ObjectStore } from "./object_store.ts";
import { type ObjectTruth, unreadEtag } from "./object_truth.ts";

export interface CheckWatch {
  /** How much is done of what there is to do, in whatever unit; `subject` as in CheckProblem. */
  progress(done: number, total: number, subject: string): void;
  problem(problem: CheckProblem): void;
}

export interface CheckProblem {
  /** `bucket/key`, or what else it is about. */
  readonly subject: string;
  /** Completes "bucket/key: …". */
  readonly what: string;
  readonly isRepaired: boolean;
}

/** What was looked at. */
export type CheckSummary =
  | {
    readonly kind: "files";
    readonly buckets: number;
    readonly objects: number;
    readonly bytes: number;
  }
  | {
    readonly kind: "content";
    readonly blocks: number;
    readonly bytes: number;
    readonly records: number;
    /** How many blocks the records refer to that aren't here. */
    readonly blocksElsewhere: number;
  };

export class StoreCheck {
  readonly #parts: StoreParts;
  readonly #truth: ObjectTruth;
  readonly #store: Pick<ObjectStore, "listBuckets" | "list">;
  #bytesDone = 0;
  #bytesTotal = 0;

  constructor(
    parts: StoreParts,
    truth: ObjectTruth,
    store: Pick<ObjectStore, "listBuckets" | "list">,
  ) {
    this.#parts = parts;
    this.#truth = truth;
    this.#store = store;
  }

  async run(watch: CheckWatch): Promise<CheckSummary> {
    await this.#parts.journal.flush();
    const buckets = await this.#store.listBuckets();
    for (const { name } of buckets) await this.#compareWithFolders(name, watch);
    this.#bytesTotal = buckets.reduce(
      (sum, { name }) => sum + this.#parts.catalog.read.sumSizes(name),
      0,
    );
    let objects = 0;
    for (const { name } of buckets) {
      for (const row of this.#rows(name)) {
        watch.progress(this.#bytesDone, this.#bytesTotal, `${name}/${row.key}`);
        await this.#verify(row, watch);
        objects++;
      }
    }
    return { kind: "files", buckets: buckets.length, objects, bytes: this.#bytesDone };
  }

  /** Records without a file go, records of another file are made anew, and files without a record get one. */
  async #compareWithFolders(bucket: string, watch: CheckWatch): Promise<void> {
    for (const row of this.#rows(bucket)) {
      const found = this.#parts.tree.findFile(bucket, row.key);
      if (found !== undefined && (row.etag === null || describesFile(row, found.stat))) continue;
      const what = found === undefined
        ? "its file is gone"
        : "its file was changed; it has a new ETag";
      await this.#truth.refresh(bucket, row.key);
      watch.problem({ subject: `${bucket}/${row.key}`, what, isRepaired: true });
    }
    await this.#parts.catalog.transact((change) => change.doubtDirectories(bucket));
    for (let after: ListPosition | undefined = { kind: "start" }; after !== undefined;) {
      const page = await this.#store.list(bucket, {
        prefix: "",
        delimiter: "",
        after,
        limit: LIMITS.listKeysMax,
      });
      after = page.next;
    }
  }

  async #verify(row: ObjectRow, watch: CheckWatch): Promise<void> {
    const { bucket, key } = row;
    const found = this.#parts.tree.findFile(bucket, key);
    const before = this.#bytesDone;
    try {
      const etag = found === undefined ? undefined : await this.#etagOf(row, found.path);
      if (etag === row.etag || row.etag === (found && unreadEtag(bucket, key, found.stat))) return;
      const what =
        `its bytes have the hash ${etag}, recorded is ${row.etag}: the file is damaged; restore it from a copy`;
      watch.problem({ subject: `${bucket}/${key}`, what, isRepaired: false });
    } catch (error) {
      const what = `its file can't be read: ${error instanceof Error ? error.message : error}`;
      watch.problem({ subject: `${bucket}/${key}`, what, isRepaired: false });
    } finally {
      this.#bytesDone = before + row.size;
    }
  }

  /** The ETag that the file's bytes should have, reading them once. */
  async #etagOf(row: ObjectRow, path: string): Promise<string | undefined> {
    using file = this.#parts.files.open(path);
    if (file === undefined) return undefined;
    const stored = row.part_count === null
      ? undefined
      : this.#parts.catalog.read.findObjectParts(row.bucket, row.key);
    const sizes = stored === undefined ? [row.size] : decodeParts(stored).map((part) => part.size);
    const digests: string[] = [];
    const buffer = new Uint8Array(LIMITS.readBytesAtOnce);
    for (const size of sizes) {
      const md5 = createHash("md5");
      for (let left = size; left > 0;) {
        const count = await file.read(buffer.subarray(0, Math.min(left, buffer.length)));
        if (count === 0) return undefined;
        md5.update(buffer.subarray(0, count));
        left -= count;
      }
      digests.push(md5.digest("hex"));
    }
    return stored === undefined ? digests[0] : multipartEtag(digests);
  }

  *#rows(bucket: string): Generator<ObjectRow> {
    let from: { from: string; isFromIncluded: boolean } = { from: "", isFromIncluded: true };
    for (;;) {
      const rows = this.#parts.catalog.read.scanObjects(
        bucket,
        { ...from, before: undefined },
        LIMITS.rescanBatch,
      );
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      from = { from: last.key, isFromIncluded: false };
    }
  }
}
