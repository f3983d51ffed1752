/** Hurting a real cluster while clients use it, and the judgement of all that they were told. */

import { printLine } from "../../src/cli/print.ts";
import { systemTimers } from "../../src/timers.ts";
import { S3Error } from "../../src/errors.ts";
import type { Tally } from "../sim/asking.ts";
import { assertAlike } from "../sim/convergence.ts";
import { ConnectionLost, type Door } from "../sim/door.ts";
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
  /** Whether the node worked all the time since then, so that its answers count; without it, yes. */
  readonly wasWell?: (number: number, sinceMs: number) => boolean;
}

/** How requests over nodes that worked ended. */
export interface Outcome {
  unavailable: number;
  lost: number;
  /** Of those that were answered, and refused for what the cluster holds. */
  slowestMs: number;
}

/**
 * Resolves when `hurt` has done its worst and healed it, the clients have ended, and the cluster is whole; gives how their
 * requests ended. Throws BrokenPromise when a client was told what can't have been, or the nodes don't agree in the end.
 */
export async function underWorkload(
  cluster: TestCluster,
  { file, stepsEach, asked = () => cluster.real.running, wasWell = () => true }: WorkloadTerms,
  hurt: () => Promise<void>,
): Promise<Outcome> {
  const outcome = { unavailable: 0, lost: 0, slowestMs: 0 };
  await withSeed(file, async ({ seed }) => {
    const toNode = cluster.numbers.map((number) => {
      const door = httpDoor(`node ${number}`, cluster.store(number), () => workload.contents);
      return watched(door, outcome, (sinceMs) => wasWell(number, sinceMs));
    });
    const doors = () => asked().flatMap((number) => toNode[number - 1] ?? []);
    const timers = systemTimers;
    const workload: Workload = new Workload({ ...REAL_WORKLOAD, seed, doors, timers, stepsEach });
    await workload.prepare();
    await all([workload.run(), hurt()]);
    await cluster.whole();
    await workload.readAll();
    workload.check();
    const objects = await assertAlike(doors(), workload.contents);
    printLine(Deno.stdout, `${describe(workload.tally)}; ${objects} objects in the end`);
    printLine(Deno.stdout, `over nodes that worked: ${JSON.stringify(outcome)}`);
  });
  return outcome;
}

/** The door, with what happens at it noted while its node works. */
function watched(
  { node, request }: Door,
  outcome: Outcome,
  wasWell: (sinceMs: number) => boolean,
): Door {
  return {
    node,
    request: async (ask) => {
      const startMs = performance.now();
      const note = (error?: unknown) => {
        if (!wasWell(startMs)) return;
        const ms = Math.round(performance.now() - startMs);
        if (error instanceof ConnectionLost) outcome.lost++;
        else if (error instanceof S3Error && error.code === "ServiceUnavailable") {
          outcome.unavailable++;
        } else outcome.slowestMs = Math.max(outcome.slowestMs, ms);
      };
      try {
        const answer = await request(ask);
        note();
        return answer;
      } catch (error) {
        note(error);
        throw error;
      }
    },
  };
}

function describe({ ok, refused, unavailable, lost, slowestMs }: Tally): string {
  return `${ok} answers, the slowest after ${Math.round(slowestMs)} ms; ${refused} refusals, ` +
    `${unavailable} times unavailable, ${lost} connections lost`;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
