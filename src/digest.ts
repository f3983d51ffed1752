/** Checksums over bytes as they pass, by the fastest means that the runtime has for each. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { CRC_TABLES_BYTES, crcKernel, crcTables } from "./hashing/crc_kernel.ts";
import { openFunction, openMemory } from "./hashing/wasm_code.ts";

/** A checksum over bytes given one chunk after the other. Any number may be open at once; one left unfinished costs nothing. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /** Base64 of the checksum (CRCs big-endian). Ends the digest: to be called once. */
  base64(): string;
}

export function openCrc32(): Digest {
  return new ZlibCrc32();
}

export function openCrc32c(): Digest {
  return new WasmCrc(32, 0x82f63b78n);
}

export function openCrc64Nvme(): Digest {
  return new WasmCrc(64, 0x9a6c9329ac4bc9b5n);
}

export function openHash(name: "sha1" | "sha256"): Digest {
  return new NodeHash(name);
}

class NodeHash implements Digest {
  readonly #hash;

  constructor(name: "sha1" | "sha256") {
    this.#hash = createHash(name);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  base64(): string {
    return this.#hash.digest("base64");
  }
}

class ZlibCrc32 implements Digest {
  #crc = 0;

  update(chunk: Uint8Array): void {
    this.#crc = crc32(chunk, this.#crc);
  }

  base64(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc);
    return bytes.toString("base64");
  }
}

type CrcFunction = (state: bigint, from: number, to: number) => bigint;

/**
 * Each instance serves all digests of its CRC: a digest is the state, which is passed in and out. Made when it is needed first,
 * which takes a few milliseconds.
 */
class CrcEngine {
  readonly #memory = openMemory(PAGES);
  readonly #buffer = new Uint8Array(this.#memory.buffer, CRC_TABLES_BYTES);
  readonly #crc: CrcFunction;

  constructor(polynomial: bigint) {
    new BigUint64Array(this.#memory.buffer).set(crcTables(polynomial));
    this.#crc = openFunction(crcKernel(), this.#memory) as CrcFunction;
  }

  update(state: bigint, chunk: Uint8Array): bigint {
    const pieceBytes = this.#buffer.length;
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      this.#buffer.set(piece);
      state = this.#crc(state, CRC_TABLES_BYTES, CRC_TABLES_BYTES + piece.length);
    }
    return state;
  }
}

/** Of 64 KiB: half of one for the tables, the rest for what is to be taken in. */
const PAGES = 2;

const engines = new Map<bigint, CrcEngine>();

class WasmCrc implements Digest {
  readonly #engine: CrcEngine;
  readonly #widthBits: number;
  #state: bigint;

  constructor(widthBits: number, polynomial: bigint) {
    let engine = engines.get(polynomial);
    if (engine === undefined) engines.set(polynomial, engine = new CrcEngine(polynomial));
    this.#engine = engine;
    this.#widthBits = widthBits;
    this.#state = BigInt.asUintN(widthBits, -1n);
  }

  update(chunk: Uint8Array): void {
    this.#state = this.#engine.update(this.#state, chunk);
  }

  base64(): string {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt.asUintN(this.#widthBits, ~this.#state));
    return bytes.subarray(8 - this.#widthBits / 8).toString("base64");
  }
}
