/** Between rows of the catalog and what the store shows of them. */

import { typeByExtension } from "@std/media-types";
import type { BucketRow, ObjectRow, PartRow, UploadRow } from "./catalog_session.ts";
import type { FileStat } from "./files.ts";
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

export function decodeMeta(text: string): ObjectMeta {
  const { h, u, t, a, c }: StoredMeta = JSON.parse(text);
  const meta = { headers: h ?? {}, user: u ?? {}, tags: t ?? {}, acl: a ?? "private" as const };
  return c === undefined ? meta : { ...meta, checksum: c };
}

/** The metadata of a file that nobody described: a type by its name. */
export function guessedMeta(key: string): ObjectMeta {
  const dot = key.lastIndexOf(".");
  const type = dot > key.lastIndexOf("/") ? typeByExtension(key.slice(dot + 1)) : undefined;
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
export function describesFile(row: ObjectRow, stat: FileStat): boolean {
  return row.size === stat.size && row.mtime === stat.mtimeMs;
}

/** The metadata is decoded when it is asked for: a listing doesn't. It isn't an own property: a spread copy lacks it. */
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
