/** A node that hangs (SIGSTOP) keeps nobody from working over the others, and is right at once when it goes on. */

import { assert, assertEquals } from "@std/assert";
import { BUCKET, createBucket, put, readText } from "../suites/object_store/support.ts";
import { clusterTest, GOES_ON_MS_MAX } from "./cluster_test.ts";
import { underWorkload, wait } from "./under_workload.ts";

/** Longer than any timeout between nodes that a client could come to feel. */
const HUNG_MS = 6_000;

clusterTest("clients work on while one node after the other hangs", {}, async (cluster) => {
  const hung = new Set<number>();
  const resumedMs = new Map<number, number>();
  const terms = {
    file: import.meta.url,
    stepsEach: 150,
    asked: () => cluster.numbers.filter((number) => !hung.has(number)),
    wasWell: (number: number, sinceMs: number) =>
      !hung.has(number) && sinceMs > (resumedMs.get(number) ?? -Infinity),
  };
  const { unavailable, lost, slowestMs } = await underWorkload(cluster, terms, async () => {
    for (const number of cluster.numbers.slice(1)) {
      hung.add(number);
      cluster.real.pause(number);
      await wait(HUNG_MS);
      cluster.real.resume(number);
      resumedMs.set(number, performance.now());
      hung.delete(number);
    }
  });
  assertEquals({ unavailable, lost }, { unavailable: 0, lost: 0 });
  assert(slowestMs <= GOES_ON_MS_MAX, `one took ${slowestMs} ms`);
});

clusterTest("a node that goes on serves what it has missed, at once", {}, async (cluster) => {
  await createBucket(cluster.store(1), BUCKET);
  for (const key of ["changed", "deleted"]) await put(cluster.store(1), key, "old");
  for (const size of ["small", "large ".repeat(5_000)]) {
    cluster.real.pause(3);
    await put(cluster.store(1), "changed", size);
    await put(cluster.store(2), "deleted", "old");
    await cluster.store(2).delete({ bucket: BUCKET, key: "deleted" });
    // It is asked while it hangs, and answers when it wakes up.
    const early = Promise.all([
      readText(cluster.store(3), "changed"),
      cluster.list(3, BUCKET),
    ]);
    await wait(100);
    cluster.real.resume(3);
    const [text, listed] = await early;
    assertEquals(text, size);
    assertEquals(listed, await cluster.list(1, BUCKET));
    assertEquals(await readText(cluster.store(3), "changed"), size);
  }
});
