/**
 * The seam between S3 and storage: what any store of buckets and objects promises. Knows no HTTP, no XML, no disk.
 *
 * Contract of every implementation (tests/suites/object_store_suite.ts executes it):
 * - MUST throw `S3Error` with the code named at each method for what a client may see; anything else it throws is a fault.
 * - MUST keep an object whole: a reader sees one version's bytes with that version's info, whatever happens beside it.
 * - MUST apply a write condition and the write it guards as one step: of racing writers with `If-None-Match: *` one wins. A store
 *   that can't refuses every condition, and says so in `conditionalWrites`.
 * - MUST refuse a condition only by what readers then see: who was told that the key exists can open it.
 * - MUST NOT keep anything of a body that throws, or that `seal` refuses; the old object stays as it was.
 * - MUST have made a change durable (as configured) when the promise of that change resolves.
 * - MUST list keys in the order of their UTF-8 bytes.
 * - MAY assume that bucket names and keys were validated by `names.ts`, and that the caller is authorized.
 */

import type { ChecksumAlgorithm } from "../checksum.ts";

/** Access for callers without a signature; everyone else is governed by roles and ownership. */
export type CannedAcl = "private" | "public-read";

export interface BucketInfo {
  readonly name: string;
  readonly createdMs: number;
  /** Access key id of the creator; undefined for a folder that was put there by hand. */
  readonly owner: string | undefined;
  readonly acl: CannedAcl;
  /** Canonical CORS rules as the S3 layer serialised them; undefined when none are configured. */
  readonly cors: string | undefined;
  readonly tags: Tags | undefined;
}

export type BucketPatch = Partial<Pick<BucketInfo, "acl">> & {
  /** undefined leaves it alone, null removes it. */
  readonly cors?: string | null;
  readonly tags?: Tags | null;
};

export type Tags = Readonly<Record<string, string>>;

export type { ChecksumAlgorithm };

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; with a "-N" suffix when the type is COMPOSITE. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

/** What a client said about an object, kept and returned as it was said. */
export interface ObjectMeta {
  /** Lower-case names of the standard headers kept (content-type, cache-control, …, x-amz-website-redirect-location). */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata: names lower-case and without `x-amz-meta-`. */
  readonly user: Readonly<Record<string, string>>;
  readonly tags: Tags;
  readonly acl: CannedAcl;
  readonly checksum?: Checksum;
}

export interface ObjectPart {
  readonly number: number;
  readonly size: number;
  /** Base64 of the part's own checksum in the object's algorithm. */
  readonly checksum?: string;
}

export interface ObjectInfo {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Without quotes: 32 hex digits, or `…-N` for an object made of N parts. */
  readonly etag: string;
  /** Time of the write. S3 shows whole seconds. */
  readonly modifiedMs: number;
  readonly meta: ObjectMeta;
  /** Number of parts of an object made by a multipart upload; else undefined. The parts themselves: `findParts`. */
  readonly partCount: number | undefined;
}

/** Inclusive byte positions, 0 ≤ start ≤ end < size. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One version of an object held open: `info` and `body` belong together whatever happens to the key meanwhile. */
export interface OpenObject extends Disposable {
  readonly info: ObjectInfo;
  /**
   * The bytes of `range` (all when omitted). May be called once. The stream takes over what the object holds open:
   * disposing afterwards is harmless, and cancelling the stream releases it.
   */
  body(range?: ByteRange): ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer>;
}

/** Conditions on the current object, checked in the same step as the write where a store applies them (`conditionalWrites`). */
export interface WriteCondition {
  /** `If-None-Match: *`: the key must not exist. Throws PreconditionFailed. */
  readonly ifAbsent?: boolean;
  /** `If-Match`: an ETag without quotes, or "*" for any. Throws PreconditionFailed on another ETag, NoSuchKey when absent. */
  readonly ifMatch?: string;
  /** Delete only: `x-amz-if-match-size`, `x-amz-if-match-last-modified-time`. Throws PreconditionFailed. */
  readonly ifMatchSize?: number;
  readonly ifMatchModifiedMs?: number;
}

export interface Target {
  readonly bucket: string;
  readonly key: string;
}

/** A body that throws instead of ending when it isn't what its sender promised. Chunks may be of any size. */
export type Body = AsyncIterable<Uint8Array>;

/** What is known of a body once its last byte has passed. */
export interface BodyDigest {
  /** 32 hex digits. */
  readonly md5: string;
  readonly size: number;
}

export interface PutRequest extends Target {
  readonly body: Body;
  /** Length of the body in bytes when known beforehand: a hint for where to receive it, not a promise. */
  readonly sizeHint?: number;
  /** Called once, after the body's last byte; returns what to store, or throws to refuse the body. */
  readonly seal: (digest: BodyDigest) => ObjectMeta;
  readonly condition?: WriteCondition;
}

export interface CopyRequest {
  readonly from: Target;
  readonly to: Target;
  /**
   * Called with the source once it is pinned; throws to refuse (copy conditions), else says what the copy carries.
   * `checksum` set to an algorithm makes the store compute it over the bytes; "keep" keeps the source's (recomputed as
   * FULL_OBJECT CRC64NVME when that was composite or there was none).
   */
  readonly plan: (source: ObjectInfo) => CopyPlan;
  readonly condition?: WriteCondition;
}

export interface CopyPlan {
  readonly meta: Omit<ObjectMeta, "checksum">;
  readonly checksum: ChecksumAlgorithm | "keep";
}

/** Parts of an object's metadata that can change without a new version of its bytes (ETag and time stay). */
export interface ObjectPatch {
  readonly tags?: Tags;
  readonly acl?: CannedAcl;
}

export interface ListQuery {
  /** Only keys that start with this; "" for all. */
  readonly prefix: string;
  /** Keys that hold it after the prefix are rolled up into one common prefix; "" for none. */
  readonly delimiter: string;
  /** Exclusive lower bound: a key, or a common prefix that was already given (then all below it is skipped too). */
  readonly after: ListPosition;
  /** Objects plus common prefixes at most; 0 gives an empty page that isn't truncated. */
  readonly limit: number;
}

export type ListPosition =
  | { readonly kind: "start" }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "prefix"; readonly prefix: string };

export type ListEntry =
  | { readonly kind: "object"; readonly object: ObjectInfo }
  | { readonly kind: "prefix"; readonly prefix: string };

export interface ListPage {
  /** In UTF-8 byte order of key or prefix. */
  readonly entries: readonly ListEntry[];
  /** Where the next page starts; undefined when this was the last. */
  readonly next: ListPosition | undefined;
}

export interface UploadInit extends Target {
  /** Access key id of the initiator. */
  readonly initiator: string | undefined;
  /** Without `checksum`: that of the parts and of the whole is decided by `checksum` below. */
  readonly meta: ObjectMeta;
  readonly checksum:
    | { readonly algorithm: ChecksumAlgorithm; readonly type: Checksum["type"] }
    | undefined;
}

export interface UploadInfo extends UploadInit {
  readonly uploadId: string;
  readonly initiatedMs: number;
}

export interface UploadTarget extends Target {
  readonly uploadId: string;
}

export interface PartInfo {
  readonly number: number;
  readonly size: number;
  /** 32 hex digits: MD5 of the part's bytes. */
  readonly etag: string;
  readonly modifiedMs: number;
  /** Base64, in the upload's algorithm (or the one sent with the part). */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

export interface PutPartRequest extends UploadTarget {
  readonly number: number;
  readonly body: Body;
  readonly sizeHint?: number;
  /** Called once after the last byte with the upload; returns the part's checksum if any, or throws to refuse. */
  readonly seal: (digest: BodyDigest) => PartInfo["checksum"];
}

export interface CompletedPart {
  readonly number: number;
  readonly etag: string;
  /** Base64 values the client repeated for the part; checked against the stored one. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

export interface CompleteRequest extends UploadTarget {
  /** Ascending by number (the S3 layer checked the order), at least one. */
  readonly parts: readonly CompletedPart[];
  /** Checksum of the whole object that the client claims; BadDigest if it differs. */
  readonly checksum?: {
    readonly algorithm: ChecksumAlgorithm;
    readonly value: string;
    readonly type?: Checksum["type"];
  };
  /** `x-amz-mp-object-size`: InvalidRequest if it differs from the sum of the parts. */
  readonly size?: number;
  readonly condition?: WriteCondition;
}

export interface UploadQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Exclusive position: uploads of keys after `key`; with `uploadId`, also those of `key` itself with a greater id. */
  readonly after: { readonly key: string; readonly uploadId?: string } | undefined;
  readonly limit: number;
}

export type UploadEntry =
  | { readonly kind: "upload"; readonly upload: UploadInfo }
  | { readonly kind: "prefix"; readonly prefix: string };

export interface UploadPage {
  /** Uploads by key bytes, then upload id; common prefixes in their place. */
  readonly entries: readonly UploadEntry[];
  readonly isTruncated: boolean;
}

export interface ObjectStore extends AsyncDisposable {
  /**
   * "refused": every put, copy, delete and completion with a condition is NotImplemented and changes nothing. A condition is
   * never taken and not applied.
   */
  readonly conditionalWrites: "applied" | "refused";

  /** All buckets, by name. */
  listBuckets(): Promise<readonly BucketInfo[]>;
  findBucket(bucket: string): Promise<BucketInfo | undefined>;
  /** Throws BucketAlreadyExists (who owns it is for the caller to compare). */
  createBucket(
    bucket: string,
    init: { readonly owner: string | undefined; readonly acl: CannedAcl },
  ): Promise<void>;
  /** Throws NoSuchBucket. */
  updateBucket(bucket: string, patch: BucketPatch): Promise<void>;
  /** Throws NoSuchBucket, BucketNotEmpty. Unfinished uploads don't count and are aborted. */
  deleteBucket(bucket: string): Promise<void>;

  /** Throws NoSuchBucket, NoSuchKey. */
  head(target: Target): Promise<ObjectInfo>;
  /** Throws NoSuchBucket, NoSuchKey. The caller disposes it. */
  open(target: Target): Promise<OpenObject>;
  /** The parts of an object made by a multipart upload, ascending; undefined for other objects. Throws NoSuchBucket, NoSuchKey. */
  findParts(target: Target): Promise<readonly ObjectPart[] | undefined>;
  /** Throws NoSuchBucket, what the body throws, what `seal` throws, PreconditionFailed / NoSuchKey (condition), StorageFull. */
  put(request: PutRequest): Promise<ObjectInfo>;
  /** Deleting what isn't there is a success. Throws NoSuchBucket, PreconditionFailed / NoSuchKey (condition). */
  delete(target: Target, condition?: WriteCondition): Promise<void>;
  /**
   * New version at `to` with the bytes of `from`, in one piece: its ETag is their MD5 even when the source was made of parts.
   * `from` equal to `to` is allowed. Throws NoSuchBucket, NoSuchKey, what `plan` throws, PreconditionFailed, StorageFull.
   */
  copy(request: CopyRequest): Promise<ObjectInfo>;
  /** Throws NoSuchBucket, NoSuchKey. */
  update(target: Target, patch: ObjectPatch): Promise<ObjectInfo>;
  /** Throws NoSuchBucket. */
  list(bucket: string, query: ListQuery): Promise<ListPage>;

  /** Throws NoSuchBucket. */
  createUpload(init: UploadInit): Promise<UploadInfo>;
  /** Throws NoSuchBucket, NoSuchUpload (also when the upload is of another key). */
  findUpload(target: UploadTarget): Promise<UploadInfo>;
  /** Replaces a part of the same number. Throws NoSuchUpload, what the body or `seal` throws, StorageFull. */
  putPart(request: PutPartRequest): Promise<PartInfo>;
  /** Ascending by number, those greater than `after`. Throws NoSuchUpload. */
  listParts(
    target: UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly PartInfo[]; isTruncated: boolean }>;
  /**
   * Makes the object from exactly the parts named. Repeating it after success gives the same object again as long as it is
   * remembered. Throws NoSuchUpload, InvalidPart, EntityTooSmall, BadDigest, InvalidRequest, PreconditionFailed, StorageFull:
   * after a throw the upload is as it was.
   */
  completeUpload(request: CompleteRequest): Promise<ObjectInfo>;
  /** Throws NoSuchUpload. */
  abortUpload(target: UploadTarget): Promise<void>;
  listUploads(bucket: string, query: UploadQuery): Promise<UploadPage>;
}
