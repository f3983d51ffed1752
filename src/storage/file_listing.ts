/**
 * LIST over the catalog, after making sure that the catalog is right about the page. The cost of a page depends on the
 * page, not on the bucket: a stat of each folder in the page's range, one of each file now and then, and nothing more
 * unless somebody changed files by hand.
 */

import { LIMITS } from "../limits.ts";
import type { DirectoryRow, ListedRow } from "./catalog_rows.ts";
import type { CatalogSession } from "./catalog_session.ts";
import { DirectoryScan, textRange } from "./directory_scan.ts";
import type { StoreParts } from "./file_parts.ts";
import { parentsOf } from "./file_tree.ts";
import type { FileStat } from "./files.ts";
import { directoryToPrefix, keyToPath } from "./key_path.ts";
import { findFold } from "./leads_sql.ts";
import {
  foldObjects,
  foldRows,
  type KeyPlace,
  listPage,
  type RowSource,
  type ScanRange,
} from "./listing.ts";
import { compareUtf8, prefixEnd } from "./names.ts";
import type { ListPage, ListQuery } from "./object_store.ts";
import { describesFile, ListedObject } from "./object_row.ts";
import type { ObjectTruth } from "./object_truth.ts";
import { eachLimited } from "./turns.ts";

/** A page as the catalog has it, with the rows that it came from. */
interface CatalogPage {
  readonly page: ListPage;
  readonly objects: readonly ListedObject[];
  readonly prefixes: ReadonlySet<string>;
  /** For each common prefix the first object below it. */
  readonly witnesses: readonly ListedObject[];
}

interface KeyRange {
  readonly from: string;
  /** Exclusive; undefined for no end. */
  readonly to: string | undefined;
}

interface DirectoryPlace extends KeyPlace {
  readonly row: DirectoryRow;
}

/** More than any range holds: the range ends such a scan. */
const ALL = 1_000_000_000;

export class FileListing {
  readonly #parts: StoreParts;
  readonly #truth: ObjectTruth;
  readonly #scan: DirectoryScan;
  /** When the files of a page were last compared with their rows, by the page's bounds; oldest first. */
  readonly #checkedAt = new Map<string, number>();

  constructor(parts: StoreParts, truth: ObjectTruth) {
    this.#parts = parts;
    this.#truth = truth;
    this.#scan = new DirectoryScan(parts, truth);
  }

  async list(bucket: string, query: ListQuery): Promise<ListPage> {
    await this.#parts.journal.recordMade();
    const end = performance.now() + LIMITS.listMsMax;
    for (;;) {
      const found = this.#catalogPage(bucket, query);
      const isLate = performance.now() > end;
      if (query.limit <= 0 || isLate || await this.#isTrue(bucket, query, found)) return found.page;
    }
  }

  /** Compares the page with the files. False when the catalog had to be changed: then the page is to be made again. */
  async #isTrue(bucket: string, query: ListQuery, found: CatalogPage): Promise<boolean> {
    const missing = found.witnesses.filter((witness) => !this.#exists(witness));
    const stale = this.#staleDirectories(bucket, query, found, missing)
      .slice(0, LIMITS.rescansAtOnce);
    for (const directory of stale) await this.#scan.scan(directory);
    if (stale.length > 0) return false;
    const changed = [...this.#changedFiles(bucket, found), ...missing];
    let unread = LIMITS.pageHashBytesMax;
    await eachLimited(changed, LIMITS.refreshesAtOnce, async ({ key, size }) => {
      unread -= size;
      await this.#truth.refresh(bucket, key, unread >= 0);
    });
    return changed.length === 0;
  }

  #catalogPage(bucket: string, query: ListQuery): CatalogPage {
    const folded = foldObjects(listedSource(this.#parts.catalog.read, bucket, query), query);
    const objects: ListedObject[] = [];
    const prefixes = new Set<string>();
    const witnesses: ListedObject[] = [];
    for (const entry of folded.entries) {
      if (entry.kind === "row") objects.push(entry.row);
      else {
        prefixes.add(entry.prefix);
        witnesses.push(entry.first);
      }
    }
    return { page: listPage(folded), objects, prefixes, witnesses };
  }

  #staleDirectories(
    bucket: string,
    query: ListQuery,
    found: CatalogPage,
    missing: readonly ListedObject[],
  ): DirectoryRow[] {
    const range = pageRange(query, found.page);
    const stale: DirectoryRow[] = [];
    for (const directory of this.#directoriesAbove(bucket, range.from)) {
      if (this.#scan.isStale(directory)) stale.push(directory);
    }
    for (const directory of this.#directoriesWithin(bucket, query, range, found.prefixes)) {
      if (this.#scan.isStale(directory)) stale.push(directory);
    }
    for (const { key } of missing) {
      const nearest = this.#directoriesAbove(bucket, key).slice(-1);
      stale.push(...nearest.filter((directory) => this.#scan.isStale(directory)));
    }
    return stale;
  }

  /** The known folders that lie above a key, the bucket's own first. */
  #directoriesAbove(bucket: string, key: string): DirectoryRow[] {
    const { read } = this.#parts.catalog;
    return ["", ...parentsOf(keyToPath(key))].flatMap((path) => {
      const prefix = directoryToPrefix(path);
      return prefix === undefined ? [] : read.findDirectory(bucket, prefix) ?? [];
    });
  }

  /**
   * The known folders in the range that the page depends on. What lies below a common prefix of the page does not matter,
   * as long as the prefix's witness is there.
   */
  *#directoriesWithin(
    bucket: string,
    query: ListQuery,
    range: KeyRange,
    prefixes: ReadonlySet<string>,
  ): Generator<DirectoryRow> {
    const { read } = this.#parts.catalog;
    const { prefix, delimiter } = query;
    const folded = foldRows(directorySource(read, bucket, query, range.to), {
      prefix,
      delimiter,
      from: { kind: "from", key: range.from },
      limit: ALL,
    });
    for (const entry of folded.entries) {
      if (entry.kind === "row") yield entry.row.row;
      else if (!prefixes.has(entry.prefix)) {
        const below = { from: entry.prefix, isFromIncluded: true, before: prefixEnd(entry.prefix) };
        yield* read.scanDirectories(bucket, below, ALL);
      }
    }
  }

  #exists({ bucket, key }: ListedObject): boolean {
    if (this.#plainFile(bucket, key) !== undefined) return true;
    const { journal, tree } = this.#parts;
    return journal.findPending(bucket, key) !== undefined ||
      tree.findFile(bucket, key) !== undefined;
  }

  /** Objects of the page whose files were changed in place, or haven't been read yet. */
  #changedFiles(bucket: string, { objects }: CatalogPage): ListedObject[] {
    const id = [bucket, objects.at(0)?.key, objects.at(-1)?.key, objects.length].join("\n");
    const now = this.#parts.clock.now();
    const age = now - (this.#checkedAt.get(id) ?? -Infinity);
    const isFresh = age >= 0 && age < LIMITS.fileRecheckMs;
    const changed = objects.filter((object) =>
      object.etag === "" || (!isFresh && !this.#isUnchanged(object))
    );
    if (changed.length === 0 && !isFresh) this.#rememberCheck(id, now);
    return changed;
  }

  #isUnchanged(object: ListedObject): boolean {
    const { bucket, key } = object;
    const plain = this.#plainFile(bucket, key);
    if (plain !== undefined && describesFile(object, plain)) return true;
    const { journal, tree } = this.#parts;
    if (journal.findPending(bucket, key) !== undefined) return true;
    const found = tree.findFile(bucket, key);
    return found !== undefined && describesFile(object, found.stat);
  }

  /** Where nearly every object's file is, whatever the journal says: a page's time goes into looking there. */
  #plainFile(bucket: string, key: string): FileStat | undefined {
    const { files, tree } = this.#parts;
    const stat = files.statExpected(`${tree.bucketPath(bucket)}/${keyToPath(key)}`);
    return stat?.kind === "file" ? stat : undefined;
  }

  #rememberCheck(id: string, now: number): void {
    this.#checkedAt.delete(id);
    this.#checkedAt.set(id, now);
    if (this.#checkedAt.size <= LIMITS.recheckedPagesMax) return;
    for (const oldest of this.#checkedAt.keys()) {
      this.#checkedAt.delete(oldest);
      return;
    }
  }
}

function listedSource(
  read: CatalogSession,
  bucket: string,
  query: ListQuery,
): RowSource<KeyPlace, ListedObject> {
  const fold = findFold(query);
  const listed = (row: ListedRow) => new ListedObject(bucket, row);
  return {
    scan: (range, limit) => read.scanListed(bucket, textRange(range), limit).map(listed),
    scanLeads: fold &&
      ((range, limit) => read.scanListedLeads(bucket, textRange(range), fold, limit).map(listed)),
  };
}

/** Those before `end`. */
function directorySource(
  read: CatalogSession,
  bucket: string,
  query: ListQuery,
  end: string | undefined,
): RowSource<KeyPlace, DirectoryPlace> {
  const fold = findFold(query);
  const within = (range: ScanRange<KeyPlace>) =>
    textRange({ ...range, to: earlier(range.to, end) });
  const placed = (row: DirectoryRow) => ({ key: row.prefix, row });
  return {
    scan: (range, limit) => read.scanDirectories(bucket, within(range), limit).map(placed),
    scanLeads: fold &&
      ((range, limit) => read.scanDirectoryLeads(bucket, within(range), fold, limit).map(placed)),
  };
}

/** The keys that the page speaks of: whether listed or absent. */
function pageRange(query: ListQuery, page: ListPage): KeyRange {
  const last = page.next === undefined ? undefined : page.entries.at(-1);
  return { from: lowerKey(query), to: last === undefined ? prefixEnd(query.prefix) : endOf(last) };
}

function lowerKey({ after, prefix }: ListQuery): string {
  const least = after.kind === "start"
    ? prefix
    : after.kind === "key"
    ? after.key
    : prefixEnd(after.prefix) ?? after.prefix;
  return compareUtf8(least, prefix) < 0 ? prefix : least;
}

function endOf(entry: ListPage["entries"][number]): string | undefined {
  return entry.kind === "object" ? `${entry.object.key}\0` : prefixEnd(entry.prefix);
}

function earlier(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareUtf8(a, b) < 0 ? a : b;
}
