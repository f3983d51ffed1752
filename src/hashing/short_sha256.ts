/**
 * SHA-256 and HMAC-SHA256 of short texts whose code units are bytes, as requests are signed over. A call of node:crypto costs 1 µs
 * before it hashes anything, and a signature takes nine; the processor's own instructions, which it has and this hasn't, gain
 * nothing over a few hundred bytes.
 */

import { createHash, createHmac } from "node:crypto";
import { SHA256_BLOCK_BYTES, SHA256_START, sha256Kernel } from "./sha256_kernel.ts";
import { openFunction, openMemory, PAGE_BYTES } from "./wasm_code.ts";

const PAGES = 1;
const WORDS = 8;
/** Where the message lies, behind the state. */
const MESSAGE = SHA256_BLOCK_BYTES;
const LENGTH_BYTES = 8;
/** Longer texts are left to node:crypto. */
const TEXT_MAX = 16_384;

const memory = openMemory(PAGES);
const bytes = new Uint8Array(memory.buffer, 0, PAGE_BYTES);
const words = new Uint32Array(memory.buffer, 0, PAGE_BYTES / 4);
const digest = new Uint8Array(4 * WORDS);
let kernel: ((state: number, message: number, blocks: number) => void) | undefined;

/** 64 hex digits. */
export function sha256Hex(text: string): string {
  if (text.length > TEXT_MAX) return createHash("sha256").update(text, "latin1").digest("hex");
  hash(SHA256_START, 0, writeText(text));
  return takeDigest().toHex();
}

/** The two states that every HMAC of a key begins with. */
export interface HmacKey {
  readonly key: Uint8Array;
  readonly inner: Uint32Array;
  readonly outer: Uint32Array;
}

/** RFC 2104, for keys no longer than a block. */
export function openHmacKey(key: Uint8Array): HmacKey {
  return { key, inner: stateOf(key, 0x36), outer: stateOf(key, 0x5c) };
}

/** 64 hex digits. */
export function hmacSha256Hex({ key, inner, outer }: HmacKey, text: string): string {
  if (text.length > TEXT_MAX) return createHmac("sha256", key).update(text, "latin1").digest("hex");
  hash(inner, SHA256_BLOCK_BYTES, writeText(text));
  bytes.set(takeDigest(), MESSAGE);
  hash(outer, SHA256_BLOCK_BYTES, digest.length);
  return takeDigest().toHex();
}

function stateOf(key: Uint8Array, pad: number): Uint32Array {
  for (let at = 0; at < SHA256_BLOCK_BYTES; at++) bytes[MESSAGE + at] = (key[at] ?? 0) ^ pad;
  words.set(SHA256_START);
  run(1);
  return words.slice(0, WORDS);
}

/** Of each code unit the lower half. Gives their number. */
function writeText(text: string): number {
  for (let at = 0; at < text.length; at++) bytes[MESSAGE + at] = text.charCodeAt(at);
  return text.length;
}

/** Leaves the state of the message of `length` bytes, which `before` bytes were before. */
function hash(start: Uint32Array, before: number, length: number): void {
  words.set(start);
  const blocks = Math.ceil((length + 1 + LENGTH_BYTES) / SHA256_BLOCK_BYTES);
  const end = MESSAGE + blocks * SHA256_BLOCK_BYTES;
  bytes[MESSAGE + length] = 0x80;
  bytes.fill(0, MESSAGE + length + 1, end);
  const bits = 8 * (before + length);
  for (let at = 1; at <= 4; at++) bytes[end - at] = bits >>> (8 * (at - 1));
  run(blocks);
}

function run(blocks: number): void {
  kernel ??= openKernel();
  kernel(0, MESSAGE, blocks);
}

function takeDigest(): Uint8Array<ArrayBuffer> {
  for (let at = 0; at < WORDS; at++) {
    const word = words[at] ?? 0;
    digest[4 * at] = word >>> 24;
    digest[4 * at + 1] = word >>> 16;
    digest[4 * at + 2] = word >>> 8;
    digest[4 * at + 3] = word;
  }
  return digest;
}

function openKernel(): NonNullable<typeof kernel> {
  return openFunction(sha256Kernel(), memory) as NonNullable<typeof kernel>;
}
