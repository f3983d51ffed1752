/** Where records and blocks belong: places in the id space of the nodes. */

import { blake3Hex } from "../blake3.ts";
import { keyOfHash } from "../dht/distance.ts";
import { LIMITS } from "../limits.ts";
import type { RecordName } from "../storage/record.ts";

/** Of the names that were asked for lately: each write asks five times, for its bucket and its key. */
const places = new Map<string, string>();

/** All records of one key lie together: the object, its uploads, their parts. 40 hex digits. */
export function placeOf({ bucket, key }: RecordName): string {
  const path = `${bucket}/${key}`;
  const known = places.get(path);
  if (known !== undefined) return known;
  const place = keyOfHash(blake3Hex(path));
  if (places.size >= LIMITS.placesKnownMax) places.clear();
  places.set(path, place);
  return place;
}

/** 40 hex digits. */
export function placeOfBlock(hash: string): string {
  return keyOfHash(hash);
}
