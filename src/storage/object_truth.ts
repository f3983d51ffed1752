/**
 * What an object is at this moment. Files are the truth about bytes, the catalog is the truth about metadata, and the
 * journal is ahead of both: this file brings the three together, and takes into the catalog what was done to files by hand.
 */

import { createHash } from "node:crypto";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import type { FileStat } from "./files.ts";
import type { FoundFile } from "./file_tree.ts";
import type { StoreParts } from "./file_parts.ts";
import type { HotObject } from "./hot_objects.ts";
import { objectId } from "./names.ts";
import { describesFile, foundRow } from "./object_row.ts";

export type Located =
  | { readonly kind: "absent" }
  /** The bytes are at hand: in the journal still, or kept from the last time. */
  | { readonly kind: "bytes"; readonly hot: HotObject; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The bytes are in the file at this absolute path. */
  | { readonly kind: "file"; readonly hot: HotObject; readonly path: string }
  /** The file isn't the one that the catalog describes. */
  | { readonly kind: "stale" };

const ABSENT = { kind: "absent" } as const;
const STALE = { kind: "stale" } as const;

/** How often a file that changes while it is read is read again. */
const REFRESHES_MAX = 5;

export class ObjectTruth {
  readonly #parts: StoreParts;
  /** One refresh at a time for a key. */
  readonly #refreshing = new Map<string, Promise<void>>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  /** The object as readers may see it. Nothing is awaited, so what is opened at once afterwards is that version. */
  locate(bucket: string, key: string): Located {
    const { journal, catalog, tree } = this.#parts;
    const pending = journal.findPending(bucket, key);
    if (pending?.action === "remove") return ABSENT;
    const hot = catalog.read.findHotObject(bucket, key);
    if (pending?.action === "write" && hot !== undefined) {
      return { kind: "bytes", hot, bytes: journal.bodyOf(pending) };
    }
    const temp = pending?.temp === undefined ? undefined : tree.tempPath(pending.temp);
    // A move that failed halfway may have moved the file already.
    if (temp !== undefined && hot !== undefined && this.#parts.files.stat(temp) !== undefined) {
      return { kind: "file", hot, path: temp };
    }
    const found = tree.findFile(bucket, key, hot?.path);
    if (found === undefined) return hot === undefined ? ABSENT : STALE;
    if (hot === undefined) return tree.isReachable(bucket, key) ? STALE : ABSENT;
    const { row, bytes } = hot;
    if (row.etag === null || !describesFile(row, found.stat)) return STALE;
    hot.path = found.plainPath;
    return bytes === undefined
      ? { kind: "file", hot, path: found.path }
      : { kind: "bytes", hot, bytes };
  }

  /** The same inside a transaction: the row as the open group has it, or "stale" when `refresh` must come first. */
  locateIn(change: CatalogChange, bucket: string, key: string): ObjectRow | "stale" | undefined {
    const { journal, tree } = this.#parts;
    const action = journal.findPendingAction(change, bucket, key);
    if (action === "remove") return undefined;
    const row = change.findObject(bucket, key);
    if (action !== undefined) return row;
    const found = tree.findFile(bucket, key);
    if (found === undefined) return row === undefined ? undefined : "stale";
    if (row === undefined) return tree.isReachable(bucket, key) ? "stale" : undefined;
    return row.etag !== null && describesFile(row, found.stat) ? row : "stale";
  }

  /**
   * Locates, and takes a file that was changed by hand into the catalog when that is needed. Throws SlowDown while
   * somebody keeps changing it.
   */
  async find(bucket: string, key: string): Promise<Exclude<Located, { kind: "stale" }>> {
    for (let round = 1; round <= REFRESHES_MAX; round++) {
      const located = this.locate(bucket, key);
      if (located.kind !== "stale") return located;
      await this.refresh(bucket, key);
    }
    throw new S3Error("SlowDown", {
      message: "The object's file is being changed by another program; try again.",
    });
  }

  /** Makes the catalog agree with the key's file. `mayRead` false gives a large or unread file an ETag without reading it. */
  async refresh(bucket: string, key: string, mayRead = true): Promise<void> {
    const id = objectId(bucket, key);
    let refreshing = this.#refreshing.get(id);
    if (refreshing === undefined) {
      refreshing = this.#refresh(bucket, key, mayRead).finally(() => this.#refreshing.delete(id));
      this.#refreshing.set(id, refreshing);
    }
    await refreshing;
  }

  async #refresh(bucket: string, key: string, mayRead: boolean): Promise<void> {
    const found = this.#findReachable(bucket, key);
    const etag = found === undefined ? undefined : await this.#etagOf(bucket, key, found, mayRead);
    await this.#parts.catalog.transact((change) => {
      if (this.locateIn(change, bucket, key) !== "stale") return;
      const now = this.#findReachable(bucket, key);
      if (now === undefined) change.deleteObject(bucket, key);
      else if (etag !== undefined && isSameFile(found, now)) {
        change.putObject({ ...foundRow(bucket, key, now.stat), etag }, null);
      }
    });
  }

  #findReachable(bucket: string, key: string): FoundFile | undefined {
    const { tree } = this.#parts;
    return tree.isReachable(bucket, key) ? tree.findFile(bucket, key) : undefined;
  }

  /** MD5 of the bytes; of a large file one that looks like a multipart upload's, made of what tells its versions apart. */
  async #etagOf(
    bucket: string,
    key: string,
    { path, stat }: FoundFile,
    mayRead: boolean,
  ): Promise<string | undefined> {
    if (mayRead && stat.size <= LIMITS.adoptedHashBytesMax) {
      return await this.#md5OfFile(path, stat.size);
    }
    return unreadEtag(bucket, key, stat);
  }

  async #md5OfFile(path: string, size: number): Promise<string | undefined> {
    using file = this.#parts.files.open(path);
    if (file === undefined) return undefined;
    const md5 = createHash("md5");
    const isSmall = size <= LIMITS.readWholeBytesMax;
    const buffer = new Uint8Array(isSmall ? size + 1 : LIMITS.readBytesAtOnce);
    for (;;) {
      // For small files a thread hop costs ten times the read.
      const count = isSmall ? file.readSync(buffer) : await file.read(buffer);
      if (count === 0) return md5.digest("hex");
      md5.update(buffer.subarray(0, count));
    }
  }
}

/** An ETag from the file's size and time; no client takes it for an MD5, because of its suffix. */
export function unreadEtag(bucket: string, key: string, stat: FileStat): string {
  return createHash("md5").update(`${bucket}/${key}\0${stat.size}\0${stat.mtimeMs}`).digest("hex") +
    "-1";
}

function isSameFile(a: FoundFile | undefined, b: FoundFile): boolean {
  return a !== undefined && a.path === b.path && a.stat.size === b.stat.size &&
    a.stat.mtimeMs === b.stat.mtimeMs;
}
