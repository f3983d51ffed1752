/**
 * `deno task bench`: how fast zs3 is, against what this machine could do and against other servers. See README.md beside this file.
 * Ends with 1 when a measurement failed, not when a target is missed.
 */

import { printLine } from "../src/cli/print.ts";
import { UsageError } from "../src/config/usage_error.ts";
import { Bench } from "./speed/bench.ts";
import { checkWrk, loads } from "./speed/load.ts";
import { type Options, parseOptions } from "./speed/options.ts";
import { describeMachine } from "./speed/machine.ts";
import { findPeers, type Peer } from "./speed/peers.ts";
import { tableLines, toJson } from "./speed/report.ts";
import { type Result, runScenario } from "./speed/run.ts";
import { SCENARIOS } from "./speed/scenarios.ts";

async function run(options: Options, peers: readonly Peer[]): Promise<number> {
  await using bench = await Bench.open(options, peers);
  using _signals = endOnSignals(bench);
  const machine = await describeMachine(bench.dir);
  const results: Result[] = [];
  for (const scenario of SCENARIOS) {
    const isAsked = options.only.test(scenario.name) && (options.isLarge || !scenario.isLarge);
    if (isAsked) results.push(await runScenario(bench, scenario));
  }
  for (const line of tableLines(bench, machine, results)) printLine(Deno.stdout, line);
  if (options.out !== undefined) {
    await Deno.writeTextFile(options.out, toJson(bench, machine, results));
  }
  return results.some(({ scenario, basisName, failures }) =>
      failures.has(scenario.judged) || failures.has(basisName ?? "")
    )
    ? 1
    : 0;
}

/** Servers that are paused don't end by themselves. */
function endOnSignals(bench: Bench): Disposable {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const listener = async () => {
    loads.abort();
    await bench[Symbol.asyncDispose]();
    Deno.exit(130);
  };
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) Deno.removeSignalListener(signal, listener);
    },
  };
}

async function main(words: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(words);
    await checkWrk();
    return await run(options, await findPeers(options.peers));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    printLine(Deno.stderr, error.message);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
