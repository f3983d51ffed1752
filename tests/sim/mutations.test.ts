/**
 * The simulator finds out when one of the rules is broken on which the promises of a cluster rest (src/cluster/rules.ts): each
 * mutation fails in one of the first seeds of its scenario, and all of these seeds pass without it.
 * `isPastGrace` isn't among them: Garbage.round looks at nothing younger, so that the rule's own look changes nothing.
 */

import { assert } from "@std/assert";
import { CLUSTER_RULES } from "../../src/cluster/rules.ts";
import { printLine } from "../../src/cli/print.ts";
import { S3Error } from "../../src/errors.ts";
import type { VersionClock } from "../../src/cluster/hybrid_clock.ts";
import type { NodeId } from "../../src/peer/transport.ts";
import type { Timers } from "../../src/timers.ts";
import { readThenLose, referAgainElsewhere, uploadSlowly } from "./aimed.ts";
import type { ClusterNodesOptions } from "./cluster_nodes.ts";
import { BrokenPromise } from "./history.ts";
import { runScenario, type ScenarioName } from "./scenarios.ts";

interface Mutation {
  readonly name: string;
  readonly run: (seed: number, broken?: ClusterNodesOptions) => Promise<unknown>;
  /** It is caught by one of the seeds from 1 to here. */
  readonly seeds: number;
  readonly broken: ClusterNodesOptions;
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: "one node is enough for a write",
    run: scenario("usual"),
    seeds: 10,
    broken: { rules: { writesNeeded: () => 1 } },
  },
  {
    name: "one node is enough for a read",
    run: scenario("usual"),
    seeds: 10,
    broken: { rules: { readsNeeded: () => 1 } },
  },
  {
    name: "a read takes the older of two copies",
    run: scenario("usual"),
    seeds: 10,
    broken: { rules: { merge: (a, b) => CLUSTER_RULES.merge(a, b) === a ? b : a } },
  },
  {
    name: "a read writes nothing back",
    run: readThenLose,
    seeds: 1,
    broken: { rules: { writeBack: () => "never" } },
  },
  {
    name: "versions go by the node's own clock alone",
    run: scenario("skewed clocks"),
    seeds: 3,
    broken: { makeVersions: wallClock },
  },
  {
    name: "tombstones are forgotten at once",
    run: scenario("away for deletions"),
    seeds: 5,
    broken: { rules: { forgettable: ({ lastSeq }) => ({ untilSeq: lastSeq, before: "g" }) } },
  },
  {
    name: "what is leased is collected",
    run: uploadSlowly,
    seeds: 1,
    broken: { rules: { isGarbage: ({ isPastGrace, isSynced }) => isPastGrace && isSynced } },
  },
  {
    name: "a node collects though it doesn't know what the others refer to",
    run: referAgainElsewhere,
    seeds: 1,
    broken: { rules: { isGarbage: ({ isLeased, isPastGrace }) => !isLeased && isPastGrace } },
  },
];

for (const { name, run, seeds, broken } of MUTATIONS) {
  Deno.test(`simulator: notices that ${name}`, async () => {
    assert(await isCaught((seed) => run(seed, broken), seeds), `not within ${seeds} seeds`);
    for (let seed = 1; seed <= seeds; seed++) await run(seed);
  });
}

/** By a promise that is broken, or a request that is refused for no reason: not by whatever else may go wrong. */
async function isCaught(run: (seed: number) => Promise<unknown>, seeds: number): Promise<boolean> {
  for (let seed = 1; seed <= seeds; seed++) {
    const error = await run(seed).then(() => undefined, (error: unknown) => error);
    const cause = error instanceof Error ? error.cause ?? error : error;
    if (cause instanceof BrokenPromise || cause instanceof S3Error) {
      printLine(Deno.stdout, `seed ${seed} of ${seeds}: ${cause.message.split("\n", 1)[0]}`);
      return true;
    }
    if (error !== undefined) throw error;
  }
  return false;
}

function scenario(name: ScenarioName): Mutation["run"] {
  return (seed, broken) => runScenario(name, seed, {}, broken);
}

/** Ignores what was observed. */
function wallClock(timers: Timers, node: NodeId): VersionClock {
  let count = 0;
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return {
    next: () => Promise.resolve(hex(timers.now(), 12) + hex(++count, 6) + node),
    observe: () => {},
    isFromTheFuture: () => false,
  };
}
