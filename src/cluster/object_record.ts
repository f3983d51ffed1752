/** Between what S3 knows (objects, buckets, uploads, parts) and the records that stand for it. */

import { blake3Hex } from "../blake3.ts";
import { decodeMeta, decodeParts, encodeMeta, encodeParts } from "../storage/object_row.ts";
import type {
  BucketInfo,
  BucketPatch,
  CannedAcl,
  ObjectInfo,
  ObjectMeta,
  ObjectPart,
  ObjectPatch,
  PartInfo,
  Tags,
  UploadInfo,
} from "../storage/object_store.ts";
import {
  bucketName,
  type Json,
  type JsonObject,
  objectName,
  partName,
  type Patch,
  type Record,
  type RecordHead,
  type RecordName,
  uploadName,
  type Version,
} from "../storage/record.ts";
import type { Content } from "./body_intake.ts";

export interface ObjectFacts extends Omit<ObjectInfo, "meta" | "partCount"> {
  readonly meta: ObjectMeta;
  /** Of an object made by a multipart upload. */
  readonly parts: readonly ObjectPart[] | undefined;
}

const NO_CONTENT: Content = { blocks: [], inline: undefined };

export function objectRecord(facts: ObjectFacts, content: Content, version: Version): Record {
  const { bucket, key, size, etag, modifiedMs, meta, parts } = facts;
  const data = {
    size,
    etag,
    time: modifiedMs,
    meta: encodeMeta(meta),
    ...(parts && { parts: encodeParts(parts), count: parts.length }),
  };
  return live(objectName(bucket, key), version, data, content);
}

/** The metadata is decoded when it is asked for: a listing doesn't. */
class RecordInfo implements ObjectInfo {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly partCount: number | undefined;
  readonly #record: RecordHead;
  #meta: ObjectMeta | undefined;

  constructor(record: RecordHead) {
    const { data } = record;
    this.bucket = record.bucket;
    this.key = record.key;
    this.size = Number(data["size"]);
    this.etag = String(data["etag"]);
    this.modifiedMs = Number(data["time"]);
    this.partCount = data["count"] === undefined ? undefined : Number(data["count"]);
    this.#record = record;
  }

  get meta(): ObjectMeta {
    return this.#meta ??= patchedMeta(this.#record);
  }
}

export function objectInfo(record: RecordHead): ObjectInfo {
  return new RecordInfo(record);
}

/**
 * Hex BLAKE3 by which the content is addressed: of the bytes where they are in one piece, else of the blocks' hashes in a row (64
 * hex digits each).
 */
export function objectHash({ blocks, inline }: Content): string {
  const [first] = blocks;
  if (first === undefined) return blake3Hex(inline ?? new Uint8Array());
  return blocks.length === 1 ? first.hash : blake3Hex(blocks.map(({ hash }) => hash).join(""));
}

export function objectParts(record: Record): ObjectPart[] | undefined {
  const parts = record.data["parts"];
  return parts === undefined ? undefined : decodeParts(String(parts));
}

/** Tags and ACL each have a version of their own, so that changes of both at once don't undo each other. */
export function patchObject(record: Record, patch: ObjectPatch, version: Version): Record {
  return patched(record, version, {
    ...(patch.tags && { tags: patch.tags }),
    ...(patch.acl && { acl: patch.acl }),
  });
}

export function bucketRecord(
  { name, createdMs, owner, acl, cors, tags }: BucketInfo,
  version: Version,
): Record {
  const data = {
    time: createdMs,
    owner: owner ?? null,
    acl,
    cors: cors ?? null,
    tags: tags ?? null,
  };
  return live(bucketName(name), version, data);
}

export function bucketInfo(record: Record): BucketInfo {
  const { data, patches } = record;
  const field = (name: string) => patches[name]?.value ?? data[name] ?? null;
  const removable = (name: string) => {
    const patch = patches[name];
    return patch === undefined ? data[name] ?? null : patch.value;
  };
  const [owner, cors, tags] = [data["owner"] ?? null, removable("cors"), removable("tags")];
  return {
    name: record.bucket,
    createdMs: Number(data["time"]),
    owner: owner === null ? undefined : String(owner),
    acl: field("acl") as CannedAcl,
    cors: cors === null ? undefined : String(cors),
    tags: tags === null ? undefined : tags as Tags,
  };
}

export function patchBucket(record: Record, patch: BucketPatch, version: Version): Record {
  return patched(record, version, {
    ...(patch.acl !== undefined && { acl: patch.acl }),
    ...(patch.cors !== undefined && { cors: patch.cors }),
    ...(patch.tags !== undefined && { tags: patch.tags }),
  });
}

/** The tombstone of a bucket that may turn out not to be empty: its deletion may be taken back until it is closed. */
export function closingBucket(bucket: Record, version: Version): Record {
  const { data } = bucketRecord(bucketInfo(bucket), version);
  return tombstone(bucket, version, { ...data, closing: true });
}

/** The same once it has proved empty. A change of just that tombstone: a bucket that was made anew meanwhile isn't touched. */
export function closedBucket(closing: Record, version: Version): Record {
  return patched(closing, version, { closed: true });
}

export function isClosing({ isDeleted, data, patches }: Record): boolean {
  return isDeleted && data["closing"] === true && patches["closed"] === undefined;
}

export function uploadRecord(upload: UploadInfo, version: Version): Record {
  const { bucket, key, uploadId, initiator, initiatedMs, meta, checksum } = upload;
  const data = {
    time: initiatedMs,
    initiator: initiator ?? null,
    meta: encodeMeta(meta),
    checksum: checksum === undefined ? null : { ...checksum },
  };
  return live(uploadName(bucket, key, uploadId), version, data);
}

export function uploadInfo({ bucket, key, sub, data }: RecordHead): UploadInfo {
  const { initiator = null, checksum = null } = data;
  return {
    bucket,
    key,
    uploadId: sub,
    initiatedMs: Number(data["time"]),
    initiator: initiator === null ? undefined : String(initiator),
    meta: decodeMeta(String(data["meta"])),
    checksum: checksum === null ? undefined : checksum as unknown as UploadInfo["checksum"],
  };
}

/** When an upload became an object: the version that this has, whoever completes the upload. */
export interface Completion {
  readonly version: Version;
  readonly modifiedMs: number;
}

/** Notes in the upload that it becomes the content given, with that ETag, under the completion's version. */
export function completingUpload(
  upload: Record,
  made: { readonly content: Content; readonly etag: string },
  { version, modifiedMs }: Completion,
): Record {
  return patched(upload, version, { completing: { time: modifiedMs, of: contentMark(made) } });
}

/** The completion that was noted for just that content; one that was asked for again must not be a second write. */
export function findCompletion(
  upload: Record,
  made: { readonly content: Content; readonly etag: string },
): Completion | undefined {
  const patch = upload.patches["completing"];
  if (patch === undefined) return undefined;
  const { time, of } = patch.value as JsonObject;
  if (of !== contentMark(made)) return undefined;
  return { version: patch.version, modifiedMs: Number(time) };
}

function contentMark(
  { content, etag }: { readonly content: Content; readonly etag: string },
): string {
  return `${etag} ${objectHash(content)}`;
}

/** The tombstone of an upload that made an object remembers which, for a client that asks again. */
export function completedUpload(upload: Record, object: Record, version: Version): Record {
  return { ...tombstone(upload, version), data: { object: object.data } };
}

/** What the upload once made, if its tombstone remembers. */
export function findCompleted(upload: Record | undefined): ObjectInfo | undefined {
  const data = upload?.isDeleted === true ? upload.data["object"] : undefined;
  if (upload === undefined || data === undefined) return undefined;
  return objectInfo({ ...upload, data: data as JsonObject });
}

export function partRecord(
  upload: { readonly bucket: string; readonly key: string; readonly uploadId: string },
  part: PartInfo,
  content: Content,
  version: Version,
): Record {
  const { number, size, etag, modifiedMs, checksum } = part;
  const data = { size, etag, time: modifiedMs, ...(checksum && { checksum: { ...checksum } }) };
  return live(partName(upload.bucket, upload.key, upload.uploadId, number), version, data, content);
}

export function partInfo({ sub, data }: RecordHead): PartInfo {
  const { checksum } = data;
  return {
    number: Number(sub.slice(sub.lastIndexOf("/") + 1)),
    size: Number(data["size"]),
    etag: String(data["etag"]),
    modifiedMs: Number(data["time"]),
    ...(checksum !== undefined && {
      checksum: checksum as unknown as NonNullable<PartInfo["checksum"]>,
    }),
  };
}

export function tombstone(name: RecordName, version: Version, data: JsonObject = {}): Record {
  const { kind, bucket, key, sub } = name;
  return {
    kind,
    bucket,
    key,
    sub,
    version,
    isDeleted: true,
    data,
    patches: {},
    blocks: [],
    inline: undefined,
  };
}

function live(
  name: RecordName,
  version: Version,
  data: JsonObject,
  { blocks, inline }: Content = NO_CONTENT,
): Record {
  return { ...name, version, isDeleted: false, data, patches: {}, blocks, inline };
}

function patched(
  record: Record,
  version: Version,
  values: { readonly [field: string]: Json },
): Record {
  const patches: { [field: string]: Patch } = { ...record.patches };
  for (const [field, value] of Object.entries(values)) patches[field] = { version, value };
  return { ...record, patches };
}

function patchedMeta({ data, patches }: RecordHead): ObjectMeta {
  const meta = decodeMeta(String(data["meta"]));
  return {
    ...meta,
    tags: (patches["tags"]?.value ?? meta.tags) as Tags,
    acl: (patches["acl"]?.value ?? meta.acl) as CannedAcl,
  };
}
