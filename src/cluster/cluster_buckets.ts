/** The buckets of the ClusterStore. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { BucketInfo, BucketPatch } from "../storage/object_store.ts";
import { bucketName, type Record } from "../storage/record.ts";
import {
  type ClusterParts,
  findBucket,
  findLive,
  requireOpenBucket,
  versionAfter,
} from "./cluster_parts.ts";
import {
  bucketInfo,
  bucketRecord,
  closedBucket,
  closingBucket,
  patchBucket,
  tombstone,
} from "./object_record.ts";
import { ignoreSilence } from "./quorum.ts";

const UPLOADS_AT_ONCE = 1000;

export class ClusterBuckets {
  readonly #parts: ClusterParts;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  async list(): Promise<BucketInfo[]> {
    await this.#parts.sync.catchUp();
    return this.#parts.records.listBuckets().map(bucketInfo);
  }

  async find(name: string): Promise<BucketInfo | undefined> {
    const record = findBucket(await this.#parts.quorum.find(bucketName(name)), this.#parts);
    return record && bucketInfo(record);
  }

  async create(name: string, { owner, acl }: Pick<BucketInfo, "owner" | "acl">): Promise<void> {
    const { quorum, clock, timers } = this.#parts;
    const current = await quorum.find(bucketName(name));
    if (findBucket(current, this.#parts) !== undefined) throw new S3Error("BucketAlreadyExists");
    const info = { name, createdMs: timers.now(), owner, acl, cors: undefined, tags: undefined };
    await quorum.write([bucketRecord(info, await versionAfter(clock, current))]);
  }

  async update(name: string, patch: BucketPatch): Promise<void> {
    const { quorum, clock } = this.#parts;
    const current = requireOpenBucket(await quorum.find(bucketName(name)), this.#parts);
    await quorum.write([patchBucket(current, patch, await versionAfter(clock, current))]);
  }

  /**
   * The bucket is closed first, on so many nodes that no write of an object can be acknowledged any more without meeting one of
   * them; then these are looked through once more. An object that came in between opens it again. Until the tombstone is on a
   * quorum everybody sees the bucket; when this node dies before, the reapers of the others open it again.
   */
  async delete(name: string): Promise<void> {
    const { quorum, clock, timers } = this.#parts;
    const bucket = requireBucket(await quorum.find(bucketName(name)));
    await this.#requireEmpty(name);
    const startMs = timers.elapsed();
    const version = await versionAfter(clock, bucket);
    const grave = tombstone(bucket, await clock.next(version));
    const closed = closedBucket(bucket, version, grave.version);
    try {
      await this.#requireStillEmpty(closed);
      await this.#abortUploads(name);
      this.#requireTime(startMs, LIMITS.closingMsMax / 2);
    } catch (error) {
      await quorum.write([openedBucket(closed, await clock.next(grave.version))])
        .catch(ignoreSilence); // the reapers will do it
      throw error;
    }
    await quorum.write([grave]);
    this.#requireTime(startMs, LIMITS.closingMsMax);
  }

  /** Closes the bucket. Throws BucketNotEmpty for what came in meanwhile. */
  async #requireStillEmpty(closed: Record): Promise<void> {
    const { quorum, sync, records } = this.#parts;
    const holders = await quorum.writeForAll(closed);
    if (!await sync.pullAll(holders)) {
      throw new S3Error("ServiceUnavailable", {
        message: "A node stopped answering while the bucket was looked through. Please try again.",
      });
    }
    if (records.hasObjects(closed.bucket)) throw new S3Error("BucketNotEmpty");
  }

  /** Once a bucket has been closed for `closingMsMax` others open it again: nothing may be promised that rests on its being closed. */
  #requireTime(startMs: number, msMax: number): void {
    if (this.#parts.timers.elapsed() - startMs <= msMax) return;
    throw new S3Error("ServiceUnavailable", {
      message: "Looking through the bucket took too long. Please try again.",
    });
  }

  async #requireEmpty(name: string): Promise<void> {
    const { sync, records } = this.#parts;
    await sync.catchUp();
    if (records.hasObjects(name)) throw new S3Error("BucketNotEmpty");
  }

  async #abortUploads(bucket: string): Promise<void> {
    const { quorum, clock } = this.#parts;
    await Promise.all(
      this.#uploads(bucket).map(async (upload) => {
        await quorum.write([tombstone(upload, await versionAfter(clock, upload))])
          .catch(ignoreSilence); // the reaper will find it
      }),
    );
  }

  #uploads(bucket: string): readonly Record[] {
    const range = {
      kind: "upload",
      bucket,
      from: { kind: "from", key: "" },
      before: undefined,
    } as const;
    return this.#parts.records.scan(range, UPLOADS_AT_ONCE);
  }
}
