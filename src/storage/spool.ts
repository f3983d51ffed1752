/** A temp file that a body is written to while it arrives and is hashed: three things at once, of which none waits for each byte of another. */

import { S3Error } from "../errors.ts";
import type { Md5Buffer } from "../hashing/md5_pool.ts";
import { LIMITS } from "../limits.ts";
import type { Files, OpenFile } from "./files.ts";
import { type PartPlace, WHOLE_FILE } from "./part_places.ts";
import type { ReceiveOptions } from "./receive.ts";

export interface Spooled {
  /** Name of the temp file, which belongs to whoever asked for it. */
  readonly temp: string;
  readonly md5: string;
}

/**
 * End it or discard it; both wait for what is under way. The failure of what is under way is thrown by whoever awaits it next:
 * until then it must not count as unhandled.
 */
export class Spool {
  readonly #options: ReceiveOptions;
  readonly #place: PartPlace;
  readonly #opening: Promise<OpenFile>;
  readonly #md5: Md5Buffer;
  /** What arrives; part of `#md5`. */
  #half: Uint8Array = new Uint8Array(0);
  #filled = 0;
  #written = 0;
  #syncedTo = 0;
  #isSyncing = false;
  #syncing: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ReceiveOptions) {
    const { tree, files, md5s } = options;
    const place = options.place ?? { temp: tree.newTempName(), ...WHOLE_FILE };
    this.#options = options;
    this.#place = place;
    this.#opening = openPlace(files, tree.tempPath(place.temp), place);
    this.#opening.catch(() => {});
    this.#md5 = md5s.open();
  }

  /** Copies the chunk. Throws StorageFull. */
  async take(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#filled === this.#half.length) await this.#turn();
      const count = Math.min(chunk.length - at, this.#half.length - this.#filled);
      this.#half.set(chunk.subarray(at, at + count), this.#filled);
      this.#md5.add(count);
      this.#filled += count;
      at += count;
    }
  }

  async end(): Promise<Spooled> {
    const { files, tree, isSynced, mtime } = this.#options;
    const file = await this.#opening;
    await this.#write();
    await this.#writing;
    const digesting = this.#md5.digest();
    digesting.catch(() => {});
    await this.#syncing;
    file.setMtime(mtime);
    if (isSynced) await Promise.all([file.sync(), files.sync(tree.tempDir)]);
    const md5 = await digesting;
    file.close();
    this.#md5[Symbol.dispose]();
    return { temp: this.#place.temp, md5 };
  }

  /** Leaves nothing behind but in a shared file. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#syncing.catch(() => {});
    const file = await this.#opening.catch(() => undefined);
    file?.close();
    this.#md5[Symbol.dispose]();
    if (!this.#place.isShared) await this.#options.tree.discard([this.#place.temp]);
  }

  /** Writes the full half; goes on with the other one, when it is written and hashed. */
  async #turn(): Promise<void> {
    await this.#write();
    this.#half = await this.#md5.next();
    this.#filled = 0;
  }

  /** Starts writing the half that is being filled, once the other one is written. */
  async #write(): Promise<void> {
    const bytes = this.#half.subarray(0, this.#filled);
    const file = await this.#opening;
    await this.#writing;
    if (bytes.length === 0) return;
    this.#written += bytes.length;
    if (this.#written > this.#place.sizeMax) throw new S3Error("IncompleteBody");
    this.#options.room.require(bytes.length);
    this.#writing = file.write(bytes);
    this.#writing.catch(() => {});
    this.#syncAhead();
  }

  /** Keeps the disk busy while the body arrives, so that the sync at the end finds little left to do. */
  #syncAhead(): void {
    const { files, tree, isSynced } = this.#options;
    const isDue = this.#written - this.#syncedTo >= LIMITS.syncAheadBytes;
    if (!isSynced || !isDue || this.#isSyncing) return;
    this.#isSyncing = true;
    this.#syncedTo = this.#written;
    // One that has failed must not be followed by one that succeeds.
    this.#syncing = this.#syncing
      .then(() => files.sync(tree.tempPath(this.#place.temp)))
      .finally(() => this.#isSyncing = false);
    this.#syncing.catch(() => {});
  }
}

async function openPlace(files: Files, path: string, { offset }: PartPlace): Promise<OpenFile> {
  const file = await files.openWritable(path);
  try {
    file.seekSync(offset);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}
