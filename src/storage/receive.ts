/** Takes a body in: small ones into memory, large ones into a temp file, hashed while the bytes pass. */

import { createHash, type Hash } from "node:crypto";
import { LIMITS } from "../limits.ts";
import type { Files, OpenFile } from "./files.ts";
import type { FileTree } from "./file_tree.ts";
import type { Body, BodyDigest } from "./object_store.ts";
import type { Room } from "./room.ts";

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
  /** Bodies up to this size are kept in memory. */
  readonly bytesMax: number;
  /** Whether a temp file must have reached stable storage when the body counts as received. */
  readonly isSynced: boolean;
  /** Modification time to give a temp file. */
  readonly mtime: number;
}

/** Throws what the body throws, and StorageFull; then nothing is left of it. */
export async function receiveBody(body: Body, options: ReceiveOptions): Promise<Received> {
  const receiver = new Receiver(options);
  try {
    for await (const chunk of body) await receiver.take(chunk);
    return await receiver.end();
  } catch (error) {
    await receiver.discard();
    throw error;
  }
}

/** Removes the temp file of a body that isn't wanted after all. */
export async function discardReceived(received: Received, tree: FileTree): Promise<void> {
  if (received.kind === "temp") await tree.discard([received.temp]);
}

class Receiver {
  readonly #options: ReceiveOptions;
  readonly #md5: Hash = createHash("md5");
  #size = 0;
  /** Taken and not yet written. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #temp: { readonly name: string; readonly file: OpenFile } | undefined;
  #writing: Promise<void> | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
  }

  async take(chunk: Uint8Array): Promise<void> {
    if (chunk.length === 0) return;
    this.#md5.update(chunk);
    this.#size += chunk.length;
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const isDue = this.#temp === undefined
      ? this.#size > this.#options.bytesMax
      : this.#heldBytes >= LIMITS.writeBytesAtOnce;
    if (isDue) await this.#write((this.#temp ??= this.#createTemp()).file);
  }

  async end(): Promise<Received> {
    const digest = { md5: this.#md5.digest("hex"), size: this.#size };
    if (this.#temp === undefined && this.#size <= this.#options.bytesMax) {
      return { kind: "bytes", bytes: joined(this.#held, this.#size), digest };
    }
    const { name, file } = this.#temp ??= this.#createTemp();
    await this.#write(file);
    await this.#writing;
    file.setMtime(this.#options.mtime);
    if (this.#options.isSynced) {
      await file.sync();
      await this.#options.files.sync(this.#options.tree.tempDir);
    }
    file.close();
    return { kind: "temp", temp: name, digest };
  }

  /** Waits for the write under way, so that no one writes to a file that is gone. */
  async discard(): Promise<void> {
    if (this.#temp === undefined) return;
    await this.#writing?.catch(() => {});
    this.#temp.file.close();
    await this.#options.tree.discard([this.#temp.name]);
  }

  /** Starts writing what is held; the next chunk may arrive and be hashed meanwhile. */
  async #write(file: OpenFile): Promise<void> {
    this.#options.room.require(this.#heldBytes);
    const chunks = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    await this.#writing;
    const writing = writeAll(file, chunks);
    // The failure is thrown by whoever awaits it next; until then it must not count as unhandled.
    writing.catch(() => {});
    this.#writing = writing;
  }

  #createTemp(): { name: string; file: OpenFile } {
    const { tree, files } = this.#options;
    const name = tree.newTempName();
    return { name, file: files.create(tree.tempPath(name)) };
  }
}

async function writeAll(file: OpenFile, chunks: readonly Uint8Array[]): Promise<void> {
  if (chunks.length === 0) return;
  await file.write(joined(chunks, chunks.reduce((sum, chunk) => sum + chunk.length, 0)));
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
