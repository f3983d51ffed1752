/**
 * A cluster node's blocks on its disk. Files are the truth about bytes, and never believed: each read hashes what it found.
 * An index beside them answers what is held; what it doesn't know of the files, or wrongly believes, is put right after a
 * start in the background, and whenever a block is read.
 */

import { Buffer } from "node:buffer";
import { blake3Hex, isBlake3Hex } from "../blake3.ts";
import { type Random, systemRandom } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import { BlockFiles, FOLDERS } from "./block_files.ts";
import { BlockIndex } from "./block_index.ts";
import { type BlockStore, type BlockStoreStats, checkBlock } from "./content_store.ts";
import type { Database } from "./database.ts";
import type { Files } from "./files.ts";
import type { Durability } from "./group_commit.ts";
import type { Room } from "./room.ts";
import { nextTurn } from "./turns.ts";

export interface DiskBlocksOptions {
  /** Absolute path of a folder that has `.cas`, `.index` and `.tmp`; what `.cas` has is durable when strict. */
  readonly dataDir: string;
  readonly durability: Durability;
  readonly files: Files;
  readonly random?: Random;
  /** Asked before a block is written. */
  readonly room?: Pick<Room, "require">;
  /** Told of what goes wrong in the background. */
  readonly onFault?: (what: string, error: unknown) => void;
  readonly openDatabase?: (path: string) => Database;
}

export class DiskBlocks implements BlockStore {
  readonly #files: BlockFiles;
  readonly #index: BlockIndex;
  readonly #isStrict: boolean;
  readonly #room: DiskBlocksOptions["room"];
  /** Writes that others may share, by hash. */
  readonly #writing = new Map<string, Promise<void>>();
  /** The last of what must be done one after the other with the block of a hash. */
  readonly #queues = new Map<string, Promise<unknown>>();
  #reconciling: Promise<void> = Promise.resolve();
  #damaged = 0;
  #isClosing = false;

  private constructor(files: BlockFiles, index: BlockIndex, options: DiskBlocksOptions) {
    this.#files = files;
    this.#index = index;
    this.#isStrict = options.durability === "strict";
    this.#room = options.room;
  }

  /** Creates or opens it. What changed behind its back is found out in the background: see `reconciled`. */
  static open(options: DiskBlocksOptions): DiskBlocks {
    const { dataDir, random = systemRandom, onFault = () => {} } = options;
    const files = new BlockFiles({ ...options, random });
    const index = BlockIndex.open({ ...options, path: `${dataDir}/.index/blocks.db` });
    const blocks = new DiskBlocks(files, index, options);
    blocks.#reconciling = blocks.#reconcile()
      .catch((error) => onFault("comparing the blocks' index with their files", error));
    return blocks;
  }

  /** Finishes what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#reconciling;
    while (this.#queues.size > 0) await Promise.all(this.#queues.values());
    this.#index.close();
  }

  /** Resolves when the index is what the files were at the start, but for later changes. */
  async reconciled(): Promise<void> {
    await this.#reconciling;
  }

  async read(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!isBlake3Hex(hash)) return undefined;
    const bytes = await this.#files.read(hash);
    if (bytes !== undefined && blake3Hex(bytes) === hash) {
      if (!this.#isClosing && !this.has(hash)) this.#adopt(hash);
      return bytes;
    }
    if (bytes === undefined && !this.#queues.has(hash) && !this.has(hash)) {
      return undefined;
    }
    return await this.#exclusively(hash, () => this.#readOrDrop(hash));
  }

  async write(hash: string, bytes: Uint8Array, isChecked = false): Promise<void> {
    if (!isChecked) checkBlock(hash, bytes);
    let writing = this.#writing.get(hash);
    if (writing === undefined) {
      writing = this.#exclusively(hash, () => this.#store(hash, bytes))
        .finally(() => this.#endWriting(hash, writing));
      this.#writing.set(hash, writing);
    }
    await writing;
  }

  has(hash: string): boolean {
    return this.#index.find(hash) !== undefined;
  }

  async verify(hash: string): Promise<boolean> {
    return await this.read(hash) !== undefined;
  }

  async remove(hash: string): Promise<void> {
    if (!isBlake3Hex(hash)) return;
    // A write that comes later must not share one that is undone here.
    this.#writing.delete(hash);
    await this.#exclusively(hash, () => this.#drop(hash));
  }

  list(after: string, limit: number): readonly string[] {
    return this.#index.list(after, limit);
  }

  stats(): BlockStoreStats {
    return { ...this.#index.totals, damaged: this.#damaged };
  }

  /** Nobody else changes the block meanwhile: what is wrong now was not only being replaced. */
  async #readOrDrop(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#files.read(hash);
    if (bytes !== undefined && blake3Hex(bytes) === hash) return bytes;
    if (bytes !== undefined) this.#damaged++;
    await this.#drop(hash);
    return undefined;
  }

  async #store(hash: string, bytes: Uint8Array): Promise<void> {
    const held = await this.#files.read(hash);
    const isWhole = held !== undefined && Buffer.compare(held, bytes) === 0;
    if (held !== undefined && !isWhole) this.#damaged++;
    // One that an earlier run left may never have reached the disk: it is written again rather than believed.
    if (isWhole && (!this.#isStrict || this.#index.find(hash)?.isSynced)) return;
    this.#room?.require(bytes.length);
    await this.#files.write(hash, bytes);
    this.#index.put(hash, { size: bytes.length, isSynced: this.#isStrict });
  }

  /** File and row go in one turn, so that they never disagree for others. */
  async #drop(hash: string): Promise<void> {
    const temp = this.#files.take(hash);
    try {
      this.#index.delete(hash);
    } finally {
      if (temp !== undefined) await this.#files.discard(temp);
    }
  }

  #endWriting(hash: string, writing: Promise<void> | undefined): void {
    if (this.#writing.get(hash) === writing) this.#writing.delete(hash);
  }

  #adopt(hash: string): void {
    const size = this.#files.sizeOf(hash);
    if (size !== undefined) this.#index.put(hash, { size, isSynced: false });
  }

  /** Folder by folder: each in one turn of the event loop, in which nothing else changes it. */
  async #reconcile(): Promise<void> {
    let sliceEnd = -Infinity;
    for (const folder of FOLDERS) {
      if (performance.now() > sliceEnd) {
        await nextTurn();
        sliceEnd = performance.now() + LIMITS.reconcileSliceMs;
      }
      if (this.#isClosing) return;
      this.#reconcileFolder(folder);
    }
  }

  #reconcileFolder(folder: string): void {
    const files = new Set(this.#files.listFolder(folder));
    for (const hash of this.#index.listFolder(folder)) {
      if (!files.delete(hash)) this.#index.delete(hash);
    }
    for (const hash of files) this.#adopt(hash);
  }

  /** Runs `work` when all that was begun before with the same block has ended. */
  #exclusively<T>(hash: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(hash) ?? Promise.resolve();
    const result = before.then(work);
    const end = result.then(() => {}, () => {}).then(() => {
      if (this.#queues.get(hash) === end) this.#queues.delete(hash);
    });
    this.#queues.set(hash, end);
    return result;
  }
}
