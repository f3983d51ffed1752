/** What is measured, against what, and how good it has to be. */

import type { Bench, Figure, Measure } from "./bench.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  readonly unit: Unit;
  /** What has the targets. */
  readonly judged: "zs3" | "cluster" | "sha256";
  /** What it is compared with; undefined when only the figure itself counts. */
  readonly basis: Basis | undefined;
  /** Whether the peers are measured too. */
  readonly isForPeers: boolean;
  /** Whether it needs the large buckets. */
  readonly isLarge?: true;
  readonly measure: Measure;
  /** All have to be met. */
  readonly targets: readonly Target[];
}

export type Unit = "req/s" | "pages/s" | "MB/s" | "ms" | "MB";

/** A server, or a measure of something else. */
export type Basis = "ceiling" | "zs3" | Gauge;

export interface Gauge {
  readonly name: string;
  readonly measure: (bench: Bench) => Promise<Figure>;
}

export interface Target {
  readonly of: "ratio" | "value" | "p99Ms";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** How many times as fast (or as small) as the basis. */
export function ratioOf(unit: Unit, value: number, basis: number): number {
  return unit === "ms" || unit === "MB" ? basis / value : value / basis;
}
