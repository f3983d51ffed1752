/**
 * LIST over the catalog, after making sure that the catalog is right about the page. The cost of a page depends on the
 * page, not on the bucket: a stat of each folder in the page's range, one of each file now and then, and nothing more
 * unless somebody changed files by hand.
 */

import { LIMITS } from "../limits.ts";
import type { DirectoryRow, ObjectRow } from "./catalog_session.ts";
import { DirectoryScan, textRange } from "./directory_scan.ts";
import type { StoreParts } from "./file_parts.ts";
import { parentsOf } from "./file_tree.ts";
import { directoryToPrefix, keyToPath } from "./key_path.ts";
import { foldListing, type KeyPlace, listObjects } from "./listing.ts";
import { compareUtf8, prefixEnd } from "./names.ts";
import type { ListPage, ListQuery } from "./object_store.ts";
import { describesFile, objectInfo } from "./object_row.ts";
import type { ObjectTruth } from "./object_truth.ts";
import { eachLimited } from "./turns.ts";

/** A page as the catalog has it, with the rows that it came from. */
interface CatalogPage {
  readonly page: ListPage;
  /** Of the page's objects. */
  readonly rows: readonly ObjectRow[];
  /** For each common prefix the first row below it. */
  readonly witnesses: readonly ObjectRow[];
  readonly prefixes: ReadonlySet<string>;
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
    const missing = found.witnesses.filter((row) => !this.#exists(row));
    const stale = this.#staleDirectories(bucket, query, found, missing)
      .slice(0, LIMITS.rescansAtOnce);
    for (const directory of stale) await this.#scan.scan(directory);
    if (stale.length > 0) return false;
    const changed = [...this.#changedFiles(bucket, found), ...missing];
    let unread = LIMITS.pageHashBytesMax;
    await eachLimited(changed, LIMITS.refreshesAtOnce, async (row) => {
      unread -= row.size;
      await this.#truth.refresh(bucket, row.key, unread >= 0);
    });
    return changed.length === 0;
  }

  #catalogPage(bucket: string, query: ListQuery): CatalogPage {
    const seen = new Map<string, ObjectRow>();
    const page = listObjects((range, limit) => {
      const rows = this.#parts.catalog.read.scanObjects(bucket, textRange(range), limit);
      for (const row of rows) seen.set(row.key, row);
      return rows.map(objectInfo);
    }, query);
    const rows: ObjectRow[] = [];
    const prefixes = new Set<string>();
    for (const entry of page.entries) {
      if (entry.kind === "prefix") prefixes.add(entry.prefix);
      else rows.push(...[seen.get(entry.object.key) ?? []].flat());
    }
    return { page, rows, prefixes, witnesses: firstBelow(prefixes, seen.values()) };
  }

  #staleDirectories(
    bucket: string,
    query: ListQuery,
    found: CatalogPage,
    missing: readonly ObjectRow[],
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
    const folded = foldListing<KeyPlace, DirectoryPlace>(
      (wanted, limit) => {
        const to = earlier(wanted.to, range.to);
        return read.scanDirectories(bucket, textRange({ ...wanted, to }), limit).map((row) => ({
          key: row.prefix,
          row,
        }));
      },
      {
        prefix: query.prefix,
        delimiter: query.delimiter,
        from: { kind: "from", key: range.from },
        limit: ALL,
      },
    );
    for (const entry of folded.entries) {
      if (entry.kind === "row") yield entry.row.row;
      else if (!prefixes.has(entry.prefix)) {
        const below = { from: entry.prefix, isFromIncluded: true, before: prefixEnd(entry.prefix) };
        yield* read.scanDirectories(bucket, below, ALL);
      }
    }
  }

  #exists(row: ObjectRow): boolean {
    const { journal, tree } = this.#parts;
    return journal.findPending(row.bucket, row.key) !== undefined ||
      tree.findFile(row.bucket, row.key) !== undefined;
  }

  /** Rows of the page whose files were changed in place, or haven't been read yet. */
  #changedFiles(bucket: string, { rows }: CatalogPage): ObjectRow[] {
    const id = [bucket, rows.at(0)?.key, rows.at(-1)?.key, rows.length].join("\n");
    const now = this.#parts.clock.now();
    const age = now - (this.#checkedAt.get(id) ?? -Infinity);
    const isFresh = age >= 0 && age < LIMITS.fileRecheckMs;
    const changed = rows.filter((row) =>
      row.etag === null || (!isFresh && !this.#isUnchanged(row))
    );
    if (changed.length === 0 && !isFresh) this.#rememberCheck(id, now);
    return changed;
  }

  #isUnchanged(row: ObjectRow): boolean {
    const { journal, tree } = this.#parts;
    if (journal.findPending(row.bucket, row.key) !== undefined) return true;
    const found = tree.findFile(row.bucket, row.key);
    return found !== undefined && describesFile(row, found.stat);
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

/** For each prefix the first of the rows below it; both in key order. */
function firstBelow(prefixes: ReadonlySet<string>, rows: Iterable<ObjectRow>): ObjectRow[] {
  const first: ObjectRow[] = [];
  const waiting = prefixes.values();
  let prefix = waiting.next();
  for (const row of rows) {
    if (prefix.done) break;
    if (!row.key.startsWith(prefix.value)) continue;
    first.push(row);
    prefix = waiting.next();
  }
  return first;
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
