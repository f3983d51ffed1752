/** Takes a body in: small ones into memory, large ones into a temp file, hashed while the bytes pass. */

import { joinBytes } from "../bytes.ts";
import { md5Hex } from "../hashing/short_md5.ts";
import type { Md5Pool } from "../hashing/md5_pool.ts";
import type { Files } from "./files.ts";
import type { FileTree } from "./file_tree.ts";
import type { Body, BodyDigest } from "./object_store.ts";
import type { PartPlace } from "./part_places.ts";
import type { Room } from "./room.ts";
import { Spool } from "./spool.ts";
import { takeAll } from "./take_all.ts";

/** A body that has arrived whole. Its temp file, if it has one, belongs to whoever holds this. */
export type Received =
  & { readonly digest: BodyDigest }
  & (
    | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
    | { readonly kind: "temp"; readonly temp: string }
  );

export interface ReceiveOptions {
  readonly tree: FileTree;
  readonly files: Files;
  readonly room: Room;
  readonly md5s: Md5Pool;
  /** Bodies up to this size are kept in memory. */
  readonly bytesMax: number;
  /** Whether a temp file must have reached stable storage when the body counts as received. */
  readonly isSynced: boolean;
  /** Modification time to give a temp file. */
  readonly mtime: number;
  /** Where to write a body that isn't kept in memory; a new temp file when not given. */
  readonly place?: PartPlace;
}

/** Throws what the body throws, and StorageFull; then nothing is left of it but in a shared file. */
export async function receiveBody(body: Body, options: ReceiveOptions): Promise<Received> {
  const receiver = new Receiver(options);
  try {
    await takeAll(body, (chunk) => receiver.take(chunk), () => !receiver.holds);
    return await receiver.end();
  } catch (error) {
    await receiver.discard();
    throw error;
  }
}

class Receiver {
  readonly #options: ReceiveOptions;
  #size = 0;
  /** All that has arrived, while it may stay in memory. */
  #held: Uint8Array[] = [];
  #spool: Spool | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
  }

  /** Whether the chunks taken are still needed. */
  get holds(): boolean {
    return this.#spool === undefined;
  }

  async take(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#spool !== undefined) await this.#spool.take(chunk);
    else {
      this.#held.push(chunk);
      if (this.#size > this.#options.bytesMax) await this.#openSpool();
    }
  }

  async end(): Promise<Received> {
    const size = this.#size;
    if (size <= this.#options.bytesMax) {
      const bytes = joined(this.#held, size);
      return { kind: "bytes", bytes, digest: { md5: md5Hex(bytes), size } };
    }
    const spool = this.#spool ?? await this.#openSpool();
    const { temp, md5 } = await spool.end();
    return { kind: "temp", temp, digest: { md5, size } };
  }

  async discard(): Promise<void> {
    await this.#spool?.discard();
  }

  async #openSpool(): Promise<Spool> {
    const spool = new Spool(this.#options);
    this.#spool = spool;
    for (const chunk of this.#held.splice(0)) await spool.take(chunk);
    return spool;
  }
}

/** A chunk that came alone, in memory of its own, as it is. */
function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first?.length === size && first.buffer instanceof ArrayBuffer) {
    if (first.buffer.byteLength === size) return new Uint8Array(first.buffer);
  }
  return joinBytes(chunks, size);
}
