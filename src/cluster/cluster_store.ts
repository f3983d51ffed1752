/**
 * The store of a node of a cluster: what any node acknowledged every node gives at once. An ObjectStore over this node's own disk
 * and those of its peers; src/README.md has the way of a PUT and of a GET. Applies no write conditions: they would need one order
 * of all writes of a key.
 */

import type * as seam from "../storage/object_store.ts";
import { bucketName } from "../storage/record.ts";
import { ClusterBuckets } from "./cluster_buckets.ts";
import { ClusterObjects } from "./cluster_objects.ts";
import { type ClusterParts, requireBucket } from "./cluster_parts.ts";
import { ClusterUploads } from "./cluster_uploads.ts";
import { listLocally } from "./local_listing.ts";
import { objectInfo } from "./object_record.ts";

export class ClusterStore implements seam.ObjectStore {
  readonly conditionalWrites = "refused";
  readonly #parts: ClusterParts;
  readonly #buckets: ClusterBuckets;
  readonly #objects: ClusterObjects;
  readonly #uploads: ClusterUploads;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#buckets = new ClusterBuckets(parts);
    this.#objects = new ClusterObjects(parts);
    this.#uploads = new ClusterUploads(parts);
  }

  async listBuckets(): Promise<readonly seam.BucketInfo[]> {
    this.#parts.requireReady();
    return await this.#buckets.list();
  }

  async findBucket(bucket: string): Promise<seam.BucketInfo | undefined> {
    this.#parts.requireReady();
    return await this.#buckets.find(bucket);
  }

  async createBucket(bucket: string, init: Pick<seam.BucketInfo, "owner" | "acl">): Promise<void> {
    this.#parts.requireReady();
    await this.#buckets.create(bucket, init);
  }

  async updateBucket(bucket: string, patch: seam.BucketPatch): Promise<void> {
    this.#parts.requireReady();
    await this.#buckets.update(bucket, patch);
  }

  async deleteBucket(bucket: string): Promise<void> {
    this.#parts.requireReady();
    await this.#buckets.delete(bucket);
  }

  async head(target: seam.Target): Promise<seam.ObjectInfo> {
    this.#parts.requireReady();
    return objectInfo(await this.#objects.find(target));
  }

  async open(target: seam.Target): Promise<seam.OpenObject> {
    this.#parts.requireReady();
    return await this.#objects.open(target);
  }

  async findParts(target: seam.Target): Promise<readonly seam.ObjectPart[] | undefined> {
    this.#parts.requireReady();
    return await this.#objects.findParts(target);
  }

  async put(request: seam.PutRequest): Promise<seam.ObjectInfo> {
    this.#parts.requireReady();
    return await this.#objects.put(request);
  }

  async delete(target: seam.Target, condition?: seam.WriteCondition): Promise<void> {
    this.#parts.requireReady();
    await this.#objects.delete(target, condition);
  }

  async copy(request: seam.CopyRequest): Promise<seam.ObjectInfo> {
    this.#parts.requireReady();
    return await this.#objects.copy(request);
  }

  async update(target: seam.Target, patch: seam.ObjectPatch): Promise<seam.ObjectInfo> {
    this.#parts.requireReady();
    return await this.#objects.update(target, patch);
  }

  async list(bucket: string, query: seam.ListQuery): Promise<seam.ListPage> {
    this.#parts.requireReady();
    const { quorum, sync, records } = this.#parts;
    const [record] = await Promise.all([quorum.find(bucketName(bucket)), sync.catchUp()]);
    requireBucket(record, this.#parts);
    return listLocally(records, bucket, query);
  }

  async createUpload(init: seam.UploadInit): Promise<seam.UploadInfo> {
    this.#parts.requireReady();
    return await this.#uploads.create(init);
  }

  async findUpload(target: seam.UploadTarget): Promise<seam.UploadInfo> {
    this.#parts.requireReady();
    return await this.#uploads.find(target);
  }

  async putPart(request: seam.PutPartRequest): Promise<seam.PartInfo> {
    this.#parts.requireReady();
    return await this.#uploads.putPart(request);
  }

  async listParts(
    target: seam.UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly seam.PartInfo[]; isTruncated: boolean }> {
    this.#parts.requireReady();
    return await this.#uploads.listParts(target, after, limit);
  }

  async completeUpload(request: seam.CompleteRequest): Promise<seam.ObjectInfo> {
    this.#parts.requireReady();
    return await this.#uploads.complete(request);
  }

  async abortUpload(target: seam.UploadTarget): Promise<void> {
    this.#parts.requireReady();
    await this.#uploads.abort(target);
  }

  async listUploads(bucket: string, query: seam.UploadQuery): Promise<seam.UploadPage> {
    this.#parts.requireReady();
    return await this.#uploads.list(bucket, query);
  }

  /** An object with its ETag, time and parts as they were elsewhere. */
  async restore(
    info: seam.ObjectInfo,
    parts: readonly seam.ObjectPart[] | undefined,
    body: seam.Body,
  ): Promise<void> {
    this.#parts.requireReady();
    const { bucket, key, etag, modifiedMs, meta, size } = info;
    await this.#objects.restore({ bucket, key, etag, modifiedMs, meta, parts }, body, size);
  }

  /** The node that it belongs to is closed by whoever opened that. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
