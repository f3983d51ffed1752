/** Takes a body in: small ones stay whole, larger ones become blocks on the nodes that should have them, while the bytes pass. */

import { createHash, type Hash } from "node:crypto";
import { blake3Hex } from "../blake3.ts";
import type { Budget } from "../budget.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { BlockRef } from "../storage/record.ts";
import type { Body, BodyDigest } from "../storage/object_store.ts";
import { takeAll } from "../storage/take_all.ts";
import type { Timers } from "../timers.ts";
import type { BlockExchange } from "./block_exchange.ts";

/** The bytes of an object or part, as they stand in its record. */
export interface Content {
  readonly blocks: readonly BlockRef[];
  readonly inline: Uint8Array<ArrayBuffer> | undefined;
}

export interface Intake {
  readonly content: Content;
  readonly digest: BodyDigest;
  /** When the oldest of the blocks was last known to be kept, by the process's clock. */
  readonly heldSince: number;
}

export interface BodyIntakeOptions {
  readonly exchange: Pick<BlockExchange, "store" | "renew">;
  readonly budget: Budget;
  readonly timers: Timers;
  /** How long a block that nobody refers to is kept at least. */
  readonly leaseMs: number;
  /** Bodies below this size stay whole; 0 for none. */
  readonly inlineBytes: number;
}

/** Throws what the body throws, ServiceUnavailable, StorageFull, EntityTooLarge; what was stored by then is garbage. */
export async function takeBody(
  body: Body,
  sizeHint: number | undefined,
  options: BodyIntakeOptions,
): Promise<Intake> {
  const intake = new BodyIntake(options, blockBytesFor(sizeHint), sizeHint);
  // Short ones come in one chunk or two, for which it isn't worth while to use memory again.
  const isLong = (sizeHint ?? Infinity) > LIMITS.readBodyBytesAtOnce;
  try {
    await takeAll(body, (chunk) => intake.take(chunk), () => isLong);
    return await intake.end();
  } finally {
    await intake.close();
  }
}

/** Larger blocks for larger bodies, so that the lists of blocks stay short. */
export function blockBytesFor(sizeHint: number | undefined): number {
  const size = sizeHint ?? 0;
  if (size > 256 * LIMITS.blockBytes) return 4 * LIMITS.blockBytes;
  return size > 64 * LIMITS.blockBytes ? 2 * LIMITS.blockBytes : LIMITS.blockBytes;
}

class BodyIntake {
  readonly #options: BodyIntakeOptions;
  readonly #blockBytes: number;
  readonly #md5: Hash = createHash("md5");
  readonly #blocks: BlockRef[] = [];
  readonly #storing = new Set<Promise<void>>();
  #fault: { readonly error: unknown } | undefined;
  #size = 0;
  readonly #sizeHint: number | undefined;
  /** The block being filled, and how far it is. */
  #held = new Uint8Array(0);
  #heldBytes = 0;
  #heldSince: number;
  #renewing: Promise<void> | undefined;

  constructor(options: BodyIntakeOptions, blockBytes: number, sizeHint: number | undefined) {
    this.#options = options;
    this.#sizeHint = sizeHint;
    this.#blockBytes = blockBytes;
    this.#heldSince = options.timers.elapsed();
  }

  /** Copies the chunk. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#md5.update(chunk);
    if (this.#blocks.length > 0) this.#renewInTime();
    for (let rest = chunk; rest.length > 0;) {
      if (this.#heldBytes === this.#held.length) this.#makeRoom();
      const piece = rest.subarray(0, this.#held.length - this.#heldBytes);
      this.#held.set(piece, this.#heldBytes);
      this.#heldBytes += piece.length;
      this.#size += piece.length;
      rest = rest.subarray(piece.length);
      if (this.#heldBytes === this.#blockBytes) await this.#storeBlock();
    }
  }

  async end(): Promise<Intake> {
    const digest = { md5: this.#md5.digest("hex"), size: this.#size };
    if (this.#blocks.length === 0 && this.#size < this.#options.inlineBytes) {
      const inline = this.#size === 0 ? undefined : this.#takeHeld();
      return { content: { blocks: [], inline }, digest, heldSince: Infinity };
    }
    if (this.#heldBytes > 0) await this.#storeBlock();
    await Promise.all(this.#storing);
    await this.#renewing;
    this.#throwFault();
    const content = { blocks: this.#blocks, inline: undefined };
    return { content, digest, heldSince: this.#heldSince };
  }

  /** Waits for what is under way, so that no memory is given back while it is in use. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#storing, this.#renewing]);
  }

  async #storeBlock(): Promise<void> {
    if (this.#blocks.length >= LIMITS.objectBlocksMax) throw new S3Error("EntityTooLarge");
    // Each is held several times on its way to the others, so only few large ones; the next comes in meanwhile.
    const atOnce = LIMITS.blockBytesAtOncePerUpload / this.#blockBytes;
    while (this.#storing.size >= atOnce) await Promise.race(this.#storing);
    // Only whole blocks take from the budget: a client that sends slowly keeps nobody else from it.
    const grant = await this.#options.budget.take(this.#heldBytes);
    const bytes = this.#takeHeld();
    const hash = blake3Hex(bytes);
    this.#blocks.push({ hash, size: bytes.length });
    const storing: Promise<void> = this.#options.exchange.store(hash, bytes).catch((error) => {
      this.#fault ??= { error };
    }).finally(() => {
      grant[Symbol.dispose]();
      this.#storing.delete(storing);
    });
    this.#storing.add(storing);
    this.#throwFault();
  }

  /** For what is announced, else for a whole block. */
  #makeRoom(): void {
    const left = (this.#sizeHint ?? 0) - this.#size;
    const isFirst = this.#heldBytes === 0;
    const room = isFirst && left > 0 ? Math.min(left, this.#blockBytes) : this.#blockBytes;
    const held = new Uint8Array(room);
    held.set(this.#held);
    this.#held = held;
  }

  #takeHeld(): Uint8Array<ArrayBuffer> {
    const isWhole = this.#heldBytes === this.#held.length;
    const bytes = isWhole ? this.#held : this.#held.slice(0, this.#heldBytes);
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    return bytes;
  }

  /** A body may take longer to come in than a block without a record is kept. */
  #renewInTime(): void {
    const { timers, leaseMs } = this.#options;
    if (this.#renewing !== undefined || timers.elapsed() - this.#heldSince < leaseMs / 4) return;
    this.#renewing = this.#renew().catch((error) => {
      this.#fault ??= { error };
    }).finally(() => this.#renewing = undefined);
  }

  async #renew(): Promise<void> {
    const { timers, exchange } = this.#options;
    const since = timers.elapsed();
    await Promise.all(this.#storing);
    await renewAll(exchange, this.#blocks);
    this.#heldSince = since;
  }

  #throwFault(): void {
    if (this.#fault !== undefined) throw this.#fault.error;
  }
}

/** Throws ServiceUnavailable when one of the blocks isn't on enough nodes any more. */
export async function renewAll(
  exchange: Pick<BlockExchange, "renew">,
  blocks: readonly BlockRef[],
): Promise<void> {
  const hashes = Array.from(new Set(blocks.map(({ hash }) => hash)));
  const missing = await exchange.renew(hashes);
  if (missing.length === 0) return;
  throw new S3Error("ServiceUnavailable", {
    message: `${missing.length} of the blocks of this object are no longer on enough nodes. ` +
      "Please upload it again.",
    headers: { "retry-after": "1" },
  });
}
