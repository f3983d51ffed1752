/** Records as rows, and back. */

import { Buffer } from "node:buffer";
import { textToName } from "./name_text.ts";
import type { BlockRef, JsonObject, Record, RecordHead, RecordMark } from "./record.ts";

/** What tells how new a record is. */
export interface MarkRow {
  readonly version: string;
  /** JSON; null for none. */
  readonly patches: string | null;
}

export interface HeadRow extends MarkRow {
  readonly deleted: number;
  readonly name: string;
  /** JSON. */
  readonly data: string;
}

export interface BodyRow {
  /** Id of the row in `bodies`; null when the record has no bytes. */
  readonly body: number | null;
  readonly blocks: Uint8Array | null;
  readonly inline: Uint8Array<ArrayBuffer> | null;
}

const HASH_BYTES = 32;
const ENTRY_BYTES = HASH_BYTES + 4;

export function rowToMark({ version, patches }: MarkRow): RecordMark {
  return { version, patches: patches === null ? {} : JSON.parse(patches) as Record["patches"] };
}

export function rowToHead(row: HeadRow): RecordHead {
  const { kind, bucket, key, sub } = textToName(row.name);
  const { version, patches } = rowToMark(row);
  const isDeleted = row.deleted !== 0;
  return { kind, bucket, key, sub, version, isDeleted, data: toJson(row.data), patches };
}

export function rowToRecord(row: HeadRow & BodyRow): Record {
  const blocks = row.blocks === null ? [] : unpackBlocks(row.blocks);
  const isInline = row.body !== null && row.blocks === null;
  return {
    ...rowToHead(row),
    blocks,
    inline: isInline ? row.inline ?? new Uint8Array() : undefined,
  };
}

export function patchesToJson(patches: Record["patches"]): string | null {
  for (const _ in patches) return JSON.stringify(patches);
  return null;
}

export function packBlocks(blocks: readonly BlockRef[]): Uint8Array {
  const packed = Buffer.allocUnsafe(blocks.length * ENTRY_BYTES);
  for (const [index, { hash, size }] of blocks.entries()) {
    packed.write(hash, index * ENTRY_BYTES, HASH_BYTES, "hex");
    packed.writeUInt32BE(size, index * ENTRY_BYTES + HASH_BYTES);
  }
  return packed;
}

export function unpackBlocks(bytes: Uint8Array): BlockRef[] {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: packed.length / ENTRY_BYTES }, (_, index) => {
    const at = index * ENTRY_BYTES;
    return {
      hash: packed.toString("hex", at, at + HASH_BYTES),
      size: packed.readUInt32BE(at + HASH_BYTES),
    };
  });
}

export function hashToBytes(hash: string): Uint8Array {
  return Buffer.from(hash, "hex");
}

export function bytesToHash(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function toJson(text: string): JsonObject {
  return JSON.parse(text) as JsonObject;
}
