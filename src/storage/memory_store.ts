// deno-lint-ignore-file require-await -- the contract's methods reject; here most have nothing to wait for
/** An ObjectStore in memory: the contract at its simplest, for tests of everything above it. Nothing survives the process. */

import { createHash } from "node:crypto";
import { joinBytes } from "../bytes.ts";
import { checksumOf } from "../checksum.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../clock.ts";
import { S3Error } from "../errors.ts";
import { checkCondition, refuseCondition } from "./condition.ts";
import { MemoryObjects, openStored, type StoredObject } from "./memory_objects.ts";
import { MemoryUploads } from "./memory_uploads.ts";
import { isRepeatedCompletion, planCompletion } from "./multipart.ts";
import { compareUtf8 } from "./names.ts";
import type * as seam from "./object_store.ts";

interface MemoryBucket {
  info: seam.BucketInfo;
  readonly objects: MemoryObjects;
  readonly uploads: MemoryUploads;
}

export interface MemoryStoreOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** "refused" makes it a store that applies no conditions; "applied" when omitted. */
  readonly conditionalWrites?: seam.ObjectStore["conditionalWrites"];
}

export class MemoryStore implements seam.ObjectStore {
  readonly conditionalWrites: seam.ObjectStore["conditionalWrites"];
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: MemoryStoreOptions = {}) {
    this.conditionalWrites = options.conditionalWrites ?? "applied";
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  async listBuckets(): Promise<readonly seam.BucketInfo[]> {
    const infos = Array.from(this.#buckets.values(), (bucket) => bucket.info);
    return infos.sort((a, b) => compareUtf8(a.name, b.name));
  }

  async findBucket(bucket: string): Promise<seam.BucketInfo | undefined> {
    return this.#buckets.get(bucket)?.info;
  }

  async createBucket(
    bucket: string,
    { owner, acl }: Pick<seam.BucketInfo, "owner" | "acl">,
  ): Promise<void> {
    if (this.#buckets.has(bucket)) throw new S3Error("BucketAlreadyExists");
    const createdMs = this.#clock.now();
    this.#buckets.set(bucket, {
      info: { name: bucket, createdMs, owner, acl, cors: undefined, tags: undefined },
      objects: new MemoryObjects(),
      uploads: new MemoryUploads(this.#clock, this.#random),
    });
  }

  async updateBucket(bucket: string, patch: seam.BucketPatch): Promise<void> {
    const found = this.#bucket(bucket);
    const { acl, cors, tags } = found.info;
    found.info = {
      ...found.info,
      acl: patch.acl ?? acl,
      cors: patch.cors === undefined ? cors : patch.cors ?? undefined,
      tags: patch.tags === undefined ? tags : patch.tags ?? undefined,
    };
  }

  async deleteBucket(bucket: string): Promise<void> {
    if (!this.#bucket(bucket).objects.isEmpty) throw new S3Error("BucketNotEmpty");
    this.#buckets.delete(bucket);
  }

  async head(target: seam.Target): Promise<seam.ObjectInfo> {
    return this.#object(target).info;
  }

  async open(target: seam.Target): Promise<seam.OpenObject> {
    return openStored(this.#object(target));
  }

  async findParts(target: seam.Target): Promise<readonly seam.ObjectPart[] | undefined> {
    return this.#object(target).parts;
  }

  async put(request: seam.PutRequest): Promise<seam.ObjectInfo> {
    this.#admit(request.condition);
    this.#bucket(request.bucket);
    const { bytes, digest } = await receive(request.body);
    const meta = request.seal(digest);
    return this.#commit(request, { bytes, etag: digest.md5, meta, parts: undefined });
  }

  async delete(target: seam.Target, condition?: seam.WriteCondition): Promise<void> {
    this.#admit(condition);
    const { objects } = this.#bucket(target.bucket);
    checkCondition(objects.find(target.key)?.info, condition);
    objects.delete(target.key);
  }

  async copy(request: seam.CopyRequest): Promise<seam.ObjectInfo> {
    this.#admit(request.condition);
    const { info, bytes } = this.#object(request.from);
    this.#bucket(request.to.bucket);
    const plan = request.plan(info);
    const checksum = copiedChecksum(info.meta.checksum, plan.checksum, bytes);
    const target = { ...request.to, ...(request.condition && { condition: request.condition }) };
    const meta = { ...plan.meta, checksum };
    return this.#commit(target, { bytes, etag: md5Of(bytes), meta, parts: undefined });
  }

  async update(target: seam.Target, patch: seam.ObjectPatch): Promise<seam.ObjectInfo> {
    const object = this.#object(target);
    const { tags = object.info.meta.tags, acl = object.info.meta.acl } = patch;
    const info = { ...object.info, meta: { ...object.info.meta, tags, acl } };
    this.#bucket(target.bucket).objects.set({ ...object, info });
    return info;
  }

  async list(bucket: string, query: seam.ListQuery): Promise<seam.ListPage> {
    return this.#bucket(bucket).objects.list(query);
  }

  async createUpload(init: seam.UploadInit): Promise<seam.UploadInfo> {
    return this.#bucket(init.bucket).uploads.create(init);
  }

  async findUpload(target: seam.UploadTarget): Promise<seam.UploadInfo> {
    return this.#bucket(target.bucket).uploads.get(target).info;
  }

  async putPart(request: seam.PutPartRequest): Promise<seam.PartInfo> {
    const { uploads } = this.#bucket(request.bucket);
    uploads.get(request);
    const { bytes, digest } = await receive(request.body);
    const checksum = request.seal(digest);
    const info = {
      number: request.number,
      size: digest.size,
      etag: digest.md5,
      modifiedMs: this.#clock.now(),
      ...(checksum && { checksum }),
    };
    // The upload may have ended while the body came in.
    uploads.get(request).parts.set(request.number, { info, bytes });
    return info;
  }

  async listParts(
    target: seam.UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly seam.PartInfo[]; isTruncated: boolean }> {
    const { parts } = this.#bucket(target.bucket).uploads.get(target);
    const rest = Array.from(parts.values(), (part) => part.info)
      .filter((part) => part.number > after)
      .sort((a, b) => a.number - b.number);
    return { parts: rest.slice(0, limit), isTruncated: rest.length > limit };
  }

  async completeUpload(request: seam.CompleteRequest): Promise<seam.ObjectInfo> {
    this.#admit(request.condition);
    const { uploads } = this.#bucket(request.bucket);
    const finished = uploads.findFinished(request);
    if (finished !== undefined && isRepeatedCompletion(request, finished.etag)) return finished;
    const { info: upload, parts } = uploads.get(request);
    const plan = planCompletion(upload, (number) => parts.get(number)?.info, request);
    const object = this.#commit(request, {
      bytes: concat(plan.parts.map(({ number }) => parts.get(number)?.bytes ?? new Uint8Array())),
      etag: plan.etag,
      meta: { ...upload.meta, ...(plan.checksum && { checksum: plan.checksum }) },
      parts: plan.objectParts,
    });
    uploads.finish(request.uploadId, object);
    return object;
  }

  async abortUpload(target: seam.UploadTarget): Promise<void> {
    this.#bucket(target.bucket).uploads.abort(target);
  }

  async listUploads(bucket: string, query: seam.UploadQuery): Promise<seam.UploadPage> {
    return this.#bucket(bucket).uploads.list(query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#buckets.clear();
  }

  #bucket(name: string): MemoryBucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new S3Error("NoSuchBucket");
    return bucket;
  }

  #object(target: seam.Target): StoredObject {
    const object = this.#bucket(target.bucket).objects.find(target.key);
    if (object === undefined) throw new S3Error("NoSuchKey");
    return object;
  }

  #admit(condition: seam.WriteCondition | undefined): void {
    if (this.conditionalWrites === "refused") refuseCondition(condition);
  }

  /** Checks the condition and makes the version visible in one step: nothing is awaited in between. */
  #commit(
    target: seam.Target & { readonly condition?: seam.WriteCondition },
    version: Omit<StoredObject, "info"> & Pick<seam.ObjectInfo, "etag" | "meta">,
  ): seam.ObjectInfo {
    const { objects } = this.#bucket(target.bucket);
    checkCondition(objects.find(target.key)?.info, target.condition);
    const { bytes, etag, meta, parts } = version;
    const info = {
      bucket: target.bucket,
      key: target.key,
      size: bytes.length,
      etag,
      modifiedMs: this.#clock.now(),
      meta,
      partCount: parts?.length,
    };
    objects.set({ info, bytes, parts });
    return info;
  }
}

interface Received {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: seam.BodyDigest;
}

async function receive(body: seam.Body): Promise<Received> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = concat(chunks);
  return { bytes, digest: { md5: md5Of(bytes), size: bytes.length } };
}

function concat(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joinBytes(chunks, chunks.reduce((sum, chunk) => sum + chunk.length, 0));
}

function md5Of(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function copiedChecksum(
  source: seam.Checksum | undefined,
  wanted: seam.CopyPlan["checksum"],
  bytes: Uint8Array,
): seam.Checksum {
  if (wanted === "keep" && source?.type === "FULL_OBJECT") return source;
  const algorithm = wanted === "keep" ? "CRC64NVME" : wanted;
  return { algorithm, value: checksumOf(algorithm, bytes), type: "FULL_OBJECT" };
}
