/** MD5 of bodies that pass through a buffer: by a thread of its own while that has room for another one, else at once. */

import { createHash, type Hash } from "node:crypto";
import { LIMITS } from "../limits.ts";
import { MD5_BLOCK_BYTES } from "./md5_kernel.ts";
import { startMd5Thread } from "./md5_thread.ts";
import { createMd5World, isAtRest, Md5Slot, type Md5World, stopMd5Thread } from "./md5_world.ts";

/** A buffer of two halves, filled in turn, and the MD5 of what was put into it. Give it back by disposing. */
export interface Md5Buffer extends Disposable {
  /** The half to fill next, from its beginning, once what was in it is hashed. The one before must be full. */
  next(): Promise<Uint8Array>;
  /** So many bytes more are there in the half that is being filled. */
  add(bytes: number): void;
  /** In hex; after the last byte. Needs both halves: what is in them must have been used. */
  digest(): Promise<string>;
}

/** The thread is started when it is needed first, and ended when it wasn't for a while. */
export class Md5Pool implements Disposable {
  #thread: Md5Thread | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  open(): Md5Buffer {
    clearTimeout(this.#idleTimer);
    return this.#start().findBuffer() ?? new PlainMd5Buffer();
  }

  /** Resolves when the thread has been started. Until then nobody waits for it. */
  async started(): Promise<void> {
    await this.#start().started;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idleTimer);
    this.#thread?.[Symbol.dispose]();
    this.#thread = undefined;
  }

  #start(): Md5Thread {
    return this.#thread ??= new Md5Thread(() => this.#whenIdle());
  }

  #whenIdle(): void {
    if (this.#thread === undefined) return;
    this.#idleTimer = setTimeout(() => this[Symbol.dispose](), LIMITS.md5IdleMsMax);
    Deno.unrefTimer(this.#idleTimer);
  }
}

class PlainMd5Buffer implements Md5Buffer {
  readonly #halves = [0, 1].map(() => new Uint8Array(LIMITS.md5HalfBytes));
  readonly #hash: Hash = createHash("md5");
  #half = new Uint8Array(0);
  #filled = 0;

  next(): Promise<Uint8Array> {
    const [next = this.#half] = this.#halves;
    this.#halves.reverse();
    this.#half = next;
    this.#filled = 0;
    return Promise.resolve(next);
  }

  add(bytes: number): void {
    this.#hash.update(this.#half.subarray(this.#filled, this.#filled + bytes));
    this.#filled += bytes;
  }

  digest(): Promise<string> {
    return Promise.resolve(this.#hash.digest("hex"));
  }

  [Symbol.dispose](): void {}
}

/** The thread as the main one sees it. */
class Md5Thread implements Disposable {
  readonly #world: Md5World = createMd5World(LIMITS.md5Slots, 2 * LIMITS.md5HalfBytes);
  readonly #worker: Worker = startMd5Thread(this.#world);
  readonly #free: number[] = Array.from({ length: LIMITS.md5Slots }, (_, slot) => slot);
  readonly #onIdle: () => void;
  readonly started: Promise<void>;
  #isRunning = false;

  /** `onIdle` is called whenever the last buffer was given back. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#worker.onmessage = () => {
      this.#isRunning = true;
      resolve();
    };
    this.#worker.onerror = (event) => {
      // All goes on without the thread, only slower.
      event.preventDefault();
      this[Symbol.dispose]();
    };
  }

  /** undefined when all slots are taken, and while the thread isn't running. */
  findBuffer(): Md5Buffer | undefined {
    if (!this.#isRunning) return undefined;
    const index = this.#free.findLastIndex((slot) => isAtRest(this.#world, slot));
    const [slot] = index === -1 ? [] : this.#free.splice(index, 1);
    if (slot === undefined) return undefined;
    const isAlone = () => this.#free.length === LIMITS.md5Slots - 1;
    return new SharedMd5Buffer(this.#world, slot, isAlone, () => this.#giveBack(slot));
  }

  [Symbol.dispose](): void {
    this.#isRunning = false;
    stopMd5Thread(this.#world);
    this.#worker.terminate();
  }

  #giveBack(slot: number): void {
    this.#free.push(slot);
    if (this.#free.length === LIMITS.md5Slots) this.#onIdle();
  }
}

class SharedMd5Buffer implements Md5Buffer {
  readonly #slot: Md5Slot;
  readonly #isAlone: () => boolean;
  #giveBack: (() => void) | undefined;
  #size = 0;

  constructor(world: Md5World, slot: number, isAlone: () => boolean, giveBack: () => void) {
    this.#slot = new Md5Slot(world, slot);
    this.#isAlone = isAlone;
    this.#giveBack = giveBack;
  }

  async next(): Promise<Uint8Array> {
    const { ring } = this.#slot;
    const halfBytes = ring.length / 2;
    // The more bodies have something when the thread wakes up, the more are hashed two at a time.
    if (this.#isAlone()) this.#slot.wake();
    await this.#slot.taken((this.#size - halfBytes) / MD5_BLOCK_BYTES);
    const at = this.#size % ring.length;
    return ring.subarray(at, at + halfBytes);
  }

  add(bytes: number): void {
    this.#size += bytes;
    this.#slot.give(Math.floor(this.#size / MD5_BLOCK_BYTES));
  }

  async digest(): Promise<string> {
    const { ring } = this.#slot;
    const end = md5End(this.#size);
    // Beyond the bytes that are there may be some of the half before, which are still to be hashed.
    await this.#slot.taken((this.#size + end.length - ring.length) / MD5_BLOCK_BYTES);
    for (const [index, byte] of end.entries()) ring[(this.#size + index) % ring.length] = byte;
    const blocks = (this.#size + end.length) / MD5_BLOCK_BYTES;
    this.#slot.give(blocks);
    await this.#slot.taken(blocks);
    return this.#slot.digest();
  }

  [Symbol.dispose](): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}

/** What MD5 puts after a message: a bit, zeros up to a whole block, and the length in bits. */
function md5End(size: number): Uint8Array {
  const end = new Uint8Array(MD5_BLOCK_BYTES - (size + 8) % MD5_BLOCK_BYTES + 8);
  end[0] = 0x80;
  new DataView(end.buffer).setBigUint64(end.length - 8, 8n * BigInt(size), true);
  return end;
}
