/**
 * The multipart uploads of the ClusterStore. Uploads and parts are records like objects: any node can go on with any upload, and
 * one that dies takes none with it.
 */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { refuseCondition } from "../storage/condition.ts";
import { listUploads, type ScanRange, type UploadPlace } from "../storage/listing.ts";
import { isRepeatedCompletion, newUploadId, planCompletion } from "../storage/multipart.ts";
import type {
  CompleteRequest,
  ObjectInfo,
  PartInfo,
  PutPartRequest,
  UploadInfo,
  UploadInit,
  UploadPage,
  UploadQuery,
  UploadTarget,
} from "../storage/object_store.ts";
import { bucketName, objectName, partName, type Record, uploadName } from "../storage/record.ts";
import { type Content, takeBody } from "./body_intake.ts";
import {
  type ClusterParts,
  commitContent,
  findLive,
  requireBucket,
  requireOpenBucket,
  versionAfter,
} from "./cluster_parts.ts";
import {
  completedUpload,
  completingUpload,
  type Completion,
  findCompleted,
  findCompletion,
  objectInfo,
  objectRecord,
  partInfo,
  partRecord,
  tombstone,
  uploadInfo,
  uploadRecord,
} from "./object_record.ts";
import type { RecordRange } from "../storage/content_store.ts";

/** What `newUploadId` gives: anything else is no upload's, and not for the other nodes to look at. */
const UPLOAD_ID = /^[0-9A-Za-z_-]{1,64}$/;

interface FoundUpload {
  readonly bucket: Record;
  readonly upload: Record;
}

export class ClusterUploads {
  readonly #parts: ClusterParts;
  /** Uploads that this node is completing or aborting, by id. */
  readonly #ending = new Map<string, Promise<unknown>>();

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  async create(init: UploadInit): Promise<UploadInfo> {
    const { quorum, clock, timers, random } = this.#parts;
    const bucket = requireOpenBucket(await quorum.find(bucketName(init.bucket)), this.#parts);
    const initiatedMs = timers.now();
    const upload = { ...init, uploadId: newUploadId(initiatedMs, random), initiatedMs };
    await quorum.write([uploadRecord(upload, await clock.next())], bucket);
    return upload;
  }

  async find(target: UploadTarget): Promise<UploadInfo> {
    return uploadInfo((await this.#find(target)).upload);
  }

  async putPart(request: PutPartRequest): Promise<PartInfo> {
    const { quorum, clock, timers, intake } = this.#parts;
    const { bucket, key, uploadId, number } = request;
    const found = await this.#find(request);
    const current = await quorum.find(partName(bucket, key, uploadId, number));
    // A part is never inline: the object that it becomes a piece of is a list of blocks.
    const options = { ...intake, inlineBytes: 0 };
    const { content, digest, heldSince } = await takeBody(request.body, request.sizeHint, options);
    const checksum = request.seal(digest);
    const part = {
      number,
      size: digest.size,
      etag: digest.md5,
      modifiedMs: timers.now(),
      ...(checksum && { checksum }),
    };
    // A completion under way reads the parts it found: they may not be replaced beneath it.
    await this.#ending.get(uploadId)?.catch(() => {});
    const record = partRecord(request, part, content, await versionAfter(clock, current));
    await this.#find(request);
    await commitContent(this.#parts, record, found.bucket, heldSince);
    return part;
  }

  async listParts(
    target: UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: PartInfo[]; isTruncated: boolean }> {
    const { sync, records } = this.#parts;
    await this.#find(target);
    await sync.catchUp();
    const { bucket, key, uploadId } = target;
    const { sub } = partName(bucket, key, uploadId, after);
    const range = {
      kind: "part",
      bucket,
      from: { kind: "after", key, sub },
      before: key + "\0",
    } as const;
    const found = records.scanHeads(range, limit + 1).filter((record) =>
      record.sub.startsWith(`${uploadId}/`)
    );
    return {
      parts: found.slice(0, limit).map(partInfo),
      isTruncated: limit > 0 && found.length > limit,
    };
  }

  async list(bucket: string, query: UploadQuery): Promise<UploadPage> {
    const { quorum, sync, records } = this.#parts;
    const [record] = await Promise.all([quorum.find(bucketName(bucket)), sync.catchUp()]);
    requireBucket(record, this.#parts);
    return listUploads(
      (range, limit) => records.scanHeads(uploadRange(bucket, range), limit).map(uploadInfo),
      query,
    );
  }

  /** One completion of an upload at a time on each node; a repeated one gets what the first made. */
  async complete(request: CompleteRequest): Promise<ObjectInfo> {
    refuseCondition(request.condition);
    return await this.#alone(request.uploadId, async () => {
      try {
        return await this.#complete(request);
      } catch (error) {
        const made = isEnded(error) ? await this.#findMade(request) : undefined;
        if (made === undefined) throw error;
        return made;
      }
    });
  }

  async abort(target: UploadTarget): Promise<void> {
    await this.#alone(target.uploadId, async () => {
      const { upload } = await this.#find(target);
      await this.#parts.quorum.write([
        tombstone(upload, await versionAfter(this.#parts.clock, upload)),
      ]);
    });
  }

  async #alone<T>(uploadId: string, work: () => Promise<T>): Promise<T> {
    while (this.#ending.has(uploadId)) await this.#ending.get(uploadId)?.catch(() => {});
    const ending = work().finally(() => this.#ending.delete(uploadId));
    this.#ending.set(uploadId, ending);
    return await ending;
  }

  /** What another node has made of the same completion meanwhile. */
  async #findMade(request: CompleteRequest): Promise<ObjectInfo | undefined> {
    const { bucket, key, uploadId } = request;
    if (!UPLOAD_ID.test(uploadId)) return undefined;
    const made = findCompleted(await this.#parts.quorum.find(uploadName(bucket, key, uploadId)));
    return made !== undefined && isRepeatedCompletion(request, made.etag) ? made : undefined;
  }

  async #complete(request: CompleteRequest): Promise<ObjectInfo> {
    const { quorum, clock, timers } = this.#parts;
    const { bucket, key, uploadId } = request;
    if (!UPLOAD_ID.test(uploadId)) throw new S3Error("NoSuchUpload");
    const heldSince = timers.elapsed();
    const [bucketRecord, upload, current] = await quorum.read([
      bucketName(bucket),
      uploadName(bucket, key, uploadId),
      objectName(bucket, key),
    ]);
    const home = requireOpenBucket(bucketRecord, this.#parts);
    const made = findCompleted(upload);
    if (made !== undefined && isRepeatedCompletion(request, made.etag)) return made;
    const found = requireUpload(upload);
    const parts = await this.#readParts(request);
    const init = uploadInfo(found);
    const plan = planCompletion(init, (number) => {
      const part = parts.get(number);
      return part && partInfo(part);
    }, request);
    const content = joinedContent(plan.parts.map(({ number }) => parts.get(number)));
    const version = await versionAfter(clock, current, found, ...parts.values());
    const completion = await this.#settleCompletion(found, home, { content, etag: plan.etag }, {
      version,
      modifiedMs: timers.now(),
    });
    const facts = {
      bucket,
      key,
      size: plan.size,
      etag: plan.etag,
      modifiedMs: completion.modifiedMs,
      meta: { ...init.meta, ...(plan.checksum && { checksum: plan.checksum }) },
      parts: plan.objectParts,
    };
    const object = objectRecord(facts, content, completion.version);
    await commitContent(this.#parts, object, home, heldSince);
    await quorum.write([completedUpload(found, object, await versionAfter(clock, found, object))]);
    return objectInfo(object);
  }

  /**
   * The version of the object is on a quorum before the object is on any node: a completion that is asked for again, on whatever
   * node, after an answer that was lost, writes that same version, and undoes nothing that was written since.
   */
  async #settleCompletion(
    upload: Record,
    bucket: Record,
    made: Parameters<typeof findCompletion>[1],
    proposed: Completion,
  ): Promise<Completion> {
    const known = findCompletion(upload, made);
    if (known !== undefined) return known;
    const { quorum } = this.#parts;
    await quorum.write([completingUpload(upload, made, proposed)], bucket);
    // Another node may be completing it too, or have done so.
    const settled = requireUpload(await quorum.find(upload));
    return findCompletion(settled, made) ?? proposed;
  }

  async #readParts({ bucket, key, uploadId, parts }: CompleteRequest) {
    const found = new Map<number, Record>();
    for (let start = 0; start < parts.length; start += LIMITS.recordNamesMax) {
      const numbers = parts.slice(start, start + LIMITS.recordNamesMax).map(({ number }) => number);
      const records = await this.#parts.quorum.read(
        numbers.map((number) => partName(bucket, key, uploadId, number)),
      );
      for (const [index, number] of numbers.entries()) {
        const record = findLive(records[index]);
        if (record !== undefined) found.set(number, record);
      }
    }
    return found;
  }

  async #find({ bucket, key, uploadId }: UploadTarget): Promise<FoundUpload> {
    if (!UPLOAD_ID.test(uploadId)) throw new S3Error("NoSuchUpload");
    const [bucketRecord, upload] = await this.#parts.quorum.read([
      bucketName(bucket),
      uploadName(bucket, key, uploadId),
    ]);
    return { bucket: requireBucket(bucketRecord, this.#parts), upload: requireUpload(upload) };
  }
}

/** Whether that is what a completion meets when the upload ends beneath it: itself gone, or its parts. */
function isEnded(error: unknown): boolean {
  return error instanceof S3Error &&
    (error.code === "NoSuchUpload" || error.code === "InvalidPart");
}

/** Throws NoSuchUpload. */
function requireUpload(record: Record | undefined): Record {
  const upload = findLive(record);
  if (upload === undefined) throw new S3Error("NoSuchUpload");
  return upload;
}

function joinedContent(parts: readonly (Record | undefined)[]): Content {
  const blocks = parts.flatMap((part) => part?.blocks ?? []);
  if (blocks.length > LIMITS.objectBlocksMax) throw new S3Error("EntityTooLarge");
  return { blocks, inline: undefined };
}

/** The range of a fold over uploads as the record store takes it. */
function uploadRange(bucket: string, { from, to }: ScanRange<UploadPlace>): RecordRange {
  return {
    kind: "upload",
    bucket,
    from: from.kind === "from"
      ? { kind: "from", key: from.key }
      : { kind: "after", key: from.place.key, sub: from.place.uploadId },
    before: to,
  };
}
