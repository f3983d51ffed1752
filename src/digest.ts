/** Checksums over bytes as they pass, by the fastest means that the runtime has for each. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { createCRC32, createCRC64 } from "hash-wasm";

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
  return new WasmCrc(crc32c);
}

export function openCrc64Nvme(): Digest {
  return new WasmCrc(crc64nvme);
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

type CrcEngine = Awaited<ReturnType<typeof createCRC32>>;

// Making an engine is asynchronous and takes 70 µs; an update of a digest must be neither. So there is one engine for each CRC,
// and a digest is the few bytes of state (12 at most) that are loaded into it for the length of an update: 1.4 µs.
const [crc32c, crc64nvme] = await Promise.all([
  createCRC32(0x82f63b78),
  createCRC64("9a6c9329ac4bc9b5"),
]);

class WasmCrc implements Digest {
  readonly #engine: CrcEngine;
  #state: Uint8Array;

  constructor(engine: CrcEngine) {
    this.#engine = engine;
    this.#state = engine.init().save();
  }

  update(chunk: Uint8Array): void {
    this.#state = this.#engine.load(this.#state).update(chunk).save();
  }

  base64(): string {
    const hex = this.#engine.load(this.#state).digest("hex");
    return Buffer.from(hex, "hex").toString("base64");
  }
}
