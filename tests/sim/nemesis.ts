/** What goes wrong in a run, and when: drawn from the seed, and never more at once than a cluster is to survive. */

import type { SeededRandom } from "../support/seed.ts";
import { addressOf, type SimCluster } from "./sim_cluster.ts";
import { GOOD_NETWORK } from "./sim_network.ts";

export type FaultKind =
  | "crash"
  | "diskLost"
  | "partition"
  | "oneWay"
  | "stop"
  | "lag"
  | "slowDisk"
  | "slowNetwork"
  | "loss"
  | "clock"
  | "damage"
  | "join";

export const ALL_FAULTS: readonly FaultKind[] = [
  "crash",
  "crash",
  "diskLost",
  "partition",
  "oneWay",
  "stop",
  "lag",
  "slowDisk",
  "slowNetwork",
  "loss",
  "clock",
  "damage",
  "join",
];

export interface NemesisOptions {
  /** What to choose from, each as often as it is named. */
  readonly kinds: readonly FaultKind[];
  /** Between two faults, and how long each lasts, at most. */
  readonly gapMsMax: number;
  readonly holdMsMax: number;
  readonly nodesMax: number;
}

const MINUTE_MS = 60_000;

/** One fault at a time. Only one disk ever loses anything, once: what has just two copies bears no more before it is repaired. */
export class Nemesis {
  /** What has gone wrong so far. */
  readonly done: string[] = [];
  readonly #cluster: SimCluster;
  readonly #random: SeededRandom;
  readonly #options: NemesisOptions;
  /** The machine whose disk may lose something. */
  readonly #victim: string;
  readonly #spoilt = new Set<string>();
  #isDiskLost = false;

  constructor(cluster: SimCluster, random: SeededRandom, options: NemesisOptions) {
    this.#cluster = cluster;
    this.#random = random;
    this.#options = options;
    this.#victim = random.pick(cluster.names);
  }

  /** Until `isOver`, and the fault of that moment is. All is well then, but for clocks. */
  async run(isOver: () => boolean): Promise<void> {
    const { kinds, gapMsMax } = this.#options;
    while (!isOver()) {
      await this.#cluster.loop.sleep(this.#random.below(gapMsMax));
      await this.#strike(this.#random.pick(kinds));
    }
  }

  async #strike(kind: FaultKind): Promise<void> {
    const cluster = this.#cluster;
    const name = this.#random.pick(cluster.names);
    const { network } = cluster;
    this.done.push(`${cluster.loop.nowMs.toFixed(0)} ms: ${kind} ${name}`);
    switch (kind) {
      case "crash":
        cluster.crash(name, this.#random.pick(["reset", "silent"]));
        await this.#hold();
        return cluster.start(name);
      case "diskLost":
        return await this.#loseDisk();
      case "partition":
        this.#partition();
        await this.#hold();
        return network.healAll();
      case "oneWay":
        network.cut(addressOf(name), addressOf(this.#random.pick(cluster.names)));
        await this.#hold();
        return network.healAll();
      case "stop":
        cluster.stop(name);
        await this.#hold();
        return cluster.continue(name);
      case "lag":
        cluster.setLag(name, 10 + this.#random.below(1000));
        await this.#hold();
        return cluster.setLag(name, 0);
      case "slowDisk":
        cluster.setDiskFactor(name, 100);
        await this.#hold();
        return cluster.setDiskFactor(name, 1);
      case "slowNetwork":
        network.setExtraDelay(addressOf(name), 10 + this.#random.below(1500));
        await this.#hold();
        return network.setExtraDelay(addressOf(name), 0);
      case "loss":
        network.faults = { ...GOOD_NETWORK, lossOneIn: 15, lateOneIn: 20, lateMsMax: 20_000 };
        await this.#hold();
        network.faults = GOOD_NETWORK;
        return;
      case "clock":
        return cluster.stepClock(name, (this.#random.below(10) - 5) * MINUTE_MS);
      case "damage":
        return this.#damage();
      case "join":
        return this.#join();
    }
  }

  async #hold(): Promise<void> {
    await this.#cluster.loop.sleep(this.#random.below(this.#options.holdMsMax));
  }

  async #loseDisk(): Promise<void> {
    if (this.#isDiskLost) return;
    this.#isDiskLost = true;
    this.#cluster.crash(this.#victim, "silent", "lost");
    await this.#hold();
    this.#cluster.start(this.#victim);
  }

  #partition(): void {
    const sides: [string[], string[]] = [[], []];
    for (const name of this.#cluster.names) this.#random.pick(sides).push(addressOf(name));
    this.#cluster.network.partition(sides);
  }

  /** Some of the blocks on the victim's disk turn bad, or vanish: each at most once, since one that is gone can't again. */
  #damage(): void {
    const disk = this.#cluster.disk(this.#victim);
    for (const hash of disk.blocks.list("", 1000)) {
      if (this.#spoilt.has(hash) || this.#random.oneIn(2)) continue;
      this.#spoilt.add(hash);
      if (this.#random.oneIn(2)) disk.damageBlock(hash);
      else disk.loseBlock(hash);
    }
  }

  #join(): void {
    const { length } = this.#cluster.names;
    if (length >= this.#options.nodesMax) return;
    const name = `n${length + 1}`;
    this.#cluster.add(name, { offsetMs: (this.#random.below(10) - 5) * MINUTE_MS });
    this.#cluster.start(name);
  }
}
