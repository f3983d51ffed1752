/** Between rows of the catalog and what the store shows of them. */

import type { BucketRow, ListedRow, ObjectRow, PartRow, UploadRow } from "./catalog_rows.ts";
import type { FileStat } from "./files.ts";
import { findMediaType } from "./media_types.ts";
import type {
  BucketInfo,
  CannedAcl,
  Checksum,
  ObjectInfo,
  ObjectMeta,
  ObjectPart,
  PartInfo,
  Tags,
  UploadInfo,
} from "./object_store.ts";

/** ObjectMeta with short names and without what is empty, as it lies in the catalog. */
interface StoredMeta {
  readonly h?: ObjectMeta["headers"];
  readonly u?: ObjectMeta["user"];
  readonly t?: Tags;
  readonly a?: CannedAcl;
  readonly c?: Checksum;
}

export function encodeMeta(meta: ObjectMeta): string {
  return JSON.stringify({
    h: unlessEmpty(meta.headers),
    u: unlessEmpty(meta.user),
    t: unlessEmpty(meta.tags),
    a: meta.acl === "private" ? undefined : meta.acl,
    c: meta.checksum,
  });
}

/** Where a checksum begins: `encodeMeta` writes it last, and nothing else in there is an object of this name. */
const CHECKSUM_START = '"c":{';

/** Metadata but for the checksum, which no two objects share, is often that of the row before. */
let lastDecoded: { readonly text: string; readonly meta: ObjectMeta } | undefined;

export function decodeMeta(text: string): ObjectMeta {
  const at = text.lastIndexOf(CHECKSUM_START);
  if (at < 0) return decodeShared(text);
  const meta = decodeShared(at === 1 ? "{}" : `${text.slice(0, at - 1)}}`);
  const checksum: Checksum = JSON.parse(text.slice(at + CHECKSUM_START.length - 1, -1));
  return { ...meta, checksum };
}

function decodeShared(text: string): ObjectMeta {
  if (lastDecoded?.text !== text) {
    const { h = {}, u = {}, t = {}, a = "private" }: Omit<StoredMeta, "c"> = JSON.parse(text);
    lastDecoded = { text, meta: { headers: h, user: u, tags: t, acl: a } };
  }
  return lastDecoded.meta;
}

/** The metadata of a file that nobody described: a type by its name. */
export function guessedMeta(key: string): ObjectMeta {
  const dot = key.lastIndexOf(".");
  const type = dot > key.lastIndexOf("/") ? findMediaType(key.slice(dot + 1)) : undefined;
  return {
    headers: { "content-type": type ?? "binary/octet-stream" },
    user: {},
    tags: {},
    acl: "private",
  };
}

/** The row of a file that was found, as far as it can be told without reading it. */
export function foundRow(bucket: string, key: string, stat: FileStat): ObjectRow {
  return {
    bucket,
    key,
    etag: null,
    size: stat.size,
    modified: stat.mtimeMs,
    mtime: stat.mtimeMs,
    part_count: null,
    meta: encodeMeta(guessedMeta(key)),
  };
}

/** Whether the plain file is the one that the row describes. */
export function describesFile(row: Pick<ObjectRow, "size" | "mtime">, stat: FileStat): boolean {
  return row.size === stat.size && row.mtime === stat.mtimeMs;
}

/** Its metadata is decoded when it is asked for. It isn't an own property: a spread copy lacks it. */
class RowInfo implements ObjectInfo {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly partCount: number | undefined;
  readonly #encodedMeta: string;
  #meta: ObjectMeta | undefined;

  constructor(row: ObjectRow) {
    this.bucket = row.bucket;
    this.key = row.key;
    this.size = row.size;
    this.etag = row.etag ?? "";
    this.modifiedMs = row.modified;
    this.partCount = row.part_count ?? undefined;
    this.#encodedMeta = row.meta;
  }

  get meta(): ObjectMeta {
    return this.#meta ??= decodeMeta(this.#encodedMeta);
  }
}

export function objectInfo(row: ObjectRow): ObjectInfo {
  return new RowInfo(row);
}

/** An object of a listing, with what tells whether its file is still the one that the row describes. */
export class ListedObject implements ObjectInfo {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** "" when the file hasn't been read yet. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly partCount: number | undefined;
  readonly mtime: number;
  readonly #encodedMeta: string;

  constructor(bucket: string, [key, etag, size, modified, mtime, partCount, meta]: ListedRow) {
    this.bucket = bucket;
    this.key = key;
    this.size = size;
    this.etag = etag ?? "";
    this.modifiedMs = modified;
    this.partCount = partCount ?? undefined;
    this.mtime = mtime;
    this.#encodedMeta = meta;
  }

  get meta(): ObjectMeta {
    return decodeMeta(this.#encodedMeta);
  }
}

export function bucketInfo(row: BucketRow): BucketInfo {
  return {
    name: row.name,
    createdMs: row.created,
    owner: row.owner ?? undefined,
    acl: row.acl,
    cors: row.cors ?? undefined,
    tags: row.tags === null ? undefined : JSON.parse(row.tags),
  };
}

/** Number, size and the checksum if there is one of each part, ascending. */
type StoredParts = readonly (readonly [number: number, size: number, checksum?: string])[];

export function encodeParts(parts: readonly ObjectPart[]): string {
  return JSON.stringify(
    parts.map(({ number, size, checksum }) =>
      checksum === undefined ? [number, size] : [number, size, checksum]
    ),
  );
}

export function decodeParts(text: string): ObjectPart[] {
  const parts: StoredParts = JSON.parse(text);
  return parts.map(([number, size, checksum]) =>
    checksum === undefined ? { number, size } : { number, size, checksum }
  );
}

export function uploadRow(upload: UploadInfo): UploadRow {
  return {
    id: upload.uploadId,
    bucket: upload.bucket,
    key: upload.key,
    initiated: upload.initiatedMs,
    initiator: upload.initiator ?? null,
    meta: encodeMeta(upload.meta),
    checksum: upload.checksum === undefined ? null : JSON.stringify(upload.checksum),
  };
}

export function uploadInfo(row: UploadRow): UploadInfo {
  return {
    uploadId: row.id,
    bucket: row.bucket,
    key: row.key,
    initiatedMs: row.initiated,
    initiator: row.initiator ?? undefined,
    meta: decodeMeta(row.meta),
    checksum: row.checksum === null ? undefined : JSON.parse(row.checksum),
  };
}

export function partInfo(row: PartRow): PartInfo {
  const part = { number: row.number, size: row.size, etag: row.etag, modifiedMs: row.modified };
  return row.checksum === null ? part : { ...part, checksum: JSON.parse(row.checksum) };
}

function unlessEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}
