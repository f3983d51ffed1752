/** What all backups have in common: what they tell, and how a file gets into one. */

import { LIMITS } from "../limits.ts";
import type { Files, OpenFile } from "./files.ts";

export interface BackupWatch {
  /** How much is done of what there is to do, in whatever unit. */
  progress(done: number, total: number, subject: string): void;
  /** `what` completes "subject: …": something isn't in the backup. */
  problem(subject: string, what: string): void;
  /** What it throws ends the backup. */
  pace(bytes: number): Promise<void>;
}

/** What is in it. `linked`: how many files are a second name of the one that was there; the others are copies. */
export type BackupSummary =
  & { readonly bytes: number; readonly linked: number; readonly copied: number }
  & (
    | { readonly kind: "files"; readonly buckets: number; readonly objects: number }
    | { readonly kind: "content"; readonly blocks: number }
  );

/** Puts files into a backup that are never changed in place: by a second name where the file system can, else by copying. */
export class BackupFiles {
  readonly #files: Files;
  readonly #watch: Pick<BackupWatch, "pace">;
  linked = 0;
  copied = 0;

  constructor(files: Files, watch: Pick<BackupWatch, "pace">) {
    this.#files = files;
    this.#watch = watch;
  }

  /**
   * Makes `to` the file that is at `from` now, when `isRight` says, asked once that is certain, that it is the one that is
   * wanted; false when it isn't, or is no longer there. A copy is of that file even when another one takes its place meanwhile,
   * and on disk when this resolves.
   */
  async place(from: string, to: string, mtimeMs: number, isRight: () => boolean): Promise<boolean> {
    if (this.#files.link(from, to)) {
      if (isRight()) {
        this.linked++;
        return true;
      }
      this.#files.remove(to);
      return false;
    }
    using source = this.#files.open(from);
    if (source === undefined || !isRight()) return false;
    await this.#copy(source, to, mtimeMs);
    this.copied++;
    return true;
  }

  /** The same of a file that may still be written to where nobody has stored anything: no other name of it may be kept. */
  async placeCopy(from: string, to: string, mtimeMs: number): Promise<boolean> {
    using source = this.#files.open(from);
    if (source === undefined) return false;
    await this.#copy(source, to, mtimeMs);
    return true;
  }

  async write(bytes: Uint8Array, to: string, mtimeMs: number): Promise<void> {
    using target = this.#files.create(to);
    await target.write(bytes);
    target.setMtime(mtimeMs);
    await target.sync();
    this.copied++;
  }

  async #copy(source: OpenFile, to: string, mtimeMs: number): Promise<void> {
    try {
      using target = this.#files.create(to);
      const buffer = new Uint8Array(LIMITS.writeBytesAtOnce);
      for (
        let count = await source.read(buffer);
        count > 0;
        count = await source.read(buffer)
      ) {
        await target.write(buffer.subarray(0, count));
        await this.#watch.pace(count);
      }
      target.setMtime(mtimeMs);
      await target.sync();
    } catch (error) {
      this.#files.remove(to);
      throw error;
    }
  }
}
