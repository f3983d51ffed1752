/** The multipart uploads of the FileStore: parts are files in the temp folder, named by rows of the catalog. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { ObjectRow, PartRow, TextRange, UploadRow } from "./catalog_session.ts";
import type { Version } from "./file_objects.ts";
import type { StoreParts } from "./file_parts.ts";
import type { OpenFile } from "./files.ts";
import { listUploads, type ScanRange, type UploadPlace } from "./listing.ts";
import {
  type CompletionPlan,
  isRepeatedCompletion,
  newUploadId,
  planCompletion,
} from "./multipart.ts";
import {
  encodeMeta,
  encodeParts,
  objectInfo,
  partInfo,
  uploadInfo,
  uploadRow,
} from "./object_row.ts";
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
} from "./object_store.ts";
import { discardReceived, receiveBody } from "./receive.ts";

/** Commits an assembled object, and what `also` adds to the same transaction. */
export type CommitVersion = (
  version: Version,
  also: (change: CatalogChange, row: ObjectRow) => void,
) => Promise<ObjectRow>;

export class FileUploads {
  readonly #parts: StoreParts;
  /** Uploads that are being completed, by id. */
  readonly #completing = new Map<string, Promise<unknown>>();

  constructor(parts: StoreParts) {
    this.#parts = parts;
  }

  async create(init: UploadInit): Promise<UploadInfo> {
    const { catalog, clock, random, room } = this.#parts;
    room.require(0);
    const initiatedMs = clock.now();
    const upload = { ...init, uploadId: newUploadId(initiatedMs, random), initiatedMs };
    await catalog.transact((change) => {
      if (change.findBucket(init.bucket) === undefined) throw new S3Error("NoSuchBucket");
      change.putUpload(uploadRow(upload));
    });
    return upload;
  }

  /** Throws NoSuchUpload, also when the upload is of another key. */
  find(target: UploadTarget): UploadInfo {
    return uploadInfo(requireUpload(this.#parts.catalog.read.findUpload(target.uploadId), target));
  }

  async putPart(request: PutPartRequest): Promise<PartInfo> {
    this.find(request);
    const { catalog, clock, files, journal, md5s, room, tree, isStrict } = this.#parts;
    if (room.isShort) await journal.emptied();
    const mtime = tree.quietMtime();
    const received = await receiveBody(request.body, {
      tree,
      files,
      room,
      md5s,
      bytesMax: -1,
      isSynced: isStrict,
      mtime,
    });
    try {
      if (received.kind !== "temp") throw new TypeError("a part is always received into a file");
      const checksum = request.seal(received.digest);
      const row: PartRow = {
        upload: request.uploadId,
        number: request.number,
        size: received.digest.size,
        etag: received.digest.md5,
        modified: clock.now(),
        checksum: checksum === undefined ? null : JSON.stringify(checksum),
        temp: received.temp,
      };
      // A completion under way reads the parts it found: they may not be replaced beneath it.
      await this.#completing.get(request.uploadId)?.catch(() => {});
      const replaced = await catalog.transact((change) => {
        requireUpload(change.findUpload(request.uploadId), request);
        const older = change.findPart(request.uploadId, request.number);
        change.putPart(row);
        return older;
      });
      if (replaced !== undefined) await tree.discard([replaced.temp]);
      return partInfo(row);
    } catch (error) {
      await discardReceived(received, tree);
      throw error;
    }
  }

  listParts(
    target: UploadTarget,
    after: number,
    limit: number,
  ): { parts: PartInfo[]; isTruncated: boolean } {
    this.find(target);
    const rows = this.#parts.catalog.read.listParts(target.uploadId, after, limit + 1);
    return {
      parts: rows.slice(0, limit).map(partInfo),
      isTruncated: limit > 0 && rows.length > limit,
    };
  }

  list(bucket: string, query: UploadQuery): UploadPage {
    const { read } = this.#parts.catalog;
    return listUploads(
      (range, limit) => read.scanUploads(bucket, ...uploadRange(range), limit).map(uploadInfo),
      query,
    );
  }

  /** One completion of an upload at a time; a repeated one gets what the first made. */
  async complete(request: CompleteRequest, commit: CommitVersion): Promise<ObjectInfo> {
    const { uploadId } = request;
    while (this.#completing.has(uploadId)) await this.#completing.get(uploadId)?.catch(() => {});
    const completing = this.#complete(request, commit).finally(() =>
      this.#completing.delete(uploadId)
    );
    this.#completing.set(uploadId, completing);
    return await completing;
  }

  async abort(target: UploadTarget): Promise<void> {
    while (this.#completing.has(target.uploadId)) {
      await this.#completing.get(target.uploadId)?.catch(() => {});
    }
    await this.#remove([
      requireUpload(this.#parts.catalog.read.findUpload(target.uploadId), target),
    ]);
  }

  /** Aborts the uploads that began before `timeMs`, and forgets old completions. */
  async expire(timeMs: number): Promise<void> {
    const { catalog, clock } = this.#parts;
    const old = catalog.read.listUploadsBefore(timeMs).filter((row) =>
      !this.#completing.has(row.id)
    );
    await this.#remove(old);
    await catalog.transact((change) =>
      change.forgetCompletedBefore(clock.now() - LIMITS.completedUploadsRememberedMs)
    );
  }

  /** Part of a bucket's deletion; gives the temp files to remove once it is durable. */
  planDeletion(change: CatalogChange, bucket: string): string[] {
    return change.listUploadsOfBucket(bucket).flatMap((row) => deleteUpload(change, row.id));
  }

  async #remove(rows: readonly UploadRow[]): Promise<void> {
    if (rows.length === 0) return;
    const { catalog, tree } = this.#parts;
    const temps = await catalog.transact((change) =>
      rows.flatMap((row) => deleteUpload(change, row.id))
    );
    await tree.discard(temps);
  }

  async #complete(request: CompleteRequest, commit: CommitVersion): Promise<ObjectInfo> {
    const { catalog, clock, tree } = this.#parts;
    const repeated = this.#findCompleted(request);
    if (repeated !== undefined) return repeated;
    const upload = requireUpload(catalog.read.findUpload(request.uploadId), request);
    const rows = new Map(
      catalog.read.listParts(upload.id, 0, LIMITS.partNumberMax).map((row) => [row.number, row]),
    );
    const plan = planCompletion(uploadInfo(upload), (number) => {
      const row = rows.get(number);
      return row === undefined ? undefined : partInfo(row);
    }, request);
    const sources = plan.parts.flatMap(({ number }) => rows.get(number)?.temp ?? []);
    const object = await this.#assemble(upload, plan, sources);
    let temps: string[] = [];
    const row = await commit(object, (change, row) => {
      requireUpload(change.findUpload(upload.id), request);
      temps = deleteUpload(change, upload.id);
      const { bucket, key, id } = upload;
      change.putCompleted({ id, bucket, key, completed: clock.now(), object: JSON.stringify(row) });
    });
    await tree.discard(temps);
    return objectInfo(row);
  }

  /** Joins the parts' files in a new temp file. */
  async #assemble(
    upload: UploadRow,
    plan: CompletionPlan,
    sources: readonly string[],
  ): Promise<Version> {
    const { files, room, tree, isStrict } = this.#parts;
    room.require(plan.size);
    const temp = tree.newTempName();
    const mtime = tree.quietMtime();
    try {
      using target = files.create(tree.tempPath(temp));
      for (const source of sources) await appendFile(files.open(tree.tempPath(source)), target);
      target.setMtime(mtime);
      if (isStrict) {
        await target.sync();
        await files.sync(tree.tempDir);
      }
    } catch (error) {
      await tree.discard([temp]);
      throw error;
    }
    const meta = { ...uploadInfo(upload).meta, ...(plan.checksum && { checksum: plan.checksum }) };
    const { bucket, key } = upload;
    const row = {
      bucket,
      key,
      etag: plan.etag,
      size: plan.size,
      mtime,
      part_count: plan.parts.length,
    };
    return {
      row: { ...row, meta: encodeMeta(meta) },
      parts: encodeParts(plan.objectParts),
      source: { action: "move", temp },
    };
  }

  #findCompleted(request: CompleteRequest): ObjectInfo | undefined {
    const row = this.#parts.catalog.read.findCompleted(request.uploadId);
    if (row === undefined || row.bucket !== request.bucket || row.key !== request.key) {
      return undefined;
    }
    const object = objectInfo(JSON.parse(row.object));
    return isRepeatedCompletion(request, object.etag) ? object : undefined;
  }
}

function requireUpload(row: UploadRow | undefined, target: UploadTarget): UploadRow {
  if (row === undefined || row.bucket !== target.bucket || row.key !== target.key) {
    throw new S3Error("NoSuchUpload");
  }
  return row;
}

/** Removes the rows of an upload; gives the names of its parts' temp files. */
function deleteUpload(change: CatalogChange, id: string): string[] {
  const temps = change.listParts(id, 0, LIMITS.partNumberMax).map((part) => part.temp);
  change.deleteUpload(id);
  return temps;
}

async function appendFile(source: OpenFile | undefined, target: OpenFile): Promise<void> {
  if (source === undefined) throw new Error("the file of an uploaded part is missing");
  using _ = source;
  const buffer = new Uint8Array(LIMITS.writeBytesAtOnce);
  for (let count = await source.read(buffer); count > 0; count = await source.read(buffer)) {
    await target.write(buffer.subarray(0, count));
  }
}

/** The range of a fold over uploads as the catalog takes it. */
function uploadRange({ from, to }: ScanRange<UploadPlace>): [range: TextRange, afterId: string] {
  return from.kind === "from"
    ? [{ from: from.key, isFromIncluded: true, before: to }, ""]
    : [{ from: from.place.key, isFromIncluded: true, before: to }, from.place.uploadId];
}
