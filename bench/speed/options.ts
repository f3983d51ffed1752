/** The command line of the benchmark. */

import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "../../src/config/usage_error.ts";

export interface Options {
  /** Of how the scenarios' names begin. */
  readonly only: RegExp;
  readonly rounds: number;
  /** Of each load. Whole, as wrk wants it. */
  readonly seconds: number;
  readonly peers: "auto" | readonly string[];
  /** Where the results go as JSON, if anywhere. */
  readonly out: string | undefined;
  /** How zs3 is started, without its flags. */
  readonly zs3: readonly string[];
  /** Another zs3, to be measured in the same rounds. */
  readonly before: readonly string[] | undefined;
  /** Whether the scenarios with large buckets are run, and how many keys those have. */
  readonly isLarge: boolean;
  readonly keys: number;
}

const ROOT = new URL("../../", import.meta.url).pathname;
const TEXTS = ["only", "rounds", "seconds", "peers", "out", "zs3", "before", "keys"] as const;

/** Throws UsageError for what it doesn't understand. */
export function parseOptions(words: readonly string[]): Options {
  const given = parseArgs([...words], {
    string: TEXTS,
    boolean: ["large"],
    negatable: ["large"],
    default: { large: undefined },
    unknown: (word: string) => {
      throw new UsageError(`unknown argument ${word}: bench/README.md lists all`);
    },
  });
  const isFull = given.only === undefined;
  return {
    only: parseOnly(given.only ?? ""),
    rounds: parseCount("rounds", given.rounds ?? "3"),
    seconds: parseCount("seconds", given.seconds ?? "3"),
    peers: parsePeers(given.peers ?? "auto"),
    out: given.out ?? (isFull ? `${ROOT}bench/results/speed.json` : undefined),
    zs3: toWords(given.zs3 ?? `${Deno.execPath()} run -A ${ROOT}main.ts`),
    before: given.before === undefined ? undefined : toWords(given.before),
    isLarge: given.large ?? isFull,
    keys: parseCount("keys", given.keys ?? "1000000"),
  };
}

function parseOnly(text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})`);
  } catch {
    throw new UsageError(`--only is a regular expression, not ${text}`);
  }
}

function parseCount(name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UsageError(`--${name} is a whole number above 0, not ${JSON.stringify(text)}`);
}

function parsePeers(text: string): "auto" | readonly string[] {
  if (text === "auto") return "auto";
  return text === "none" ? [] : text.split(",");
}

function toWords(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
