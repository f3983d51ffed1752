/** Blocks in memory, for simulations: the contract of DiskBlocks, and a disk that loses and spoils them. */

import { blake3Hex } from "../blake3.ts";
import { firstAfter } from "./block_references.ts";
import { type BlockStore, type BlockStoreStats, checkBlock } from "./content_store.ts";
import type { SyncDelayOptions } from "./sync_delay.ts";

export class MemoryBlocks implements BlockStore {
  readonly #options: SyncDelayOptions;
  /** What is on the disk, durably. */
  readonly #files: Map<string, Uint8Array<ArrayBuffer>>;
  /** Sizes of what is believed to be there. */
  readonly #known: Map<string, number>;
  readonly #writing = new Map<string, Promise<void>>();
  readonly #cancels = new Set<() => void>();
  /** Hashes in order; undefined when one came or went since they were sorted. */
  #sorted: readonly string[] | undefined;
  #damaged = 0;
  #isDead = false;

  private constructor(options: SyncDelayOptions, files: Map<string, Uint8Array<ArrayBuffer>>) {
    this.#options = options;
    this.#files = files;
    this.#known = new Map(Array.from(files, ([hash, bytes]) => [hash, bytes.length]));
  }

  static make(options: SyncDelayOptions): MemoryBlocks {
    return new MemoryBlocks(options, new Map());
  }

  /** A store with just what was durable. This one's promises never settle from now on, and what it is given is lost. */
  crash(): MemoryBlocks {
    this.#isDead = true;
    for (const cancel of this.#cancels) cancel();
    return new MemoryBlocks(this.#options, new Map(this.#files));
  }

  /** For simulations: one bit of the block turns over, unnoticed. */
  damageBlock(hash: string): void {
    const bytes = this.#files.get(hash)?.slice();
    if (bytes === undefined) throw new TypeError(`block ${hash} isn't held`);
    const middle = bytes.length >>> 1;
    bytes.set([(bytes[middle] ?? 0) ^ 1], middle);
    this.#files.set(hash, bytes);
  }

  /** For simulations: the block's file is gone, unnoticed. */
  loseBlock(hash: string): void {
    if (!this.#files.delete(hash)) throw new TypeError(`block ${hash} isn't held`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  async read(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    await this.#alive();
    return this.#readVerified(hash)?.slice();
  }

  async write(hash: string, bytes: Uint8Array, isChecked = false): Promise<void> {
    if (!isChecked) checkBlock(hash, bytes);
    await this.#alive();
    const writing = this.#writing.get(hash);
    if (writing !== undefined) await writing;
    else if (this.#readVerified(hash) === undefined) await this.#place(hash, new Uint8Array(bytes));
  }

  has(hash: string): boolean {
    return this.#known.has(hash);
  }

  async verify(hash: string): Promise<boolean> {
    await this.#alive();
    return this.#readVerified(hash) !== undefined;
  }

  async remove(hash: string): Promise<void> {
    await this.#alive();
    await this.#writing.get(hash);
    this.#files.delete(hash);
    this.#forget(hash);
  }

  list(after: string, limit: number): readonly string[] {
    this.#sorted ??= Array.from(this.#known.keys()).sort();
    return firstAfter(this.#sorted, after, limit);
  }

  stats(): BlockStoreStats {
    const bytes = Array.from(this.#known.values()).reduce((sum, size) => sum + size, 0);
    return { blocks: this.#known.size, bytes, damaged: this.#damaged };
  }

  /** The stored bytes themselves, if they are those of the hash. */
  #readVerified(hash: string): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#files.get(hash);
    if (bytes !== undefined && blake3Hex(bytes) === hash) return bytes;
    if (this.#files.delete(hash)) this.#damaged++;
    this.#forget(hash);
    return undefined;
  }

  #place(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#isDead) return promise;
    this.#writing.set(hash, promise);
    const { timers, syncDelayMs } = this.#options;
    const cancel = timers.after(syncDelayMs(), () => {
      this.#cancels.delete(cancel);
      this.#writing.delete(hash);
      this.#files.set(hash, bytes);
      this.#known.set(hash, bytes.length);
      this.#sorted = undefined;
      resolve();
    });
    this.#cancels.add(cancel);
    return promise;
  }

  #forget(hash: string): void {
    if (this.#known.delete(hash)) this.#sorted = undefined;
  }

  /** A moment later; after a crash never. */
  async #alive(): Promise<void> {
    await Promise.resolve();
    if (this.#isDead) await new Promise(() => {});
  }
}
