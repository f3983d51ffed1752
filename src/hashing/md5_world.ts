/**
 * The memory that the main thread shares with the one that computes MD5. It has slots, each with a ring of bytes: the main thread
 * fills it and counts up the blocks that it has given, the other one those that it has taken.
 */

import { Buffer } from "node:buffer";
import { MD5_START, md5Kernel, md5Table } from "./md5_kernel.ts";
import { encodeModule, openMemory, PAGE_BYTES } from "./wasm_code.ts";

/** Where things are, in bytes. */
export interface Md5World {
  readonly memory: WebAssembly.Memory;
  /** Imports the memory; exports the kernels. */
  readonly module: WebAssembly.Module;
  /** Of a word that changes whenever there is something to do. */
  readonly bell: number;
  /** Of a word that isn't 0 when the thread is to end. */
  readonly isStopped: number;
  /** Of the kernels' table. */
  readonly table: number;
  readonly slots: number;
  /** Of the first slot's words `given` and `taken` and its 16 bytes of state. */
  readonly heads: number;
  readonly headBytes: number;
  /** Of the first slot's ring. */
  readonly rings: number;
  /** A whole number of blocks in each half. */
  readonly ringBytes: number;
}

const HEADS = 1024;
const HEAD_BYTES = 64;

export function createMd5World(slots: number, ringBytes: number): Md5World {
  const rings = Math.ceil((HEADS + slots * HEAD_BYTES) / PAGE_BYTES) * PAGE_BYTES;
  const pages = Math.ceil((rings + slots * ringBytes) / PAGE_BYTES);
  const memory = openMemory(pages);
  const module = new WebAssembly.Module(encodeModule([md5Kernel(1), md5Kernel(2)], pages));
  const table = 256;
  const constants = md5Table();
  new Uint32Array(memory.buffer, table, constants.length).set(constants);
  const places = { bell: 0, isStopped: 4, table, heads: HEADS, rings };
  return { memory, module, slots, headBytes: HEAD_BYTES, ringBytes, ...places };
}

export function stopMd5Thread(world: Md5World): void {
  const words = new Int32Array(world.memory.buffer);
  Atomics.store(words, world.isStopped / 4, 1);
  ringBell(words, world);
  for (let slot = 0; slot < world.slots; slot++) {
    Atomics.notify(words, headOf(world, slot) / 4 + 1);
  }
}

/** Whether the thread has nothing to do in this slot: what a body that broke off has given is hashed to its end. */
export function isAtRest(world: Md5World, slot: number): boolean {
  const words = new Int32Array(world.memory.buffer);
  const at = headOf(world, slot) / 4;
  return Atomics.load(words, at) === Atomics.load(words, at + 1);
}

/** One message in a slot, which must be at rest. */
export class Md5Slot {
  readonly ring: Uint8Array;
  readonly #world: Md5World;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #given: number;
  readonly #taken: number;

  constructor(world: Md5World, slot: number) {
    const { memory, rings, ringBytes } = world;
    this.#world = world;
    this.ring = new Uint8Array(memory.buffer, rings + slot * ringBytes, ringBytes);
    this.#words = new Int32Array(memory.buffer);
    this.#given = headOf(world, slot) / 4;
    this.#taken = this.#given + 1;
    this.#words.set([0, 0, ...MD5_START], this.#given);
  }

  /** So many blocks of the message are in the ring, or have been. */
  give(blocks: number): void {
    Atomics.store(this.#words, this.#given, blocks);
  }

  /** Wakes the thread, should it have nothing to do. */
  wake(): void {
    ringBell(this.#words, this.#world);
  }

  /** Resolves when so many blocks are hashed. Throws when the thread has ended. */
  async taken(blocks: number): Promise<void> {
    for (;;) {
      const taken = Atomics.load(this.#words, this.#taken);
      if (taken >= blocks) return;
      if (Atomics.load(this.#words, this.#world.isStopped / 4) !== 0) {
        throw new Error("the thread that computes MD5 has ended");
      }
      this.wake();
      await Atomics.waitAsync(this.#words, this.#taken, taken).value;
    }
  }

  /** In hex; once all blocks are taken. */
  digest(): string {
    return Buffer.from(this.#words.slice(this.#taken + 1, this.#taken + 5).buffer).toString("hex");
  }
}

function headOf({ heads, headBytes }: Md5World, slot: number): number {
  return heads + slot * headBytes;
}

function ringBell(words: Int32Array<ArrayBufferLike>, { bell }: Md5World): void {
  Atomics.add(words, bell / 4, 1);
  Atomics.notify(words, bell / 4);
}
