/** Blocks as plain files, `.cas/ab/<hash>.blob`: whole or not at all. Knows where they lie, not which are wanted. */

import { Buffer } from "node:buffer";
import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Files, OpenFile } from "./files.ts";
import { FolderSyncs } from "./folder_syncs.ts";
import type { Durability } from "./group_commit.ts";

export interface BlockFilesOptions {
  /** Absolute path of a folder that has `.cas` and `.tmp`; what `.cas` has is durable when strict. */
  readonly dataDir: string;
  readonly durability: Durability;
  readonly files: Files;
  readonly random: Random;
}

/** The folders over which files may be spread, by the first two digits of their hashes. */
export const FOLDERS: readonly string[] = Array.from(
  { length: 256 },
  (_, n) => n.toString(16).padStart(2, "0"),
);

const FILE_NAME = /^([0-9a-f]{64})\.blob$/;

export class BlockFiles {
  readonly #root: string;
  readonly #tempDir: string;
  readonly #isStrict: boolean;
  readonly #files: Files;
  readonly #random: Random;
  readonly #folderSyncs: FolderSyncs;
  /** Those that are there, durably when strict. */
  readonly #folders: Set<string>;

  constructor(options: BlockFilesOptions) {
    this.#root = `${options.dataDir}/.cas`;
    this.#tempDir = `${options.dataDir}/.tmp`;
    this.#isStrict = options.durability === "strict";
    this.#files = options.files;
    this.#random = options.random;
    this.#folderSyncs = new FolderSyncs(options.files);
    this.#folders = new Set(
      options.files.readDirectorySync(this.#root).map(({ name }) => name),
    );
  }

  /** Bytes on disk; undefined when there is no file. */
  sizeOf(hash: string): number | undefined {
    const stat = this.#files.stat(this.#path(hash));
    return stat?.kind === "file" ? stat.size : undefined;
  }

  /** Whatever the file holds, up to where the disk can't read it; undefined when there is no file. */
  async read(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const size = this.sizeOf(hash);
    if (size === undefined) return undefined;
    // Nothing that large was ever written here: reading one byte too many tells that it isn't the block.
    const bytes = new Uint8Array(Math.min(size, LIMITS.blockBytesMax + 1));
    using file = this.#files.open(this.#path(hash));
    return file === undefined ? undefined : bytes.subarray(0, await fill(bytes, file));
  }

  /** Resolves when the file is there, durably when strict; it replaces one that was there. Otherwise nothing is left of it. */
  async write(hash: string, bytes: Uint8Array): Promise<void> {
    const folder = hash.slice(0, 2);
    await this.#makeFolder(folder);
    const temp = this.#newTemp();
    try {
      await this.#writeTemp(temp, bytes);
      this.#files.rename(temp, this.#path(hash));
    } catch (error) {
      await this.discard(temp);
      throw error;
    }
    if (this.#isStrict) await this.#folderSyncs.sync(this.#folder(folder));
  }

  /** Takes the file away, if there is one; `discard` what is given to free its room. */
  take(hash: string): string | undefined {
    const path = this.#path(hash);
    if (this.#files.stat(path) === undefined) return undefined;
    const temp = this.#newTemp();
    this.#files.rename(path, temp);
    return temp;
  }

  /** Removes a file in `.tmp`, off the thread. What can't be removed now is removed by the next start. */
  async discard(temp: string): Promise<void> {
    try {
      await this.#files.discard(temp);
    } catch {
      // It takes up room, and nothing else.
    }
  }

  /** Hashes of the files in one of FOLDERS, in no order. */
  listFolder(folder: string): string[] {
    if (!this.#folders.has(folder)) return [];
    return this.#files.readDirectorySync(this.#folder(folder)).flatMap(({ name, kind }) => {
      const hash = kind === "file" ? FILE_NAME.exec(name)?.[1] : undefined;
      return hash?.startsWith(folder) ? [hash] : [];
    });
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    this.#files.makeDirectory(this.#folder(folder));
    if (this.#isStrict) await this.#folderSyncs.sync(this.#root);
    this.#folders.add(folder);
  }

  async #writeTemp(path: string, bytes: Uint8Array): Promise<void> {
    using file = this.#files.create(path);
    await file.write(bytes);
    if (this.#isStrict) await file.sync();
  }

  #newTemp(): string {
    return `${this.#tempDir}/${Buffer.from(this.#random.bytes(16)).toString("hex")}`;
  }

  #folder(folder: string): string {
    return `${this.#root}/${folder}`;
  }

  #path(hash: string): string {
    return `${this.#folder(hash.slice(0, 2))}/${hash}.blob`;
  }
}

/** How many bytes could be read. */
async function fill(bytes: Uint8Array, file: OpenFile): Promise<number> {
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length)).catch((error) => {
      if (isBadSector(error)) return 0;
      throw error;
    });
    if (count === 0) break;
    length += count;
  }
  return length;
}

/** Whether the disk says that it can't give back what was written: as bad as bytes that aren't what was written. */
function isBadSector(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EIO";
}
