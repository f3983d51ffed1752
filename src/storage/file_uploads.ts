/** The multipart uploads of the FileStore: parts are files in the temp folder, named by rows of the catalog. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { ObjectRow, PartRow, TextRange, UploadRow } from "./catalog_rows.ts";
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
import { findJoined, type PartPlace, PartPlaces, placeOfPart } from "./part_places.ts";
import { receiveBody } from "./receive.ts";

/** Commits an assembled object, and what `also` adds to the same transaction. */
export type CommitVersion = (
  version: Version,
  also: (change: CatalogChange, row: ObjectRow) => void,
) => Promise<ObjectRow>;

export class FileUploads {
  readonly #parts: StoreParts;
  /** Uploads that are being completed, by id. */
  readonly #completing = new Map<string, Promise<unknown>>();
  readonly #places: PartPlaces;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#places = new PartPlaces(() => parts.tree.newTempName());
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
    const { journal, room } = this.#parts;
    if (room.isShort) await journal.emptied();
    const { uploadId, number } = request;
    const place = this.#takePlace(request);
    let isStored = false;
    try {
      const part = await this.#receivePart(request, place);
      isStored = true;
      return part;
    } finally {
      this.#places.giveBack(uploadId, number, place);
      if (!isStored) await this.#discardUnused(uploadId, place);
    }
  }

  #takePlace({ uploadId, number, sizeHint }: PutPartRequest): PartPlace {
    const { read } = this.#parts.catalog;
    // A completion under way may make the shared file the object.
    const size = this.#completing.has(uploadId) ? undefined : sizeHint;
    const [first] = read.listParts(uploadId, 0, 1);
    return this.#places.take(uploadId, { number, size }, read.findPart(uploadId, number), first);
  }

  async #receivePart(request: PutPartRequest, place: PartPlace): Promise<PartInfo> {
    const { catalog, clock, files, md5s, room, tree, isStrict } = this.#parts;
    const { uploadId, number } = request;
    const mtime = tree.quietMtime();
    const options = { tree, files, room, md5s, mtime, isSynced: isStrict };
    const { digest } = await receiveBody(request.body, { ...options, bytesMax: -1, place });
    const checksum = request.seal(digest);
    const row: PartRow = {
      upload: uploadId,
      number,
      size: digest.size,
      etag: digest.md5,
      modified: clock.now(),
      checksum: checksum === undefined ? null : JSON.stringify(checksum),
      temp: place.temp,
    };
    // A completion under way reads the parts it found: they may not be replaced beneath it.
    await this.#completing.get(uploadId)?.catch(() => {});
    const replaced = await catalog.transact((change) => {
      requireUpload(change.findUpload(uploadId), request);
      const older = change.findPart(uploadId, number);
      change.putPart(row);
      return older;
    });
    if (replaced !== undefined) await this.#discardUnused(uploadId, placeOfPart(replaced));
    return partInfo(row);
  }

  /** A file of one part goes with it, a shared one when there is neither another part in it nor on its way. */
  async #discardUnused(uploadId: string, { temp, isShared }: PartPlace): Promise<void> {
    const { catalog, tree } = this.#parts;
    if (isShared && this.#places.isWriting(uploadId)) return;
    const stored = isShared ? catalog.read.listParts(uploadId, 0, LIMITS.partNumberMax) : [];
    if (stored.some((part) => part.temp === temp)) return;
    await tree.discard([temp]);
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
    const sources = plan.parts.flatMap(({ number }) => rows.get(number) ?? []);
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

  /** Makes one new temp file of the parts. */
  async #assemble(
    upload: UploadRow,
    plan: CompletionPlan,
    sources: readonly PartRow[],
  ): Promise<Version> {
    const { files, tree, isStrict } = this.#parts;
    const temp = tree.newTempName();
    const mtime = tree.quietMtime();
    try {
      if (!this.#linkJoined(upload.id, plan, sources, temp)) await this.#join(plan, sources, temp);
      files.setMtime(tree.tempPath(temp), mtime);
      if (isStrict) await Promise.all([files.sync(tree.tempPath(temp)), files.sync(tree.tempDir)]);
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

  /** Gives the parts' file a second name, when it is what the object's is to be: the first one is still there should that fail. */
  #linkJoined(
    uploadId: string,
    plan: CompletionPlan,
    sources: readonly PartRow[],
    temp: string,
  ): boolean {
    const { files, tree } = this.#parts;
    const joined = findJoined(sources);
    if (joined === undefined || this.#places.isWriting(uploadId)) return false;
    const path = tree.tempPath(joined);
    return files.stat(path)?.size === plan.size && files.link(path, tree.tempPath(temp));
  }

  async #join(plan: CompletionPlan, sources: readonly PartRow[], temp: string): Promise<void> {
    const { files, room, tree } = this.#parts;
    room.require(plan.size);
    using target = files.create(tree.tempPath(temp));
    for (const source of sources) {
      const { temp, offset } = placeOfPart(source);
      await appendPart(files.open(tree.tempPath(temp)), offset, source.size, target);
    }
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
  const temps = new Set(change.listParts(id, 0, LIMITS.partNumberMax).map((part) => part.temp));
  change.deleteUpload(id);
  return [...temps];
}

async function appendPart(
  source: OpenFile | undefined,
  offset: number,
  size: number,
  target: OpenFile,
): Promise<void> {
  if (source === undefined) throw new Error("the file of an uploaded part is missing");
  using _ = source;
  source.seekSync(offset);
  const buffer = new Uint8Array(LIMITS.writeBytesAtOnce);
  for (let left = size; left > 0;) {
    const count = await source.read(buffer.subarray(0, left));
    if (count === 0) throw new Error("the file of an uploaded part has become shorter");
    await target.write(buffer.subarray(0, count));
    left -= count;
  }
}

/** The range of a fold over uploads as the catalog takes it. */
function uploadRange({ from, to }: ScanRange<UploadPlace>): [range: TextRange, afterId: string] {
  return from.kind === "from"
    ? [{ from: from.key, isFromIncluded: true, before: to }, ""]
    : [{ from: from.place.key, isFromIncluded: true, before: to }, from.place.uploadId];
}
