/** What simulations are made of: clusters of all sizes under faults of every kind, and ordeals that aim at one promise each. */

import type { SeededRandom } from "../support/seed.ts";
import { clusterNodes, type ClusterNodesOptions, type SimTimes } from "./cluster_nodes.ts";
import { simulate, type SimulationOptions, type SimulationReport } from "./cluster_sim.ts";
import { BrokenPromise } from "./history.ts";
import { ALL_FAULTS, type FaultKind } from "./nemesis.ts";
import { addressOf, type SimCluster } from "./sim_cluster.ts";
import type { WorkloadOptions } from "./workload.ts";

export interface Scenario extends Omit<SimulationOptions, "seed" | "openNode" | "replicas"> {
  readonly times?: Partial<SimTimes>;
}

const REPLICAS = 3;
const MINUTE_MS = 60_000;
const MiB = 1024 * 1024;

/** Whoever has only one copy of something, as the only node or as one of fewer than it takes, bears no lost disk. */
const DISKS_KEPT: readonly FaultKind[] = ALL_FAULTS.filter((kind) =>
  kind !== "diskLost" && kind !== "damage"
);

const MANY_DELETIONS: Partial<WorkloadOptions> = {
  keySteps: ["put", "put", "delete", "delete", "get", "list"],
  bodySizes: [10, 20 * 1024],
};

export const SCENARIOS = {
  /** The one that random seeds are for. */
  usual: { nodes: 3 },
  "one node": { nodes: 1, faults: DISKS_KEPT },
  "two nodes": { nodes: 2, faults: DISKS_KEPT },
  "four nodes": { nodes: 4 },
  "five nodes": { nodes: 5 },
  "seven nodes": { nodes: 7 },
  "sixteen nodes": { nodes: 16, workload: { stepsEach: 20 } },
  "late joins": { nodes: 3, faults: ["join", "join", "crash", "partition", "slowNetwork"] },
  "power cut": { nodes: 3, ordeal: cutPower },
  "parts over nodes": {
    nodes: 4,
    workload: { keySteps: ["upload", "get", "range"], bodySizes: [5 * MiB + 10], stepsEach: 6 },
  },
  "gone for good": { nodes: 5, ordeal: loseForGood },
  "away for deletions": {
    nodes: 3,
    times: { tombstoneAgeMs: 1_000 },
    workload: MANY_DELETIONS,
    ordeal: (cluster, random) => beAway(cluster, random, 45_000),
  },
  "expelled and back": {
    nodes: 4,
    workload: MANY_DELETIONS,
    ordeal: (cluster, random) => beAway(cluster, random, 4 * MINUTE_MS),
  },
  "tombstones go": {
    nodes: 3,
    workload: MANY_DELETIONS,
    times: { tombstoneAgeMs: 10_000 },
    faults: ["crash", "partition", "stop"],
    aftermath: expectNoTombstones,
  },
  "flapping node": {
    nodes: 3,
    workload: { keys: ["a"], keySteps: ["put", "get", "get", "head"], thinkMsMax: 150 },
    ordeal: flap,
  },
  "skewed clocks": {
    nodes: 3,
    faults: ["clock"],
    workload: { keySteps: ["put", "put", "get", "head", "delete", "list"] },
  },
  "short grace": {
    nodes: 3,
    times: { gcGraceMs: 4_000 },
    // Few bodies that come and go, over a network that is slower than the collector.
    workload: {
      keys: ["a", "b"],
      keySteps: ["put", "delete", "delete", "get"],
      bodySizes: [4096, 3 * MiB],
      thinkMsMax: 1_500,
      stepsEach: 80,
    },
    ordeal: slowDown,
  },
  "cut off with garbage": {
    nodes: 3,
    times: { gcGraceMs: 4_000 },
    workload: { keySteps: ["put", "get"], bodySizes: [4096, 20 * 1024], stepsEach: 40 },
    ordeal: cutOffEach,
  },
} as const satisfies { readonly [name: string]: Scenario };

export type ScenarioName = keyof typeof SCENARIOS;

export function isScenarioName(name: string): name is ScenarioName {
  return name in SCENARIOS;
}

/** `broken` is for seeing that it is noticed. Throws as `simulate` does. */
export function runScenario(
  name: ScenarioName,
  seed: number,
  changes: Partial<Pick<Scenario, "nodes" | "faults">> = {},
  broken: ClusterNodesOptions = {},
): Promise<SimulationReport> {
  const { times, ...scenario }: Scenario = { ...SCENARIOS[name], ...changes };
  const openNode = clusterNodes({ ...broken, ...(times && { times }) });
  return simulate({ ...scenario, seed, openNode, replicas: REPLICAS });
}

/** All machines at once, several times, each up again after a moment of its own. */
async function cutPower(cluster: SimCluster, random: SeededRandom): Promise<void> {
  for (let time = 0; time < 3; time++) {
    await cluster.loop.sleep(2_000 + random.below(5_000));
    const { running } = cluster;
    for (const name of running) cluster.crash(name, "silent");
    for (const name of running) {
      await cluster.loop.sleep(random.below(3_000));
      cluster.start(name);
    }
  }
}

/** Never to come back: the others take its share over. */
async function loseForGood(cluster: SimCluster, random: SeededRandom): Promise<void> {
  await cluster.loop.sleep(3_000 + random.below(5_000));
  cluster.scrap(random.pick(cluster.names));
  await cluster.loop.sleep(3 * MINUTE_MS);
}

/** Back with what was deleted meanwhile. */
async function beAway(cluster: SimCluster, random: SeededRandom, awayMs: number): Promise<void> {
  await cluster.loop.sleep(1_000 + random.below(4_000));
  const name = random.pick(cluster.names);
  cluster.crash(name, "silent");
  await cluster.loop.sleep(awayMs);
  cluster.start(name);
}

/** Cut off with what it was just told, heard again for a moment, and gone: what was read of it then must stay. */
async function flap(cluster: SimCluster, random: SeededRandom): Promise<void> {
  const name = random.pick(cluster.names);
  const others = cluster.names.filter((other) => other !== name);
  for (let time = 0; time < 8; time++) {
    await cluster.loop.sleep(random.below(500));
    cluster.network.partition([[addressOf(name)], others.map(addressOf)]);
    await cluster.loop.sleep(random.below(2_000));
    cluster.network.healAll();
    await cluster.loop.sleep(random.below(400));
    cluster.crash(name, "silent");
    await cluster.loop.sleep(1_000 + random.below(1_000));
    cluster.start(name);
    await cluster.until(
      () => cluster.isReady(name),
      MINUTE_MS,
      () => new BrokenPromise(`${name} doesn't return`),
    );
  }
}

async function slowDown(cluster: SimCluster, random: SeededRandom): Promise<void> {
  for (let time = 0; time < 10; time++) {
    const address = addressOf(random.pick(cluster.names));
    cluster.network.setExtraDelay(address, 200 + random.below(1_200));
    await cluster.loop.sleep(4_000 + random.below(6_000));
    cluster.network.setExtraDelay(address, 0);
  }
}

/** One after the other, for longer than garbage is kept. */
async function cutOffEach(cluster: SimCluster, random: SeededRandom): Promise<void> {
  for (const name of cluster.names) {
    await cluster.loop.sleep(random.below(1_000));
    const others = cluster.names.filter((other) => other !== name);
    cluster.network.partition([[addressOf(name)], others.map(addressOf)]);
    await cluster.loop.sleep(10_000);
    cluster.network.healAll();
  }
}

async function expectNoTombstones(cluster: SimCluster): Promise<void> {
  const left = () =>
    cluster.names.map((name) => cluster.disk(name).records.stats().tombstones)
      .reduce((sum, count) => sum + count, 0);
  const late = () => new BrokenPromise(`${left()} tombstones stay`);
  await cluster.until(() => left() === 0, 20 * MINUTE_MS, late, 5_000);
}
