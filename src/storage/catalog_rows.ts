/** The rows of the catalog, as its tables have them (catalog_schema.ts). */

import type { CannedAcl } from "./object_store.ts";

export interface BucketRow {
  readonly name: string;
  readonly created: number;
  readonly owner: string | null;
  readonly acl: CannedAcl;
  readonly cors: string | null;
  /** JSON of Tags. */
  readonly tags: string | null;
}

export interface ObjectRow {
  readonly bucket: string;
  readonly key: string;
  /** null: not read yet. */
  readonly etag: string | null;
  readonly size: number;
  readonly modified: number;
  /** Of the plain file, in milliseconds. */
  readonly mtime: number;
  readonly part_count: number | null;
  /** JSON, see object_row.ts. */
  readonly meta: string;
}

/** write: the body is in the entry. move: it is in the file `.tmp/<temp>`. The rest need no bytes. */
export type JournalAction = "write" | "move" | "remove" | "makeBucket" | "removeBucket";

export interface JournalRow {
  readonly seq: number;
  readonly bucket: string;
  readonly key: string;
  readonly action: JournalAction;
  /** Of the body; null when the action has none. */
  readonly size: number | null;
  readonly temp: string | null;
  readonly mtime: number;
}

export interface DirectoryRow {
  readonly bucket: string;
  /** What all keys of files inside begin with: "" for the bucket's own folder, "a/b/". */
  readonly prefix: string;
  /** Relative to the bucket's folder; "" for that itself. */
  readonly path: string;
  readonly mtime: number | null;
}

export interface UploadRow {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiated: number;
  readonly initiator: string | null;
  readonly meta: string;
  /** JSON of UploadInit["checksum"]. */
  readonly checksum: string | null;
}

export interface PartRow {
  readonly upload: string;
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly modified: number;
  /** JSON of PartInfo["checksum"]. */
  readonly checksum: string | null;
  /** Name of the file in `.tmp`. */
  readonly temp: string;
}

/** What LIST needs of an object's row. */
export type ListedRow = readonly [
  key: string,
  etag: ObjectRow["etag"],
  size: number,
  modified: number,
  mtime: number,
  partCount: number | null,
  meta: string,
];

export interface CompletedRow {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly completed: number;
  /** JSON of the ObjectRow that the completion made. */
  readonly object: string;
}

/** An ascending range of text: from `from` (included or not) up to but without `before`. */
export interface TextRange {
  readonly from: string;
  readonly isFromIncluded: boolean;
  /** undefined: no upper end. */
  readonly before: string | undefined;
}
