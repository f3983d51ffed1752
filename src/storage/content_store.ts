/**
 * The seams of a node's own disk in distributed mode: records by name, and blocks by the hash of their bytes. What is written
 * here is this node's alone; that other nodes have it too is src/cluster's matter.
 */

import { blake3Hex } from "../blake3.ts";
import { LIMITS } from "../limits.ts";
import type { BlockRef, Json, Record, RecordHead, RecordKind, RecordName } from "./record.ts";

/** A range of records of one kind in one bucket, ascending by the UTF-8 bytes of `key`, then of `sub`. */
export interface RecordRange {
  readonly kind: RecordKind;
  readonly bucket: string;
  /** Lower bound; "from" includes the records of `key` itself, "after" is exclusive of that one name. */
  readonly from:
    | { readonly kind: "from"; readonly key: string }
    | { readonly kind: "after"; readonly key: string; readonly sub: string };
  /** Exclusive upper bound of the keys; undefined for none. */
  readonly before: string | undefined;
}

/** One change of the local records: the newest one of a name. */
export interface Change {
  readonly name: RecordName;
  readonly stamp: string;
  /** Grows with every change of any record of this store; none is given twice, not even for a change that a crash undid. */
  readonly seq: number;
}

/** A place in the order of all names: kind, bucket, key, sub, each by its UTF-8 bytes. */
export type NameBound = RecordName | undefined;

/** Live records only: tombstones don't count, because nodes drop them at different times. */
export interface RangeDigest {
  readonly count: number;
  /** Sum of a 48-bit hash of each record's name and stamp, modulo 2^48. */
  readonly sum: number;
}

export interface RecordStoreStats {
  /** Live records by kind. */
  readonly live: { readonly [kind in RecordKind]: number };
  readonly tombstones: number;
  /** Bytes of all live objects and parts as clients see them, blocks only. */
  readonly referencedBytes: number;
  /** The same with each block counted once. */
  readonly distinctBytes: number;
}

/**
 * Records on this node's disk.
 * - `apply` merges (record.ts), so it may be given anything in any order.
 * - Reads see what was applied, also before that is durable.
 */
export interface RecordStore extends AsyncDisposable {
  /** Changes when the store was made anew: what others remember of its `seq` is void then. */
  readonly feedId: string;
  find(name: RecordName): Record | undefined;
  /** Resolves when all are durable; those that change nothing are durable already when it resolves. Throws StorageFull. */
  apply(records: readonly Record[]): Promise<void>;
  /** The first `limit` live records of the range. */
  scan(range: RecordRange, limit: number): readonly Record[];
  /** The same without reading any bytes or lists of blocks: for listings. */
  scanHeads(range: RecordRange, limit: number): readonly RecordHead[];
  /** Live buckets by name. */
  listBuckets(): readonly Record[];
  /** Whether any live object is in the bucket. */
  hasObjects(bucket: string): boolean;
  /** Changes with a greater `seq`, ascending, at most `limit`; tombstones too. */
  changesAfter(seq: number, limit: number): readonly Change[];
  /** No change has a greater one, and every later one will. */
  readonly lastSeq: number;
  /** Names and stamps from `after` (exclusive) up to `until` (inclusive) in the order of names, tombstones too. */
  names(after: NameBound, until: NameBound, limit: number): readonly Omit<Change, "seq">[];
  /** Of the live records from `after` (exclusive) up to `until` (inclusive). */
  digest(after: NameBound, until: NameBound): RangeDigest;
  /**
   * Names that cut that range into `parts` pieces of about as many records, tombstones too; fewer when it is small. Each
   * ends the piece before it; the last piece ends with `until`. Ascending.
   */
  split(after: NameBound, until: NameBound, parts: number): readonly RecordName[];
  /** Tombstones with a `seq` up to the one given and a version below `version`, in the order of `seq` after `afterSeq`. */
  tombstones(
    afterSeq: number,
    untilSeq: number,
    beforeVersion: string,
    limit: number,
  ): readonly Change[];
  /** Forgets records that are still just these. */
  purge(records: readonly Pick<Change, "name" | "stamp">[]): Promise<void>;
  /** Whether a live record refers to the block. */
  isReferenced(hash: string): boolean;
  /** Blocks that live records refer to with a hash above `after`, ascending. */
  references(after: string, limit: number): readonly BlockRef[];
  stats(): RecordStoreStats;
  /** Small values of the node itself: its view of the members, cursors, clock. Survive like records. */
  getValue(name: string): Json | undefined;
  setValue(name: string, value: Json): Promise<void>;
}

/** Blocks on this node's disk: `.cas/ab/<hash>.blob`. */
export interface BlockStore extends AsyncDisposable {
  /** The bytes; undefined when not held, or when the bytes aren't those of the hash: such a block is dropped and counted. */
  read(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Resolves when the block is durable; the bytes must not change until then. One that is held already is read and
   * compared first, and replaced when it is damaged. Throws StorageFull, and what `checkBlock` throws unless the caller has just
   * computed the hash of these bytes itself: `isChecked`.
   */
  write(hash: string, bytes: Uint8Array, isChecked?: boolean): Promise<void>;
  /** Whether it is held as far as is known without reading it. */
  has(hash: string): boolean;
  /** Whether it is held and its bytes are those of the hash; drops it when not. */
  verify(hash: string): Promise<boolean>;
  remove(hash: string): Promise<void>;
  /** Hashes of the blocks held above `after`, ascending. */
  list(after: string, limit: number): readonly string[];
  stats(): BlockStoreStats;
}

export interface BlockStoreStats {
  readonly blocks: number;
  readonly bytes: number;
  /** Found damaged since the start. */
  readonly damaged: number;
}

/** All that a node keeps. */
export interface ContentStore extends AsyncDisposable {
  readonly records: RecordStore;
  readonly blocks: BlockStore;
}

/** Throws TypeError for bytes of another hash, RangeError for more than a block may have. */
export function checkBlock(hash: string, bytes: Uint8Array): void {
  if (bytes.length > LIMITS.blockBytesMax) {
    throw new RangeError(`a block of ${bytes.length} bytes is too large`);
  }
  if (blake3Hex(bytes) !== hash) throw new TypeError(`these bytes aren't those of ${hash}`);
}
