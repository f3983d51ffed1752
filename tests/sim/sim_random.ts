/** Chance of a simulation: many independent streams from one seed, so that one more draw here changes nothing there. */

import { SeededRandom } from "../support/seed.ts";

/** The stream of that name; it also serves as the `Random` of src/clock.ts. */
export function randomFor(seed: number, name: string): SeededRandom {
  return new SeededRandom(mixed(seed, name));
}

/** FNV-1a over the seed and the name, then a finalizer: http://www.isthe.com/chongo/tech/comp/fnv/ */
function mixed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${name}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
