/** The buckets of the ClusterStore. */

import { S3Error } from "../errors.ts";
import type { BucketInfo, BucketPatch } from "../storage/object_store.ts";
import { bucketName, type Record } from "../storage/record.ts";
import { type ClusterParts, findBucket, requireOpenBucket, versionAfter } from "./cluster_parts.ts";
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
   * The bucket is taken away first, from so many nodes that no write of an object can be acknowledged any more without meeting one
   * of them; then these are looked through once more. An object that came in between brings the bucket back.
   */
  async delete(name: string): Promise<void> {
    const { quorum, sync, clock, records } = this.#parts;
    const bucket = requireOpenBucket(await quorum.find(bucketName(name)), this.#parts);
    await this.#requireEmpty(name);
    const grave = closingBucket(bucket, await versionAfter(clock, bucket));
    const holders = await quorum.writeForAll(grave);
    const isLookedThrough = await sync.pullAll(holders);
    if (!isLookedThrough || records.hasObjects(name)) {
      await this.#revive(grave);
      if (isLookedThrough) throw new S3Error("BucketNotEmpty");
      throw new S3Error("ServiceUnavailable", {
        message: "A node stopped answering while the bucket was looked through. Please try again.",
      });
    }
    await this.#abortUploads(name);
    await quorum.write([closedBucket(grave, await versionAfter(clock, grave))]);
  }

  /** Unless somebody has made it anew meanwhile, or deleted that again. */
  async #revive(grave: Record): Promise<void> {
    const { quorum, clock } = this.#parts;
    const current = await quorum.find(grave);
    if (current?.version !== grave.version) return;
    await quorum.write([
      bucketRecord(bucketInfo(grave), await versionAfter(clock, grave, current)),
    ]);
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
