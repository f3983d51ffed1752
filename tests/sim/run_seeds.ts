/**
 * Runs simulations of a cluster, one for each seed: `deno run -A tests/sim/run_seeds.ts FIRST [COUNT] [FAULTS]`, where FAULTS is
 * `none` or kinds as `crash,stop`. One line for each seed; a failing one tells all when it is run alone. Ends with 1 if any failed.
 */

import { printLine } from "../../src/cli/print.ts";
import { clusterNodes } from "./cluster_nodes.ts";
import { simulate } from "./cluster_sim.ts";
import { ALL_FAULTS, type FaultKind } from "./nemesis.ts";

const NODES = 3;
const REPLICAS = 3;

const [first = "1", count = "1", faultNames = ALL_FAULTS.join(",")] = Deno.args;
const faults = parseFaults(faultNames);
const isAlone = Number(count) === 1;
let failures = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) await runSeed(seed);
printLine(Deno.stdout, `${Number(count) - failures} of ${count} seeds passed`);
Deno.exit(failures === 0 ? 0 : 1);

async function runSeed(seed: number): Promise<void> {
  try {
    const options = { seed, openNode: clusterNodes(), nodes: NODES, replicas: REPLICAS, faults };
    const { virtualMs, events, tally, objects, faults: done } = await simulate(options);
    const { ok, refused, unavailable, lost, slowestMs } = tally;
    printLine(
      Deno.stdout,
      `seed ${seed}: ${done.length} faults, ${events} events in ${
        (virtualMs / 1000).toFixed(0)
      } s, ` +
        `${ok} ok, ${refused} refused, ${unavailable} unavailable, ${lost} lost, ` +
        `slowest ${slowestMs.toFixed(0)} ms, ${objects} objects`,
    );
  } catch (error) {
    failures++;
    const message = error instanceof Error ? error.message : String(error);
    printLine(Deno.stdout, isAlone ? message : message.split("\n", 2).join("\n"));
    printLine(
      Deno.stdout,
      `  replay: deno run -A tests/sim/run_seeds.ts ${seed} 1 ${faultNames}`,
    );
  }
}

function parseFaults(names: string): readonly FaultKind[] {
  if (names === "none") return [];
  return names.split(",").map((name) => {
    const kind = ALL_FAULTS.find((known) => known === name);
    if (kind === undefined) throw new RangeError(`there is no fault ${name}`);
    return kind;
  });
}
