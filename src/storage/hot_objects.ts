/**
 * Objects that were read lately, in memory: their rows as committed, and the bytes of small ones. Whether the plain file
 * is still the one that the row describes is for the reader to see.
 */

import { LIMITS } from "../limits.ts";
import type { ObjectRow } from "./catalog_session.ts";
import { objectInfo } from "./object_row.ts";
import type { ObjectInfo } from "./object_store.ts";

export interface HotObject {
  readonly row: ObjectRow;
  readonly info: ObjectInfo;
  /** Absolute path under which the file was found by its key's plain name. */
  path: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

/** Two generations: the older is dropped when the younger is full. That costs a hit nothing, and keeps what is used. */
export class HotObjects {
  #young = new Map<string, Mutable<HotObject>>();
  #old = new Map<string, Mutable<HotObject>>();
  /** Of the younger generation. */
  #bytes = 0;

  find(bucket: string, key: string): HotObject | undefined {
    const id = objectId(bucket, key);
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old === undefined) return undefined;
    this.#old.delete(id);
    this.#enter(id, old);
    return old;
  }

  /** `row` must be what is committed. */
  add(row: ObjectRow): HotObject {
    const hot = { row, info: objectInfo(row), path: undefined, bytes: undefined };
    this.#enter(objectId(row.bucket, row.key), hot);
    return hot;
  }

  /** Keeps the bytes of an object as long as it is what it is. */
  keepBytes(hot: HotObject, bytes: Uint8Array<ArrayBuffer>): void {
    const kept = this.#young.get(objectId(hot.row.bucket, hot.row.key));
    if (kept !== hot || kept.bytes !== undefined) return;
    kept.bytes = bytes;
    this.#grow(bytes.length);
  }

  forget(bucket: string, key: string): void {
    const id = objectId(bucket, key);
    const young = this.#young.get(id);
    if (young !== undefined) {
      this.#bytes -= young.bytes?.length ?? 0;
      this.#young.delete(id);
    }
    this.#old.delete(id);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }

  #enter(id: string, hot: Mutable<HotObject>): void {
    this.#young.set(id, hot);
    this.#grow(hot.bytes?.length ?? 0);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    if (this.#young.size < LIMITS.hotObjectsMax / 2 && this.#bytes < LIMITS.hotBytesMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Of an object among all. */
export function objectId(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}
