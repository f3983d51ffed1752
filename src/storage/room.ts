/**
 * Room on the disk. New data is refused while there is still some left: the catalog needs it to record deletions, and the
 * journal to finish what was acknowledged. Without it a full disk could not even be emptied.
 */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { DiskSpace, Files } from "./files.ts";

export class Room {
  readonly #files: Files;
  readonly #path: string;
  readonly #reserve: Pick<DiskSpace, "freeBytes" | "freeFiles">;
  /** As measured, less what was granted since. */
  #freeBytes = 0;
  #freeFiles = 0;
  #measuredAt = -Infinity;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
    const { totalBytes, totalFiles } = files.space(path);
    this.#reserve = {
      freeBytes: Math.min(
        Math.max(Math.floor(totalBytes / 32), LIMITS.roomReserveBytesMin),
        LIMITS.roomReserveBytesMax,
      ),
      freeFiles: Math.min(Math.floor(totalFiles / 32), LIMITS.roomReserveFilesMax),
    };
  }

  /** How much of the reserve the catalog's write-ahead log may take. */
  get logBytesMax(): number {
    return Math.floor(this.#reserve.freeBytes / 4);
  }

  /** Whether it is worth waiting for what is being removed. */
  get isShort(): boolean {
    this.#measureIfNeeded(0);
    return !this.#fits(0, 2);
  }

  /** Throws StorageFull unless `bytes` more, in a file of their own, leave the reserve as it is. */
  require(bytes: number): void {
    this.#measureIfNeeded(bytes);
    if (!this.#fits(bytes, 1)) throw new S3Error("StorageFull");
    this.#freeBytes -= bytes;
    this.#freeFiles--;
  }

  /** Whether that many bytes, and reserves, are left. */
  #fits(bytes: number, reserves: number): boolean {
    return this.#freeBytes - bytes >= reserves * this.#reserve.freeBytes &&
      this.#freeFiles >= reserves * this.#reserve.freeFiles;
  }

  /** A look at the disk costs as much as a small PUT's row: far from the end the last one will do. */
  #measureIfNeeded(bytes: number): void {
    const isOld = performance.now() - this.#measuredAt > LIMITS.roomRecheckMs;
    if (!isOld && this.#fits(2 * bytes, 2)) return;
    const { freeBytes, freeFiles } = this.#files.space(this.#path);
    this.#freeBytes = freeBytes;
    this.#freeFiles = freeFiles;
    this.#measuredAt = performance.now();
  }
}
