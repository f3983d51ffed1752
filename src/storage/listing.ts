/**
 * The pure fold behind every listing: from rows in key order to one page with common prefixes. Where the rows come from
 * (a sorted array, an SQLite index) is for its caller.
 */

import type {
  ListEntry,
  ListPage,
  ListPosition,
  ListQuery,
  ObjectInfo,
  UploadEntry,
  UploadInfo,
  UploadPage,
  UploadQuery,
} from "./object_store.ts";
import { compareUtf8, prefixEnd } from "./names.ts";

/** What places a row in the order: its key and, where one key has several rows, what tells them apart. */
export interface KeyPlace {
  readonly key: string;
}

export interface UploadPlace extends KeyPlace {
  readonly uploadId: string;
}

export type LowerBound<Place extends KeyPlace> =
  /** Inclusive: rows of this key and of all greater ones. */
  | { readonly kind: "from"; readonly key: string }
  /** Exclusive: rows that sort after this one. */
  | { readonly kind: "after"; readonly place: Place };

export interface ScanRange<Place extends KeyPlace> {
  readonly from: LowerBound<Place>;
  /** Exclusive upper bound of the keys; undefined for none. May lie below `from`: then the range is empty. */
  readonly to: string | undefined;
}

/** Gives the first `limit` (≥ 1) rows of the range in order: UTF-8 bytes of the key first. Fewer only at the range's end. */
export type Scan<Place extends KeyPlace, Row extends Place> = (
  range: ScanRange<Place>,
  limit: number,
) => readonly Row[];

/** Where the rows of a fold come from. */
export interface RowSource<Place extends KeyPlace, Row extends Place> {
  readonly scan: Scan<Place, Row>;
  /** As `scan`, of the rows below a common prefix the first only; undefined where that can't be had for one seek each. */
  readonly scanLeads: Scan<Place, Row> | undefined;
}

export interface FoldQuery<Place extends KeyPlace> {
  readonly prefix: string;
  /** "" for none. */
  readonly delimiter: string;
  /** undefined when the page starts behind everything. */
  readonly from: LowerBound<Place> | undefined;
  /** Rows plus common prefixes at most. */
  readonly limit: number;
}

export type FoldedEntry<Row> =
  | { readonly kind: "row"; readonly row: Row }
  | { readonly kind: "prefix"; readonly prefix: string; readonly first: Row };

export interface FoldedPage<Row> {
  readonly entries: readonly FoldedEntry<Row>[];
  /** Whether there is at least one more entry; false for a limit of 0, as S3 answers `max-keys=0`. */
  readonly isTruncated: boolean;
}

/** The page of a ListQuery. */
export function listObjects(scan: Scan<KeyPlace, ObjectInfo>, query: ListQuery): ListPage {
  return listPage(foldObjects({ scan, scanLeads: undefined }, query));
}

/** The same, still with the rows that the page came from. */
export function foldObjects<Row extends KeyPlace>(
  source: RowSource<KeyPlace, Row>,
  query: ListQuery,
): FoldedPage<Row> {
  return foldRows(source, { ...query, from: boundOf(query.after, query.prefix) });
}

export function listPage(page: FoldedPage<ObjectInfo>): ListPage {
  const entries = page.entries.map((entry): ListEntry =>
    entry.kind === "row"
      ? { kind: "object", object: entry.row }
      : { kind: "prefix", prefix: entry.prefix }
  );
  return { entries, next: page.isTruncated ? positionAt(entries.at(-1)) : undefined };
}

/** The page of an UploadQuery. */
export function listUploads(scan: Scan<UploadPlace, UploadInfo>, query: UploadQuery): UploadPage {
  const page = foldListing(scan, { ...query, from: uploadBound(query) });
  const entries = page.entries.map((entry): UploadEntry =>
    entry.kind === "row" ? { kind: "upload", upload: entry.row } : entry
  );
  return { entries, isTruncated: page.isTruncated };
}

/**
 * What a marker given by a client stands for (ListObjects v1, ListMultipartUploads): a common prefix when it is one under
 * this prefix and delimiter, because that is what `NextMarker` says after a page that ended with one; else a key.
 */
export function markerPosition(
  marker: string,
  query: Pick<ListQuery, "prefix" | "delimiter">,
): ListPosition {
  return findCommonPrefix(marker, query) === marker
    ? { kind: "prefix", prefix: marker }
    : { kind: "key", key: marker };
}

/** As `foldRows`, of rows that can only be scanned. */
export function foldListing<Place extends KeyPlace, Row extends Place>(
  scan: Scan<Place, Row>,
  query: FoldQuery<Place>,
): FoldedPage<Row> {
  return foldRows({ scan, scanLeads: undefined }, query);
}

/**
 * Folds rows into one page. A common prefix costs one seek past it, not a row per key below it: while prefixes swallow most
 * of the rows only their first ones are asked for, or else batches shrink; while they don't, batches grow.
 */
export function foldRows<Place extends KeyPlace, Row extends Place>(
  source: RowSource<Place, Row>,
  query: FoldQuery<Place>,
): FoldedPage<Row> {
  const entries: FoldedEntry<Row>[] = [];
  if (query.limit <= 0) return { entries, isTruncated: false };
  for (const entry of walkEntries(source, query)) {
    if (entries.length === query.limit) return { entries, isTruncated: true };
    entries.push(entry);
  }
  return { entries, isTruncated: false };
}

const ROLLING_BATCH = { first: 32, least: 2 } as const;

function* walkEntries<Place extends KeyPlace, Row extends Place>(
  { scan, scanLeads }: RowSource<Place, Row>,
  query: FoldQuery<Place>,
): Generator<FoldedEntry<Row>> {
  const to = prefixEnd(query.prefix);
  // One row more than the page holds tells whether there is a next page.
  let wanted = query.limit + 1;
  let batch = query.delimiter === "" ? wanted : ROLLING_BATCH.first;
  let leads: typeof scanLeads;
  let from = query.from;
  while (from !== undefined) {
    batch = Math.min(batch, wanted);
    const rows: readonly Row[] = (leads ?? scan)({ from, to }, batch);
    let rolled: string | undefined;
    let entries = 0;
    let prefixes = 0;
    for (const row of rows) {
      if (rolled !== undefined && row.key.startsWith(rolled)) continue;
      rolled = findCommonPrefix(row.key, query);
      entries++;
      if (rolled !== undefined) prefixes++;
      yield rolled === undefined
        ? { kind: "row", row }
        : { kind: "prefix", prefix: rolled, first: row };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return;
    from = rolled === undefined ? { kind: "after", place: last } : boundFrom(prefixEnd(rolled));
    wanted -= entries;
    const isRolling = leads === undefined ? entries * 2 <= batch : prefixes * 2 > batch;
    leads = isRolling ? scanLeads : undefined;
    batch = isRolling && leads === undefined
      ? Math.max(ROLLING_BATCH.least, batch >> 1)
      : batch * 2;
  }
}

/** The key up to and with the first delimiter after the prefix, which `key` starts with. */
function findCommonPrefix(
  key: string,
  query: Pick<ListQuery, "prefix" | "delimiter">,
): string | undefined {
  if (query.delimiter === "" || !key.startsWith(query.prefix)) return undefined;
  const at = key.indexOf(query.delimiter, query.prefix.length);
  return at < 0 ? undefined : key.slice(0, at + query.delimiter.length);
}

function boundOf(position: ListPosition, prefix: string): LowerBound<KeyPlace> | undefined {
  switch (position.kind) {
    case "start":
      return boundFrom(prefix);
    case "key":
      return compareUtf8(position.key, prefix) < 0
        ? boundFrom(prefix)
        : { kind: "after", place: { key: position.key } };
    case "prefix":
      return boundFrom(later(prefixEnd(position.prefix), prefix));
  }
}

function uploadBound(query: UploadQuery): LowerBound<UploadPlace> | undefined {
  const { after, prefix } = query;
  if (after === undefined || compareUtf8(after.key, prefix) < 0) return boundFrom(prefix);
  if (after.uploadId !== undefined) {
    return { kind: "after", place: { key: after.key, uploadId: after.uploadId } };
  }
  const isRolled = markerPosition(after.key, query).kind === "prefix";
  return boundFrom(isRolled ? prefixEnd(after.key) : successor(after.key));
}

function boundFrom(key: string | undefined): { kind: "from"; key: string } | undefined {
  return key === undefined ? undefined : { kind: "from", key };
}

/** The least string after `key`. */
function successor(key: string): string {
  return key + "\0";
}

function later(key: string | undefined, least: string): string | undefined {
  return key !== undefined && compareUtf8(key, least) < 0 ? least : key;
}

function positionAt(entry: ListEntry | undefined): ListPosition | undefined {
  if (entry === undefined) return undefined;
  return entry.kind === "object"
    ? { kind: "key", key: entry.object.key }
    : { kind: "prefix", prefix: entry.prefix };
}
