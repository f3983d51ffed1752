/** MD5 of small bodies at once: node:crypto takes as long to be called as it takes this to hash 1 KiB. */

import { createHash } from "node:crypto";
import { MD5_BLOCK_BYTES, MD5_START, md5Kernel, md5Table } from "./md5_kernel.ts";
import { openFunction, openMemory } from "./wasm_code.ts";

const PAGES = 2;
const STATE = 64 * 4;
const WORDS = MD5_START.length;
const MESSAGE = STATE + MD5_BLOCK_BYTES;
const LENGTH_BYTES = 8;
/** From here on node:crypto isn't slower. */
const BYTES_MAX = 65_536;

const memory = openMemory(PAGES);
const bytes = new Uint8Array(memory.buffer);
const words = new Uint32Array(memory.buffer);
const digest = new Uint8Array(4 * WORDS);
let kernel: ((table: number, state: number, message: number, blocks: number) => void) | undefined;

/** 32 hex digits. */
export function md5Hex(message: Uint8Array): string {
  const { length } = message;
  if (length > BYTES_MAX) return createHash("md5").update(message).digest("hex");
  kernel ??= openKernel();
  const blocks = Math.ceil((length + 1 + LENGTH_BYTES) / MD5_BLOCK_BYTES);
  const end = MESSAGE + blocks * MD5_BLOCK_BYTES;
  bytes.set(message, MESSAGE);
  bytes[MESSAGE + length] = 0x80;
  bytes.fill(0, MESSAGE + length + 1, end);
  words[(end - LENGTH_BYTES) / 4] = 8 * length;
  words.set(MD5_START, STATE / 4);
  kernel(0, STATE, MESSAGE, blocks);
  digest.set(bytes.subarray(STATE, STATE + digest.length));
  return digest.toHex();
}

function openKernel(): NonNullable<typeof kernel> {
  words.set(md5Table());
  return openFunction(md5Kernel(1), memory) as NonNullable<typeof kernel>;
}
