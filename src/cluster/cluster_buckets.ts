/** The buckets of the ClusterStore. */

import { S3Error } from "../errors.ts";
import type { BucketInfo, BucketPatch } from "../storage/object_store.ts";
import { bucketName, type Record } from "../storage/record.ts";
import { type ClusterParts, findLive, requireBucket, versionAfter } from "./cluster_parts.ts";
import { bucketInfo, bucketRecord, patchBucket, tombstone } from "./object_record.ts";
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
    const record = findLive(await this.#parts.quorum.find(bucketName(name)));
    return record && bucketInfo(record);
  }

  async create(name: string, { owner, acl }: Pick<BucketInfo, "owner" | "acl">): Promise<void> {
    const { quorum, clock, timers } = this.#parts;
    const current = await quorum.find(bucketName(name));
    if (findLive(current) !== undefined) throw new S3Error("BucketAlreadyExists");
    const info = { name, createdMs: timers.now(), owner, acl, cors: undefined, tags: undefined };
    await quorum.write([bucketRecord(info, await versionAfter(clock, current))]);
  }

  async update(name: string, patch: BucketPatch): Promise<void> {
    const { quorum, clock } = this.#parts;
    const current = requireBucket(await quorum.find(bucketName(name)));
    await quorum.write([patchBucket(current, patch, await versionAfter(clock, current))]);
  }

  /**
   * The bucket is taken away first, from so many nodes that no write of an object can be acknowledged any more without meeting one
   * of them; then these are looked through once more. An object that came in between brings the bucket back.
   */
  async delete(name: string): Promise<void> {
    const { quorum, sync, clock, records } = this.#parts;
    const bucket = requireBucket(await quorum.find(bucketName(name)));
    await this.#requireEmpty(name);
    const grave = tombstone(bucket, await versionAfter(clock, bucket), {
      ...bucketRecord(bucketInfo(bucket), bucket.version).data,
      closing: true,
    });
    const holders = await quorum.writeForAll(grave);
    const isLookedThrough = await sync.pullAll(holders);
    if (!isLookedThrough || records.hasObjects(name)) {
      await quorum.write([bucketRecord(bucketInfo(bucket), await versionAfter(clock, grave))]);
      if (isLookedThrough) throw new S3Error("BucketNotEmpty");
      throw new S3Error("ServiceUnavailable", {
        message: "A node stopped answering while the bucket was looked through. Please try again.",
      });
    }
    await this.#abortUploads(name);
    await quorum.write([tombstone(bucket, await versionAfter(clock, grave))]);
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
