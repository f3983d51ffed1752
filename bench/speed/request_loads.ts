/** Measures of many requests over many connections: of an operation on single objects. */

import type { Bench, Figure, Measure } from "./bench.ts";
import { syncDisks } from "./disk.ts";
import { type LoadResult, runLoad } from "./load.ts";
import { draftsOf, type ObjectSet, putObjects, sendOnce } from "./objects.ts";
import { type Addressee, type Draft, signWhole } from "./requests.ts";

export interface RequestLoad {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly objects: ObjectSet;
  readonly connections: number;
  readonly counts: "requests" | "bytes";
}

const MB = 1e6;
/** About as many as a fast server deletes in that time. */
const DELETES_PER_SECOND = 3000;

/** Over objects that are there, in turn, round and round. */
export function loadOf({ method, objects, connections, counts }: RequestLoad): Measure {
  return async (bench, name) => {
    const subject = await bench.use(name);
    await bench.once(`objects ${objects.folder} in ${name}`, () => putObjects(objects, subject));
    const drafts = draftsOf(method, objects);
    if (method === "PUT") await syncDisks();
    else await bench.once(`${method} ${objects.folder} of ${name}`, () => warm(drafts, subject));
    const result = await runTimed(bench, drafts, connections, subject);
    return counts === "requests" ? rateOf(result) : { ...rateOf(result), value: mbOf(result) };

    /** wrk counts what it receives, in replies that haven't ended too. */
    function mbOf({ requests, bytes, seconds }: LoadResult): number {
      return (method === "PUT" ? requests * objects.sizeBytes : bytes) / seconds / MB;
    }
  };
}

/** Each of objects that are there, once. */
export function deletesOf(connections: number): Measure {
  return async (bench, name) => {
    const subject = await bench.use(name);
    const count = DELETES_PER_SECOND * bench.options.seconds;
    const objects = { folder: "deleted", count, sizeBytes: 1024 };
    await putObjects(objects, subject);
    await subject.rest();
    await syncDisks();
    const requests = draftsOf("DELETE", objects).map((draft) => signWhole(draft, subject));
    const { port } = subject;
    return rateOf(
      await runLoad({ port, connections, requests, pace: { kind: "once" }, program: "wrk" }),
    );
  };
}

export async function runTimed(
  bench: Bench,
  drafts: readonly Draft[],
  connections: number,
  addressee: Addressee,
): Promise<LoadResult> {
  return await runLoad({
    port: addressee.port,
    connections,
    requests: drafts.map((draft) => signWhole(draft, addressee)),
    pace: { kind: "timed", seconds: bench.options.seconds },
    program: drafts[0]?.method === "HEAD" ? "loader" : "wrk",
  });
}

export function rateOf({ requests, seconds, p50Ms, p99Ms }: LoadResult): Figure {
  return { value: requests / seconds, p50Ms, p99Ms };
}

/** What isn't compiled yet is slower than it will be. */
async function warm(drafts: readonly Draft[], addressee: Addressee): Promise<void> {
  const isHead = drafts[0]?.method === "HEAD";
  await sendOnce(isHead ? drafts.map((draft) => ({ ...draft, method: "GET" })) : drafts, addressee);
}
