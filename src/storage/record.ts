/**
 * A record: what every node of a cluster knows of one bucket, object, upload or part. Records form a join semilattice:
 * merging any set of them in any order, any number of times, gives the same one. Knows no peers and no disk.
 */

export type RecordKind = "bucket" | "object" | "upload" | "part";

/** `key` is "" for a bucket. `sub` tells several records of one key apart: an upload's id, or `id/00001` for its parts. */
export interface RecordName {
  readonly kind: RecordKind;
  readonly bucket: string;
  readonly key: string;
  readonly sub: string;
}

/**
 * Of a hybrid logical clock, as text whose order is the order of versions: 12 hex digits of milliseconds, 6 of a counter, the
 * 40 of the node that made it. No two writes have the same.
 */
export type Version = string;

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

export type JsonObject = { readonly [name: string]: Json };

/** A field that was changed without a new version of the record. */
export interface Patch {
  readonly version: Version;
  readonly value: Json;
}

/** A piece of an object's bytes, stored under the hex BLAKE3-256 of its content. */
export interface BlockRef {
  readonly hash: string;
  readonly size: number;
}

export interface Record extends RecordName {
  readonly version: Version;
  /** A tombstone: the name is free, and older versions must not come back. It may still carry `data`. */
  readonly isDeleted: boolean;
  /** What the record says, by its kind. Storage doesn't look inside. */
  readonly data: JsonObject;
  /** Changes since `version`, by field; they belong to just that version. */
  readonly patches: { readonly [field: string]: Patch };
  /** The object's bytes in order; empty when they are `inline`, or there are none. */
  readonly blocks: readonly BlockRef[];
  readonly inline: Uint8Array<ArrayBuffer> | undefined;
}

/** A record without its bytes. */
export type RecordHead = Omit<Record, "blocks" | "inline">;

/** What decides which of two records of one name is the newer. */
export type RecordMark = Pick<Record, "version" | "patches">;

/** The newest of both: the higher version, with the newest patch of each field that belongs to it. */
export function mergeRecords<T extends RecordMark>(a: T, b: T): T {
  if (a.version !== b.version) return a.version > b.version ? a : b;
  const patches = { ...a.patches };
  for (const [field, patch] of Object.entries(b.patches)) {
    const known = patches[field];
    if (known === undefined || patch.version > known.version) patches[field] = patch;
  }
  return { ...a, patches };
}

/** Text that two records of one name share if, and only if, they are the same. */
export function stampOf(record: RecordMark): string {
  const fields = Object.keys(record.patches).sort();
  const patches = fields.map((field) => `;${field}=${record.patches[field]?.version}`);
  return record.version + patches.join("");
}

/** The highest version that the record mentions. */
export function lastVersion(record: RecordMark): Version {
  return Object.values(record.patches).reduce(
    (last, patch) => patch.version > last ? patch.version : last,
    record.version,
  );
}

/** A text for maps and sets: names are equal if, and only if, these are. */
export function nameKey({ kind, bucket, key, sub }: RecordName): string {
  return `${kind}\0${bucket}\0${sub}\0${key}`;
}

export function nameOf({ kind, bucket, key, sub }: RecordName): RecordName {
  return { kind, bucket, key, sub };
}

export function bucketName(bucket: string): RecordName {
  return { kind: "bucket", bucket, key: "", sub: "" };
}

export function objectName(bucket: string, key: string): RecordName {
  return { kind: "object", bucket, key, sub: "" };
}

export function uploadName(bucket: string, key: string, uploadId: string): RecordName {
  return { kind: "upload", bucket, key, sub: uploadId };
}

export function partName(
  bucket: string,
  key: string,
  uploadId: string,
  number: number,
): RecordName {
  return { kind: "part", bucket, key, sub: `${uploadId}/${String(number).padStart(5, "0")}` };
}
