/**
 * One seed, one history of a cluster: nodes with wrong clocks, clients that do everything on few keys, faults beside them; then
 * all heals, and everything that was promised is looked at. The same seed does the same, event by event.
 */

import { assertAlike, findDifference, findMisplaced } from "./convergence.ts";
import { BrokenPromise } from "./history.ts";
import { ALL_FAULTS, type FaultKind, Nemesis } from "./nemesis.ts";
import type { SeededRandom } from "../support/seed.ts";
import { type OpenNode, SimCluster } from "./sim_cluster.ts";
import { randomFor } from "./sim_random.ts";
import { VirtualTimers } from "./virtual_time.ts";
import { USUAL_WORKLOAD, Workload, type WorkloadOptions } from "./workload.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly openNode: OpenNode;
  readonly nodes: number;
  readonly faults?: readonly FaultKind[];
  /** What happens to the machines while the clients work, in place of faults drawn from the seed. */
  readonly ordeal?: Ordeal;
  /** What must be so besides, once all is well. */
  readonly aftermath?: (cluster: SimCluster) => Promise<void>;
  readonly replicas: number;
  readonly workload?: Partial<WorkloadOptions>;
}

export type Ordeal = (cluster: SimCluster, random: SeededRandom) => Promise<void>;

export interface SimulationReport {
  readonly virtualMs: number;
  readonly events: number;
  readonly tally: Workload["tally"];
  readonly objects: number;
  readonly faults: readonly string[];
  /** Equal for runs that did the same. */
  readonly digest: string;
}

const MINUTE_MS = 60_000;
const SYNC_MS_MAX = 8;
const READY_MS_MAX = 5 * MINUTE_MS;
const HEALING_MS_MAX = 20 * MINUTE_MS;
const RUN_MS_MAX = 6 * 60 * MINUTE_MS;

/** Throws what is wrong: BrokenPromise, StuckError, or a fault of a node; with the seed's faults and the last events. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const simulation = new Simulation(options);
  try {
    return await simulation.run();
  } catch (cause) {
    throw new Error(`seed ${options.seed}: ${messageOf(cause)}\n${simulation.describe()}`, {
      cause,
    });
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #cluster: SimCluster;
  readonly #workload: Workload;
  #nemesis: Nemesis | undefined;

  constructor(options: SimulationOptions) {
    const { seed, openNode, workload = {} } = options;
    this.#options = options;
    this.#cluster = new SimCluster({ seed, openNode, syncMsMax: SYNC_MS_MAX });
    this.#workload = new Workload({
      ...USUAL_WORKLOAD,
      ...workload,
      seed,
      doors: () => this.#cluster.doors(),
      timers: new VirtualTimers(this.#cluster.loop),
    });
  }

  async run(): Promise<SimulationReport> {
    const { loop, trace, failed } = this.#cluster;
    const objects = await loop.drive(Promise.race([this.#live(), failed]), RUN_MS_MAX);
    return {
      virtualMs: loop.nowMs,
      events: loop.events,
      tally: this.#workload.tally,
      objects,
      faults: this.#nemesis?.done ?? [],
      digest: trace.digest(),
    };
  }

  describe(): string {
    const faults = this.#nemesis?.done.map((line) => `  ${line}`) ?? [];
    const events = this.#cluster.trace.lines().map((line) => `  ${line}`);
    return ["faults:", ...faults, "nodes:", this.#cluster.describe(), "last events:", ...events]
      .join("\n");
  }

  async #live(): Promise<number> {
    await this.#begin();
    await this.#workload.prepare();
    await this.#suffer();
    this.#workload.check();
    await this.#heal();
    await this.#workload.readAll();
    this.#workload.check();
    await this.#options.aftermath?.(this.#cluster);
    return await assertAlike(this.#cluster.doors(), this.#workload.contents);
  }

  async #begin(): Promise<void> {
    const random = randomFor(this.#options.seed, "clocks");
    for (let number = 1; number <= this.#options.nodes; number++) {
      const offsetMs = (random.below(11) - 5) * MINUTE_MS;
      const rate = 1 + (random.below(21) - 10) / 10_000;
      this.#cluster.add(`n${number}`, { offsetMs, rate });
      this.#cluster.start(`n${number}`);
    }
    await this.#ready();
  }

  async #suffer(): Promise<void> {
    const { seed, faults = ALL_FAULTS, nodes, ordeal } = this.#options;
    let isOver = false;
    const working = this.#workload.run().finally(() => isOver = true);
    if (ordeal !== undefined) {
      await Promise.all([working, ordeal(this.#cluster, randomFor(seed, "ordeal"))]);
    } else if (faults.length > 0) {
      const options = { kinds: faults, gapMsMax: 4_000, holdMsMax: 12_000, nodesMax: nodes + 2 };
      this.#nemesis = new Nemesis(this.#cluster, randomFor(seed, "nemesis"), options);
      await Promise.all([working, this.#nemesis.run(() => isOver)]);
    }
    await working;
  }

  /** Nothing is wrong any more: in a while all must be as it should. */
  async #heal(): Promise<void> {
    await this.#ready();
    const problem = () => {
      const disks = new Map(this.#cluster.names.map((name) => [name, this.#cluster.disk(name)]));
      const records = new Map([...disks].map(([name, disk]) => [name, disk.records]));
      return findDifference(records) ?? findMisplaced(disks, this.#options.replicas);
    };
    const late = () => new BrokenPromise(`the cluster doesn't come to rest:\n${problem()}`);
    await this.#cluster.until(() => problem() === undefined, HEALING_MS_MAX, late, 5_000);
  }

  async #ready(): Promise<void> {
    const waiting = () => this.#cluster.names.filter((name) => !this.#cluster.isReady(name));
    const late = () => new BrokenPromise(`${waiting().join(", ")} don't become ready`);
    await this.#cluster.until(() => waiting().length === 0, READY_MS_MAX, late);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
