/** The objects of one bucket of the MemoryStore, kept in key order. */

import { type KeyPlace, listObjects, type Scan, type ScanRange } from "./listing.ts";
import { compareUtf8 } from "./names.ts";
import type {
  ByteRange,
  ListPage,
  ListQuery,
  ObjectInfo,
  ObjectPart,
  OpenObject,
} from "./object_store.ts";

/** One version of an object. Never changed, only replaced: whoever holds it holds a whole version. */
export interface StoredObject {
  readonly info: ObjectInfo;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parts: readonly ObjectPart[] | undefined;
}

export class MemoryObjects {
  readonly #objects = new Map<string, StoredObject>();
  /** Keys in UTF-8 order; undefined when a key came or went since it was sorted. */
  #sortedKeys: readonly string[] | undefined;

  get isEmpty(): boolean {
    return this.#objects.size === 0;
  }

  find(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  set(object: StoredObject): void {
    if (!this.#objects.has(object.info.key)) this.#sortedKeys = undefined;
    this.#objects.set(object.info.key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#sortedKeys = undefined;
  }

  list(query: ListQuery): ListPage {
    return listObjects(this.#scan, query);
  }

  readonly #scan: Scan<KeyPlace, ObjectInfo> = (range, limit) => {
    this.#sortedKeys ??= Array.from(this.#objects.keys()).sort(compareUtf8);
    const start = lowerIndex(this.#sortedKeys, range);
    const rows: ObjectInfo[] = [];
    for (const key of this.#sortedKeys.slice(start, start + limit)) {
      const object = this.#objects.get(key);
      const isWithin = range.to === undefined || compareUtf8(key, range.to) < 0;
      if (object === undefined || !isWithin) break;
      rows.push(object.info);
    }
    return rows;
  };
}

/** Index of the first key within the range's lower bound, by binary search. */
function lowerIndex(keys: readonly string[], { from }: ScanRange<KeyPlace>): number {
  const isBelow = (key: string) =>
    from.kind === "from" ? compareUtf8(key, from.key) < 0 : compareUtf8(key, from.place.key) <= 0;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBelow(keys[middle] ?? "")) low = middle + 1;
    else high = middle;
  }
  return low;
}

const WHOLE_BODY_BYTES_MAX = 64 * 1024;

/** Small bodies come as bytes and large ones as a stream, so that callers meet both. */
export function openStored({ info, bytes }: StoredObject): OpenObject {
  return {
    info,
    body: (range?: ByteRange) => {
      const wanted = range === undefined ? bytes : bytes.slice(range.start, range.end + 1);
      return wanted.length <= WHOLE_BODY_BYTES_MAX ? wanted.slice() : streamOf(wanted);
    },
    [Symbol.dispose]: () => {},
  };
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      const end = sent + WHOLE_BODY_BYTES_MAX;
      controller.enqueue(bytes.slice(sent, end));
      sent = end;
      if (sent >= bytes.length) controller.close();
    },
  });
}
