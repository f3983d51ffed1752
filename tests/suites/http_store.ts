/**
 * An ObjectStore that is an S3 client: the suite of the contract, run over it, tests the whole way of every request. It has its
 * own signer, encoding and XML, so that a server and a client that are wrong in the same way don't agree.
 */

import type * as seam from "../../src/storage/object_store.ts";
import { HttpBuckets } from "./http_store/buckets.ts";
import { S3Connection } from "./http_store/connection.ts";
import { HttpLists } from "./http_store/lists.ts";
import { HttpObjects } from "./http_store/objects.ts";
import type { Credentials } from "./http_store/signer.ts";
import { HttpUploads } from "./http_store/uploads.ts";
import type { SuiteOptions } from "./object_store/support.ts";

/** What S3 has no words for. */
export const HTTP_STORE_LACKS = {
  anyOwner: "a bucket or an upload belongs to whoever signs the request",
  opaqueCors: "S3 takes CORS rules as XML and gives them back in its own words",
  uploadMeta: "S3 doesn't show the metadata of an unfinished upload",
  pinnedRange: "a range is a request of its own",
  partDetails:
    "S3 counts an object's parts anew, and shows their checksums only beside a composite one",
} as const satisfies SuiteOptions["lacks"];

export class HttpStore implements seam.ObjectStore {
  /** As far as this side goes: it sends every condition. */
  readonly conditionalWrites = "applied";
  readonly #connection: S3Connection;
  readonly #buckets: HttpBuckets;
  readonly #objects: HttpObjects;
  readonly #lists: HttpLists;
  readonly #uploads: HttpUploads;

  /** The credentials must be allowed everything; the server's region must not be us-east-1 (see HttpBuckets). */
  constructor(baseUrl: string, credentials: Credentials) {
    this.#connection = new S3Connection(baseUrl, credentials);
    this.#buckets = new HttpBuckets(this.#connection);
    this.#objects = new HttpObjects(this.#connection);
    this.#lists = new HttpLists(this.#connection);
    this.#uploads = new HttpUploads(this.#connection, this.#objects);
  }

  listBuckets(): Promise<readonly seam.BucketInfo[]> {
    return this.#buckets.listBuckets();
  }

  findBucket(bucket: string): Promise<seam.BucketInfo | undefined> {
    return this.#buckets.findBucket(bucket);
  }

  createBucket(bucket: string, init: Pick<seam.BucketInfo, "owner" | "acl">): Promise<void> {
    return this.#buckets.createBucket(bucket, init);
  }

  updateBucket(bucket: string, patch: seam.BucketPatch): Promise<void> {
    return this.#buckets.updateBucket(bucket, patch);
  }

  deleteBucket(bucket: string): Promise<void> {
    return this.#buckets.deleteBucket(bucket);
  }

  head(target: seam.Target): Promise<seam.ObjectInfo> {
    return this.#objects.head(target);
  }

  open(target: seam.Target): Promise<seam.OpenObject> {
    return this.#objects.open(target);
  }

  findParts(target: seam.Target): Promise<readonly seam.ObjectPart[] | undefined> {
    return this.#objects.findParts(target);
  }

  put(request: seam.PutRequest): Promise<seam.ObjectInfo> {
    return this.#objects.put(request);
  }

  delete(target: seam.Target, condition?: seam.WriteCondition): Promise<void> {
    return this.#objects.delete(target, condition);
  }

  copy(request: seam.CopyRequest): Promise<seam.ObjectInfo> {
    return this.#objects.copy(request);
  }

  update(target: seam.Target, patch: seam.ObjectPatch): Promise<seam.ObjectInfo> {
    return this.#objects.update(target, patch);
  }

  list(bucket: string, query: seam.ListQuery): Promise<seam.ListPage> {
    return this.#lists.list(bucket, query);
  }

  createUpload(init: seam.UploadInit): Promise<seam.UploadInfo> {
    return this.#uploads.createUpload(init);
  }

  findUpload(target: seam.UploadTarget): Promise<seam.UploadInfo> {
    return this.#uploads.findUpload(target);
  }

  putPart(request: seam.PutPartRequest): Promise<seam.PartInfo> {
    return this.#uploads.putPart(request);
  }

  listParts(
    target: seam.UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly seam.PartInfo[]; isTruncated: boolean }> {
    return this.#uploads.listParts(target, after, limit);
  }

  completeUpload(request: seam.CompleteRequest): Promise<seam.ObjectInfo> {
    return this.#uploads.completeUpload(request);
  }

  abortUpload(target: seam.UploadTarget): Promise<void> {
    return this.#uploads.abortUpload(target);
  }

  listUploads(bucket: string, query: seam.UploadQuery): Promise<seam.UploadPage> {
    return this.#uploads.listUploads(bucket, query);
  }

  /** Closes the connections. What the server holds stays. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]();
    return Promise.resolve();
  }
}
