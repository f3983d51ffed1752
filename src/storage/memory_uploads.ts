/** The unfinished uploads of one bucket of the MemoryStore, and the finished ones it remembers. */

import type { Clock, Random } from "../clock.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { listUploads, type Scan, type UploadPlace } from "./listing.ts";
import { newUploadId } from "./multipart.ts";
import { compareUtf8 } from "./names.ts";
import type {
  ObjectInfo,
  PartInfo,
  UploadInfo,
  UploadInit,
  UploadPage,
  UploadQuery,
  UploadTarget,
} from "./object_store.ts";

export interface StoredPart {
  readonly info: PartInfo;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface StoredUpload {
  readonly info: UploadInfo;
  readonly parts: Map<number, StoredPart>;
}

interface FinishedUpload {
  readonly object: ObjectInfo;
  readonly finishedMs: number;
}

export class MemoryUploads {
  readonly #uploads = new Map<string, StoredUpload>();
  readonly #finished = new Map<string, FinishedUpload>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  create(init: UploadInit): UploadInfo {
    const initiatedMs = this.#clock.now();
    const info = { ...init, uploadId: newUploadId(initiatedMs, this.#random), initiatedMs };
    this.#uploads.set(info.uploadId, { info, parts: new Map() });
    return info;
  }

  /** Throws NoSuchUpload, also when the upload is of another key. */
  get(target: UploadTarget): StoredUpload {
    const upload = this.#uploads.get(target.uploadId);
    if (upload === undefined || upload.info.key !== target.key) throw new S3Error("NoSuchUpload");
    return upload;
  }

  /** The object that the upload once made, while it is remembered. */
  findFinished(target: UploadTarget): ObjectInfo | undefined {
    this.#forgetOld();
    const object = this.#finished.get(target.uploadId)?.object;
    return object?.key === target.key ? object : undefined;
  }

  finish(uploadId: string, object: ObjectInfo): void {
    this.#uploads.delete(uploadId);
    this.#finished.set(uploadId, { object, finishedMs: this.#clock.now() });
  }

  /** Throws NoSuchUpload. */
  abort(target: UploadTarget): void {
    this.#uploads.delete(this.get(target).info.uploadId);
  }

  list(query: UploadQuery): UploadPage {
    const rows = Array.from(this.#uploads.values(), (upload) => upload.info).sort(comparePlaces);
    return listUploads(scanOf(rows), query);
  }

  #forgetOld(): void {
    const oldestMs = this.#clock.now() - LIMITS.completedUploadsRememberedMs;
    for (const [uploadId, { finishedMs }] of this.#finished) {
      if (finishedMs >= oldestMs) return;
      this.#finished.delete(uploadId);
    }
  }
}

function scanOf(sorted: readonly UploadInfo[]): Scan<UploadPlace, UploadInfo> {
  return ({ from, to }, limit) =>
    sorted.filter((row) =>
      (from.kind === "from"
        ? compareUtf8(row.key, from.key) >= 0
        : comparePlaces(row, from.place) > 0) &&
      (to === undefined || compareUtf8(row.key, to) < 0)
    ).slice(0, limit);
}

function comparePlaces(a: UploadPlace, b: UploadPlace): number {
  return compareUtf8(a.key, b.key) || compareUtf8(a.uploadId, b.uploadId);
}
