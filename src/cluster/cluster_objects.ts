/** The objects of the ClusterStore: read, written, copied and deleted one key at a time. */

import { createHash } from "node:crypto";
import { S3Error } from "../errors.ts";
import { refuseCondition } from "../storage/condition.ts";
import { copyDigest, digested, keptMeta } from "../storage/copy_plan.ts";
import type * as seam from "../storage/object_store.ts";
import { bucketName, objectName, type Record } from "../storage/record.ts";
import { takeBody } from "./body_intake.ts";
import { readBlocks } from "./block_stream.ts";
import {
  type ClusterParts,
  commitContent,
  findLive,
  requireBucket,
  requireOpenBucket,
  versionAfter,
} from "./cluster_parts.ts";
import {
  isClosing,
  objectInfo,
  objectParts,
  objectRecord,
  patchObject,
  tombstone,
} from "./object_record.ts";

export class ClusterObjects {
  readonly #parts: ClusterParts;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  /** Throws NoSuchBucket, NoSuchKey. */
  async find({ bucket, key }: seam.Target): Promise<Record> {
    const [bucketRecord, record] = await this.#read({ bucket, key });
    const object = findLive(record);
    if (object === undefined || bucketRecord === undefined || !isClosing(bucketRecord)) {
      requireBucket(bucketRecord, this.#parts);
    }
    return requireObject(object);
  }

  async open(target: seam.Target): Promise<seam.OpenObject> {
    const record = await this.find(target);
    const { exchange } = this.#parts;
    const [first] = record.blocks;
    // A small object is fetched before it is promised: what can't be had is an error then, not a broken body.
    const whole = record.inline ??
      (first !== undefined && record.blocks.length === 1
        ? await exchange.fetch(first)
        : record.blocks.length === 0
        ? new Uint8Array()
        : undefined);
    return {
      info: objectInfo(record),
      body: (range) =>
        whole === undefined
          ? readBlocks(record.blocks, exchange, range)
          : range === undefined
          ? whole
          : whole.subarray(range.start, range.end + 1),
      [Symbol.dispose]: () => {},
    };
  }

  async findParts(target: seam.Target): Promise<seam.ObjectPart[] | undefined> {
    return objectParts(await this.find(target));
  }

  async put(request: seam.PutRequest): Promise<seam.ObjectInfo> {
    refuseCondition(request.condition);
    const { clock, timers, intake } = this.#parts;
    const { bucket, key } = request;
    const [bucketRecord, current] = await this.#read({ bucket, key });
    const home = requireOpenBucket(bucketRecord, this.#parts);
    const { content, digest, heldSince } = await takeBody(request.body, request.sizeHint, intake);
    const meta = request.seal(digest);
    const facts = {
      bucket,
      key,
      size: digest.size,
      etag: digest.md5,
      modifiedMs: timers.now(),
      meta,
      parts: undefined,
    };
    const record = objectRecord(facts, content, await versionAfter(clock, current));
    await commitContent(this.#parts, record, home, heldSince);
    return objectInfo(record);
  }

  async delete(
    { bucket, key }: seam.Target,
    condition: seam.WriteCondition | undefined,
  ): Promise<void> {
    refuseCondition(condition);
    const { quorum, clock } = this.#parts;
    const [bucketRecord, current] = await this.#read({ bucket, key });
    requireBucket(bucketRecord, this.#parts);
    if (findLive(current) === undefined) return;
    const version = await versionAfter(clock, current);
    await quorum.write([tombstone(objectName(bucket, key), version)]);
  }

  /** No bytes move: the copy refers to the source's blocks. They are read only when a hash has to be computed. */
  async copy(request: seam.CopyRequest): Promise<seam.ObjectInfo> {
    refuseCondition(request.condition);
    const { quorum, clock, timers } = this.#parts;
    const { from, to } = request;
    const heldSince = timers.elapsed();
    const [fromBucket, fromObject, toBucket, current] = await quorum.read([
      bucketName(from.bucket),
      objectName(from.bucket, from.key),
      bucketName(to.bucket),
      objectName(to.bucket, to.key),
    ]);
    requireBucket(fromBucket, this.#parts);
    const source = requireObject(fromObject);
    const home = requireOpenBucket(toBucket, this.#parts);
    const info = objectInfo(source);
    const plan = request.plan(info);
    const kept = keptMeta(info, plan);
    const hashed = kept === undefined
      ? await this.#hash(source, plan)
      : { etag: info.etag, meta: kept };
    const facts = {
      bucket: to.bucket,
      key: to.key,
      size: info.size,
      modifiedMs: timers.now(),
      parts: undefined,
      ...hashed,
    };
    const record = objectRecord(facts, source, await versionAfter(clock, current));
    await commitContent(this.#parts, record, home, heldSince);
    return objectInfo(record);
  }

  async update({ bucket, key }: seam.Target, patch: seam.ObjectPatch): Promise<seam.ObjectInfo> {
    const { quorum, clock } = this.#parts;
    const [bucketRecord, current] = await this.#read({ bucket, key });
    const home = requireOpenBucket(bucketRecord, this.#parts);
    const record = requireObject(current);
    const changed = patchObject(record, patch, await versionAfter(clock, record));
    await quorum.write([changed], home);
    return objectInfo(changed);
  }

  /** Writes an object whose facts are known already, as an import does. */
  async restore(
    facts: Omit<Parameters<typeof objectRecord>[0], "size">,
    body: seam.Body,
    sizeHint: number,
  ): Promise<void> {
    const { clock, intake } = this.#parts;
    const { bucket, key } = facts;
    const [bucketRecord, current] = await this.#read({ bucket, key });
    const home = requireOpenBucket(bucketRecord, this.#parts);
    const { content, digest, heldSince } = await takeBody(body, sizeHint, intake);
    const version = await versionAfter(clock, current);
    const record = objectRecord({ ...facts, size: digest.size }, content, version);
    await commitContent(this.#parts, record, home, heldSince);
  }

  /** The bucket's record and the key's. */
  #read({ bucket, key }: seam.Target): Promise<(Record | undefined)[]> {
    return this.#parts.quorum.read([bucketName(bucket), objectName(bucket, key)]);
  }

  /** ETag and checksum of the source's bytes in one piece. */
  async #hash(
    source: Record,
    plan: seam.CopyPlan,
  ): Promise<Pick<seam.ObjectInfo, "etag" | "meta">> {
    const body = source.inline ?? readBlocks(source.blocks, this.#parts.exchange);
    const computed = copyDigest(objectInfo(source), plan);
    const md5 = createHash("md5");
    for await (const chunk of digested(body, computed.digest)) md5.update(chunk);
    return { etag: md5.digest("hex"), meta: { ...plan.meta, checksum: computed.checksum() } };
  }
}

/** Throws NoSuchKey. */
function requireObject(record: Record | undefined): Record {
  const object = findLive(record);
  if (object === undefined) throw new S3Error("NoSuchKey");
  return object;
}
