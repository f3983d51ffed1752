/** Hurting a real cluster while clients use it, and the judgement of all that they were told. */

import { printLine } from "../../src/cli/print.ts";
import { systemTimers } from "../../src/timers.ts";
import type { Tally } from "../sim/asking.ts";
import { assertAlike } from "../sim/convergence.ts";
import { Workload } from "../sim/workload.ts";
import { withSeed } from "../support/seed.ts";
import { all, type TestCluster } from "./cluster_test.ts";
import { httpDoor, REAL_WORKLOAD } from "./http_doors.ts";

export interface WorkloadTerms {
  /** The test's `import.meta.url`. */
  readonly file: string;
  readonly stepsEach: number;
  /** Numbers of the nodes that clients ask at this moment; without it, those that run. */
  readonly asked?: () => readonly number[];
}

/**
 * Resolves when `hurt` has done its worst and healed it, the clients have ended, and the cluster is whole; gives how their
 * requests ended. Throws BrokenPromise when a client was told what can't have been, or the nodes don't agree in the end.
 */
export async function underWorkload(
  cluster: TestCluster,
  { file, stepsEach, asked = () => cluster.real.running }: WorkloadTerms,
  hurt: () => Promise<void>,
): Promise<Tally> {
  const workloads: Workload[] = [];
  await withSeed(file, async ({ seed }) => {
    const toNode = cluster.numbers.map((number) =>
      httpDoor(`node ${number}`, cluster.store(number), () => workload.contents)
    );
    const doors = () => asked().flatMap((number) => toNode[number - 1] ?? []);
    const timers = systemTimers;
    const workload: Workload = new Workload({ ...REAL_WORKLOAD, seed, doors, timers, stepsEach });
    workloads.push(workload);
    await workload.prepare();
    await all([workload.run(), hurt()]);
    await cluster.whole();
    await workload.readAll();
    workload.check();
    const objects = await assertAlike(doors(), workload.contents);
    printLine(Deno.stdout, `${describe(workload.tally)}; ${objects} objects in the end`);
  });
  const [{ tally } = { tally: undefined }] = workloads;
  if (tally === undefined) throw new Error("there was no workload");
  return tally;
}

function describe({ ok, refused, unavailable, lost, slowestMs }: Tally): string {
  return `${ok} answers, the slowest after ${Math.round(slowestMs)} ms; ${refused} refusals, ` +
    `${unavailable} times unavailable, ${lost} connections lost`;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
