/** Where records and blocks belong: places in the id space of the nodes. */

import { blake3Hex } from "../blake3.ts";
import { keyOfHash } from "../dht/distance.ts";
import type { RecordName } from "../storage/record.ts";

/** All records of one key lie together: the object, its uploads, their parts. 40 hex digits. */
export function placeOf({ bucket, key }: RecordName): string {
  return keyOfHash(blake3Hex(`${bucket}/${key}`));
}

/** 40 hex digits. */
export function placeOfBlock(hash: string): string {
  return keyOfHash(hash);
}
