/** Digests of sets of records: equal on two nodes if the sets are, whatever the order in which they were made. */

import { blake3Hex } from "../blake3.ts";
import type { RangeDigest } from "./content_store.ts";

/** Sums of hashes are modulo this. */
const MODULUS = 2 ** 48;
const HASH_DIGITS = 12;

export const EMPTY_DIGEST: RangeDigest = { count: 0, sum: 0 };

/** 48 bits of a live record's name (as name_text.ts writes it) and stamp. */
export function hashOfRecord(nameText: string, stamp: string): number {
  return Number.parseInt(blake3Hex(`${nameText}\n${stamp}`).slice(0, HASH_DIGITS), 16);
}

export function addDigests(a: RangeDigest, b: RangeDigest): RangeDigest {
  return { count: a.count + b.count, sum: (a.sum + b.sum) % MODULUS };
}

/** What is left of `a` without `b`, which is a part of it. */
export function subtractDigests(a: RangeDigest, b: RangeDigest): RangeDigest {
  return { count: a.count - b.count, sum: (a.sum - b.sum + MODULUS) % MODULUS };
}

/** How many of the first of `count` things end where the things are cut into `parts`: ascending, none of them 0 or `count`. */
export function cutRanks(count: number, parts: number): number[] {
  const ranks = new Set<number>();
  for (let part = 1; part < parts; part++) ranks.add(Math.floor(part * count / parts));
  ranks.delete(0);
  return Array.from(ranks);
}
