/**
 * The XOR metric over ids of 160 bits in hex. Distances are compared and never computed: as numbers they wouldn't fit (a double
 * keeps 53 of the bits), as BigInts they would cost an allocation for each comparison.
 */

import type { Random } from "../clock.ts";
import type { NodeId } from "../peer/transport.ts";
import type { DhtKey } from "./dht.ts";

export const ID_BITS = 160;
const ID_DIGITS = ID_BITS / 4;

/** Whether the text is a node id or key in the one form that is used: 40 hex digits in lower case. */
export function isId(text: unknown): text is DhtKey {
  return typeof text === "string" && /^[0-9a-f]{40}$/.test(text);
}

/** The place in the table of content with this 256-bit hash (64 hex digits): its first 160 bits. */
export function keyOfHash(hash: string): DhtKey {
  return hash.slice(0, ID_DIGITS);
}

/** Below zero when `a` is nearer to the target than `b`, above when it is farther, zero when they are the same id. */
export function compareDistance(target: DhtKey, a: NodeId, b: NodeId): number {
  for (let index = 0; index < ID_DIGITS; index++) {
    const digitA = a.charCodeAt(index);
    const digitB = b.charCodeAt(index);
    if (digitA === digitB) continue;
    const digit = hexValue(target.charCodeAt(index));
    return (hexValue(digitA) ^ digit) - (hexValue(digitB) ^ digit);
  }
  return 0;
}

/** How many bits both begin with: 160 for the same id. */
export function commonPrefixBits(a: NodeId, b: NodeId): number {
  for (let index = 0; index < ID_DIGITS; index++) {
    const difference = hexValue(a.charCodeAt(index)) ^ hexValue(b.charCodeAt(index));
    if (difference !== 0) return 4 * index + Math.clz32(difference) - 28;
  }
  return ID_BITS;
}

/** i for a distance from 2^i up to, but without, 2^(i+1), as the paper counts buckets; -1 for the id itself. */
export function bucketIndex(self: NodeId, id: NodeId): number {
  return ID_BITS - 1 - commonPrefixBits(self, id);
}

/**
 * The `limit` contacts nearest to the target, nearest first. Made for a small limit: then it costs little more than one comparison
 * for each contact.
 */
export function nearest<T extends { readonly id: NodeId }>(
  target: DhtKey,
  contacts: Iterable<T>,
  limit: number,
): T[] {
  const found: T[] = [];
  if (limit <= 0) return found;
  for (const contact of contacts) {
    const last = found[limit - 1];
    if (last === undefined) insertByDistance(target, found, contact);
    else if (compareDistance(target, contact.id, last.id) < 0) {
      found.pop();
      insertByDistance(target, found, contact);
    }
  }
  return found;
}

/** Inserts into a list that is in the order of distance, after those of the same id. */
export function insertByDistance<T extends { readonly id: NodeId }>(
  target: DhtKey,
  list: T[],
  item: T,
): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && compareDistance(target, other.id, item.id) <= 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

/** A random id that begins with just the first `bits` bits of `id`; with all 160 it is `id`. */
export function randomIdSharing(id: NodeId, bits: number, random: Random): NodeId {
  const chance = random.bytes(ID_DIGITS);
  let text = id.slice(0, bits >>> 2);
  for (let index = text.length; index < ID_DIGITS; index++) {
    const drawn = (chance[index] ?? 0) & 15;
    text += (index === bits >>> 2 ? splitDigit(id, bits, drawn) : drawn).toString(16);
  }
  return text;
}

/** The digit in which the ids part: the shared bits, then the opposite of the next one, then those drawn. */
function splitDigit(id: NodeId, bits: number, drawn: number): number {
  const digit = hexValue(id.charCodeAt(bits >>> 2));
  const parting = 8 >>> (bits & 3);
  return (digit & ~(2 * parting - 1)) | (~digit & parting) | (drawn & (parting - 1));
}

/** Of the code of one of 0-9 and a-f. */
function hexValue(code: number): number {
  return (code & 15) + (code >> 6) * 9;
}
