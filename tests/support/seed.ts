/** Chance in tests: seeded, printed, and replayed by one command. */

import { printLine } from "../../src/cli/print.ts";

/** The same numbers for the same seed, on every machine. */
export class SeededRandom {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, but without, `end`. */
  below(end: number): number {
    return Math.floor(this.#fraction() * end);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Throws for an empty list. */
  pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
    const index = this.below(items.length);
    if (index in items) return items[index] as T;
    throw new RangeError("nothing to pick from");
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** mulberry32, public domain: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
  #fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/**
 * Runs a random test with the seed of the environment variable `ZS3_TEST_SEED`, else a new one. Prints the seed, and with a
 * failure the command that runs `file` (the test's `import.meta.url`) with the same one.
 */
export async function withSeed(
  file: string,
  run: (random: SeededRandom) => Promise<void>,
): Promise<void> {
  const seed = environmentNumber("ZS3_TEST_SEED", crypto.getRandomValues(new Uint32Array(1))[0]);
  const path = file.replace(/^.*\/tests\//, "tests/");
  printLine(Deno.stdout, `${path}: seed ${seed}`);
  try {
    await run(new SeededRandom(seed));
  } catch (cause) {
    const command = `ZS3_TEST_SEED=${seed} deno test -A ${path}`;
    throw new Error(`failed with seed ${seed}; replay it with: ${command}`, { cause });
  }
}

/** A size or a count that a long run can raise; throws when the variable isn't a whole number. */
export function environmentNumber(name: string, usual = 0): number {
  const text = Deno.env.get(name);
  if (text === undefined || text === "") return usual;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new RangeError(`${name} must be a whole number, not ${text}`);
}
