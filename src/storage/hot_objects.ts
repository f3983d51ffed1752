/**
 * Objects that were read lately, in memory: their rows as committed, and the bytes of small ones. Whether the plain file
 * is still the one that the row describes is for the reader to see.
 */

import { LIMITS } from "../limits.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import { Generations } from "./generations.ts";
import { objectId } from "./names.ts";
import { objectInfo } from "./object_row.ts";
import type { ObjectInfo } from "./object_store.ts";

export interface HotObject {
  readonly row: ObjectRow;
  readonly info: ObjectInfo;
  /** Absolute path under which the file was found by its key's plain name. */
  path: string | undefined;
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
}

export class HotObjects {
  readonly #objects = new Generations<Mutable<HotObject>>({
    entriesMax: LIMITS.hotObjectsMax,
    bytesMax: LIMITS.hotBytesMax,
    valueBytesMax: Infinity,
    sizeOf: (_id, { bytes }) => bytes?.length ?? 0,
  });

  find(bucket: string, key: string): HotObject | undefined {
    return this.#objects.find(objectId(bucket, key));
  }

  /** `row` must be what is committed. */
  add(row: ObjectRow): HotObject {
    const hot = { row, info: objectInfo(row), path: undefined, bytes: undefined };
    this.#objects.set(objectId(row.bucket, row.key), hot);
    return hot;
  }

  /** Keeps the bytes of an object as long as it is what it is. */
  keepBytes(hot: HotObject, bytes: Uint8Array<ArrayBuffer>): void {
    const kept = this.#objects.findYoung(objectId(hot.row.bucket, hot.row.key));
    if (kept !== hot || kept.bytes !== undefined) return;
    kept.bytes = bytes;
    this.#objects.grow(bytes.length);
  }

  forget(bucket: string, key: string): void {
    this.#objects.forget(objectId(bucket, key));
  }

  clear(): void {
    this.#objects.clear();
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
