/** What the parts of the ClusterStore are made of and share, and the steps that all of them take. */

import type { Random } from "../clock.ts";
import { S3Error } from "../errors.ts";
import type { RecordStore } from "../storage/content_store.ts";
import { type BlockRef, lastVersion, type Record, type Version } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import type { BlockExchange } from "./block_exchange.ts";
import { type BodyIntakeOptions, renewAll } from "./body_intake.ts";
import type { VersionClock } from "./hybrid_clock.ts";
import { isClosing, tombstone } from "./object_record.ts";
import type { Quorum } from "./quorum.ts";
import type { Sync } from "./sync.ts";
import { closing } from "./unavailable.ts";

export interface ClusterParts {
  readonly quorum: Quorum;
  readonly sync: Sync;
  readonly exchange: BlockExchange;
  readonly records: RecordStore;
  readonly clock: VersionClock;
  readonly timers: Timers;
  readonly random: Random;
  readonly intake: BodyIntakeOptions;
  /** Throws ServiceUnavailable until this node counts as a member and has caught up. */
  requireReady(): void;
}

/** The record if it is there and live. */
export function findLive(record: Record | undefined): Record | undefined {
  return record?.isDeleted ? undefined : record;
}

/**
 * The bucket if it is there. One whose deletion was cut short is, as long as something is in it: the deletion will be taken back,
 * and what was acknowledged is to be seen until then.
 */
export function findBucket(
  record: Record | undefined,
  { records }: Pick<ClusterParts, "records">,
): Record | undefined {
  if (record === undefined || !isClosing(record)) return findLive(record);
  return records.hasObjects(record.bucket) ? record : undefined;
}

/** For what reads of the bucket. Throws NoSuchBucket. */
export function requireBucket(
  record: Record | undefined,
  parts: Pick<ClusterParts, "records">,
): Record {
  const bucket = findBucket(record, parts);
  if (bucket === undefined) throw new S3Error("NoSuchBucket");
  return bucket;
}

/** For what changes the bucket or something in it. Throws NoSuchBucket, ServiceUnavailable. */
export function requireOpenBucket(
  record: Record | undefined,
  parts: Pick<ClusterParts, "records">,
): Record {
  const bucket = requireBucket(record, parts);
  if (bucket.isDeleted) throw closing();
  return bucket;
}

/** A version above all those of the records given, and all others that this node knows of. */
export function versionAfter(
  clock: VersionClock,
  ...records: readonly (Record | undefined)[]
): Promise<Version> {
  let last: Version | undefined;
  for (const record of records) {
    if (record === undefined) continue;
    const version = lastVersion(record);
    if (last === undefined || version > last) last = version;
  }
  return clock.next(last);
}

/**
 * Makes a record with blocks the newest of its name. Between the time at which its blocks were last known to be kept (`heldSince`,
 * by the process's clock) and the acknowledgement there is never as much as a lease: however long this process stood still, no
 * node has taken them for garbage.
 */
export async function commitContent(
  parts: ClusterParts,
  record: Record,
  bucket: Record,
  heldSince: number,
): Promise<void> {
  const since = await freshen(parts, record.blocks, heldSince, 4);
  try {
    await parts.quorum.write([record], bucket);
    await freshen(parts, record.blocks, since, 2);
  } catch (error) {
    if (isRefusal(error)) await bury(parts, record);
    throw error;
  }
}

/**
 * Whether the client is told that there is nothing any more that the record could lie in: then it must not appear where it got to. Of
 * any other failure the client knows no more than that the write may have happened; and to take it back would take what was there
 * before, too.
 */
function isRefusal(error: unknown): boolean {
  return error instanceof S3Error &&
    (error.code === "NoSuchBucket" || error.code === "NoSuchUpload");
}

/** Before the client is told: what is written after that must not be buried with it. Throws ServiceUnavailable. */
async function bury({ quorum, clock }: ClusterParts, record: Record): Promise<void> {
  await quorum.write([tombstone(record, await clock.next(record.version))]);
}

/** Renews the leases of the blocks when the given part of one has passed; gives the time since when they hold. */
async function freshen(
  { exchange, timers, intake }: ClusterParts,
  blocks: readonly BlockRef[],
  heldSince: number,
  part: number,
): Promise<number> {
  if (blocks.length === 0 || timers.elapsed() - heldSince < intake.leaseMs / part) return heldSince;
  const now = timers.elapsed();
  await renewAll(exchange, blocks);
  return now;
}
