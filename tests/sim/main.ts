/**
 * Runs simulations of a cluster, one for each seed, and tells which failed and how to see it again:
 * `deno task sim [--scenario=usual] [--seed=1] [--count=1000] [--nodes=N] [--faults=none|crash,stop,…]`; `--scenario=all` runs
 * each scenario with each seed. A single run that fails tells all. Ends with 1 if any failed.
 */

import { parseArgs } from "@std/cli/parse-args";
import { printLine } from "../../src/cli/print.ts";
import { ALL_FAULTS, type FaultKind } from "./nemesis.ts";
import { isScenarioName, runScenario, type ScenarioName, SCENARIOS } from "./scenarios.ts";

const args = parseArgs(Deno.args, {
  string: ["scenario", "seed", "count", "nodes", "faults"],
  default: { scenario: "usual", seed: "1", count: "1000" },
});
const first = parseCount("seed", args.seed);
const count = parseCount("count", args.count);
const names = parseScenarios(args.scenario);
const changes = {
  ...(args.nodes !== undefined && { nodes: parseCount("nodes", args.nodes) }),
  ...(args.faults !== undefined && { faults: parseFaults(args.faults) }),
};
const isAlone = count * names.length === 1;
const failed: string[] = [];
for (let seed = first; seed < first + count; seed++) {
  for (const name of names) await run(name, seed);
}
printLine(
  Deno.stdout,
  `${count * names.length - failed.length} of ${count * names.length} simulations passed`,
);
for (const command of failed) printLine(Deno.stdout, `  failed: ${command}`);
Deno.exit(failed.length === 0 ? 0 : 1);

async function run(name: ScenarioName, seed: number): Promise<void> {
  try {
    const { virtualMs, events, tally, objects, faults } = await runScenario(name, seed, changes);
    const { ok, refused, unavailable, lost, slowestMs } = tally;
    printLine(
      Deno.stdout,
      `${name}, seed ${seed}: ${faults.length} faults, ${events} events in ` +
        `${(virtualMs / 1000).toFixed(0)} s, ${ok} ok, ${refused} refused, ` +
        `${unavailable} unavailable, ${lost} lost, slowest ${slowestMs.toFixed(0)} ms, ` +
        `${objects} objects`,
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    printLine(Deno.stdout, isAlone ? message : `${name}, ${message.split("\n", 2).join("\n")}`);
    failed.push(commandFor(name, seed));
  }
}

function commandFor(name: ScenarioName, seed: number): string {
  const { nodes, faults } = args;
  return [
    `deno task sim --scenario="${name}" --seed=${seed} --count=1`,
    ...(nodes === undefined ? [] : [`--nodes=${nodes}`]),
    ...(faults === undefined ? [] : [`--faults=${faults}`]),
  ].join(" ");
}

function parseCount(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`--${flag} must be a whole number above 0`);
}

function parseScenarios(text: string): readonly ScenarioName[] {
  if (text === "all") return Object.keys(SCENARIOS).filter(isScenarioName);
  if (isScenarioName(text)) return [text];
  throw new RangeError(`there is no scenario ${text}: ${Object.keys(SCENARIOS).join(", ")}`);
}

function parseFaults(text: string): readonly FaultKind[] {
  if (text === "none") return [];
  return text.split(",").map((name) => {
    const kind = ALL_FAULTS.find((known) => known === name);
    if (kind === undefined) throw new RangeError(`there is no fault ${name}`);
    return kind;
  });
}
