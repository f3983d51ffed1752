/** Measures of the server as a process: how soon it answers, and the memory it takes. */

import type { Bench, Figure, Measure } from "./bench.ts";
import { Connection } from "./connection.ts";
import { delay } from "./delay.ts";
import { listedFolder } from "./listings.ts";
import { runLoad } from "./load.ts";
import { draftsOf, type ObjectSet } from "./objects.ts";
import { signWhole } from "./requests.ts";

const MB = 1e6;
const IDLE_MS = 1500;
const LOAD_SECONDS = 5;
const LOAD_CONNECTIONS = 64;

/** Milliseconds from before the process is made to the first reply, with no data dir yet. */
export const startEmpty: Measure = async (bench, name) => {
  return await startOn(bench, name, await bench.makeDir());
};

/** The same with all the keys of the listings. */
export const startLarge: Measure = async (bench, name) => {
  const dir = await listedFolder(bench, name);
  await bench.stop(dir);
  return await startOn(bench, name, dir);
};

/** MB of a server that has just been started and did nothing. */
export const idleMemory: Measure = async (bench, name) => {
  await using subject = await bench.start(name, await bench.makeDir());
  await subject.makeBucket();
  await delay(IDLE_MS);
  return { value: memoryMb(subject.pid, "VmRSS") };
};

/** The most MB that a server took, from its start to the end of a load of uploads. */
export function peakMemory(objects: ObjectSet): Measure {
  return async (bench, name) => {
    await using subject = await bench.start(name, await bench.makeDir());
    await subject.makeBucket();
    await runLoad({
      port: subject.port,
      connections: LOAD_CONNECTIONS,
      requests: draftsOf("PUT", objects).map((draft) => signWhole(draft, subject)),
      pace: { kind: "timed", seconds: LOAD_SECONDS },
      program: "wrk",
    });
    return { value: memoryMb(subject.pid, "VmHWM") };
  };
}

async function startOn(bench: Bench, name: string, dir: string): Promise<Figure> {
  const start = performance.now();
  await using subject = await bench.start(name, dir);
  using connection = await Connection.open(subject);
  await connection.ask({ method: "GET", path: "/_zs3/health" });
  const value = performance.now() - start;
  await subject.stop();
  return { value };
}

function memoryMb(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  if (kib === undefined) throw new Error(`there is no ${field} of process ${pid}`);
  return Number(kib) * 1024 / MB;
}
