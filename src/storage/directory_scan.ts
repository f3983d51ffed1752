/**
 * Brings the catalog's rows for one folder up to what lies in it. Nothing is read but names, sizes and times: a file that
 * was dropped in gets a row without an ETag, which object_truth.ts completes when the object is shown to somebody.
 */

import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { DirectoryRow, ObjectRow, TextRange } from "./catalog_rows.ts";
import type { StoreParts } from "./file_parts.ts";
import { join } from "./file_tree.ts";
import { directoryToPrefix, pathToKey } from "./key_path.ts";
import {
  type FoldedEntry,
  type FoldedPage,
  foldListing,
  type KeyPlace,
  type LowerBound,
  type ScanRange,
} from "./listing.ts";
import { prefixEnd } from "./names.ts";
import type { ObjectTruth } from "./object_truth.ts";
import { foundRow } from "./object_row.ts";
import { nextTurn } from "./turns.ts";

interface Contents {
  /** Keys of the files. */
  readonly keys: Set<string>;
  /** Relative paths of the folders. */
  readonly folders: string[];
}

export class DirectoryScan {
  readonly #parts: StoreParts;
  readonly #truth: ObjectTruth;
  /** One scan at a time for a folder. */
  readonly #scanning = new Map<string, Promise<void>>();

  constructor(parts: StoreParts, truth: ObjectTruth) {
    this.#parts = parts;
    this.#truth = truth;
  }

  /** Whether the folder may hold something else than the catalog says. */
  isStale(directory: DirectoryRow): boolean {
    const stat = this.#parts.files.stat(this.#absolute(directory));
    return stat?.kind !== "directory" || stat.mtimeMs !== directory.mtime;
  }

  async scan(directory: DirectoryRow): Promise<void> {
    const id = `${directory.bucket}/${directory.prefix}`;
    let scanning = this.#scanning.get(id);
    if (scanning === undefined) {
      scanning = this.#scan(directory).finally(() => this.#scanning.delete(id));
      this.#scanning.set(id, scanning);
    }
    await scanning;
  }

  async #scan(directory: DirectoryRow): Promise<void> {
    const { bucket, prefix, path } = directory;
    const stat = this.#parts.files.stat(this.#absolute(directory));
    if (stat?.kind !== "directory") return await this.#forget(directory);
    const mtime = this.#mark(this.#absolute(directory), stat.mtimeMs);
    const contents = await this.#read(bucket, path);
    await this.#removeMissing(bucket, prefix, "/", contents.keys);
    await this.#addFound(bucket, contents);
    await this.#parts.catalog.transact((change) => change.setDirectoryMtime(bucket, prefix, mtime));
  }

  /**
   * Gives the folder a modification time that any change by somebody else, from now on, will move. null when the folder
   * can't be marked and was changed so recently that its own time may stay the same: then it is looked at again.
   */
  #mark(path: string, mtimeMs: number): number | null {
    const { files, tree, clock } = this.#parts;
    const mtime = tree.quietMtime();
    try {
      files.setMtime(path, mtime);
      return mtime;
    } catch {
      const COARSEST_CLOCK_MS = 2_000;
      return clock.now() - mtimeMs > COARSEST_CLOCK_MS ? mtimeMs : null;
    }
  }

  async #read(bucket: string, path: string): Promise<Contents> {
    const contents: Contents = { keys: new Set(), folders: [] };
    for await (
      const entry of this.#parts.files.readDirectory(
        join(this.#parts.tree.bucketPath(bucket), path),
      )
    ) {
      const name = join(path, entry.name);
      if (entry.kind === "directory") contents.folders.push(name);
      else if (entry.kind === "file" || entry.kind === "symlink") {
        const placed = pathToKey(name);
        if (placed !== undefined) contents.keys.add(placed.key);
      }
    }
    return contents;
  }

  /** Removes the rows below the prefix whose files are gone; takes those that are there out of `found`. */
  async #removeMissing(
    bucket: string,
    prefix: string,
    delimiter: string,
    found: Set<string>,
  ): Promise<void> {
    let from: LowerBound<KeyPlace> | undefined = { kind: "from", key: prefix };
    while (from !== undefined) {
      const page: FoldedPage<ObjectRow> = foldListing<KeyPlace, ObjectRow>(
        (range, limit) => this.#parts.catalog.read.scanObjects(bucket, textRange(range), limit),
        { prefix, delimiter, from, limit: LIMITS.rescanBatch },
      );
      const rows = page.entries.flatMap((entry) => entry.kind === "row" ? entry.row : []);
      const missing = rows.filter((row) => !found.delete(row.key));
      if (missing.length > 0) {
        await this.#parts.catalog.transact((change) => {
          for (const row of missing) this.#removeRow(change, bucket, row.key);
        });
      }
      from = page.isTruncated ? boundAfter(page.entries.at(-1)) : undefined;
      await nextTurn();
    }
  }

  #removeRow(change: CatalogChange, bucket: string, key: string): void {
    const isGone = this.#truth.locateIn(change, bucket, key) === "stale" &&
      this.#parts.tree.findFile(bucket, key) === undefined;
    if (isGone) change.deleteObject(bucket, key);
  }

  async #addFound(bucket: string, { keys, folders }: Contents): Promise<void> {
    for (const batch of batches(keys)) {
      await this.#parts.catalog.transact((change) => {
        for (const key of batch) this.#addRow(change, bucket, key);
      });
      await nextTurn();
    }
    for (const batch of batches(folders)) {
      await this.#parts.catalog.transact((change) => {
        for (const path of batch) {
          const prefix = directoryToPrefix(path);
          if (prefix !== undefined) change.addDirectory(bucket, prefix, path);
        }
      });
    }
  }

  #addRow(change: CatalogChange, bucket: string, key: string): void {
    if (
      this.#truth.locateIn(change, bucket, key) !== "stale" ||
      change.findObject(bucket, key) !== undefined
    ) return;
    const found = this.#parts.tree.findFile(bucket, key);
    if (found !== undefined) change.putObject(foundRow(bucket, key, found.stat), null);
  }

  /** The folder is gone: so are the files below it, unless something put them back just now. */
  async #forget({ bucket, prefix }: DirectoryRow): Promise<void> {
    const { catalog, files, tree } = this.#parts;
    await this.#removeMissing(bucket, prefix, "", new Set());
    const range = { from: prefix, isFromIncluded: true, before: prefixEnd(prefix) };
    const isGone = (row: DirectoryRow) =>
      files.stat(join(tree.bucketPath(bucket), row.path))?.kind !== "directory";
    for (;;) {
      const gone = catalog.read.scanDirectories(bucket, range, LIMITS.rescanBatch).filter(isGone);
      await catalog.transact((change) => {
        for (const row of gone) if (isGone(row)) change.deleteDirectory(bucket, row.prefix);
      });
      if (gone.length < LIMITS.rescanBatch) return;
    }
  }

  #absolute({ bucket, path }: DirectoryRow): string {
    return join(this.#parts.tree.bucketPath(bucket), path);
  }
}

/** The range of a fold as the catalog takes it. */
export function textRange({ from, to }: ScanRange<KeyPlace>): TextRange {
  return from.kind === "from"
    ? { from: from.key, isFromIncluded: true, before: to }
    : { from: from.place.key, isFromIncluded: false, before: to };
}

function boundAfter(entry: FoldedEntry<ObjectRow> | undefined): LowerBound<KeyPlace> | undefined {
  if (entry === undefined) return undefined;
  if (entry.kind === "row") return { kind: "after", place: entry.row };
  const end = prefixEnd(entry.prefix);
  return end === undefined ? undefined : { kind: "from", key: end };
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < LIMITS.rescanBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
