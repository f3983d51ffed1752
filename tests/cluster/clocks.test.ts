/** Clocks that are minutes wrong change nothing that clients are promised. */

import { assertEquals } from "@std/assert";
import { at, BUCKET, createBucket, put, readText } from "../suites/object_store/support.ts";
import { clusterTest, type TestCluster } from "./cluster_test.ts";
import { findClockObstacle } from "./host_program.ts";
import { underWorkload, wait } from "./under_workload.ts";

const MINUTE_MS = 60_000;
const OFFSETS_MS = [3 * MINUTE_MS, 0, -3 * MINUTE_MS];

const obstacle = findClockObstacle();
if (obstacle !== undefined) {
  Deno.stderr.writeSync(new TextEncoder().encode(`SKIPPED: no wrong clocks: ${obstacle}\n`));
}
const options = { isUnstarted: true, ignore: obstacle !== undefined };

async function startSkewed(cluster: TestCluster): Promise<void> {
  for (const [index, clockOffsetMs] of OFFSETS_MS.entries()) {
    const flags = index === 0 ? [] : [cluster.bootstrap(1)];
    await cluster.start(index + 1, { clockOffsetMs, flags });
  }
}

clusterTest("the last write wins, whatever the clocks say", options, async (cluster) => {
  await startSkewed(cluster);
  await createBucket(cluster.store(1), BUCKET);
  for (let round = 0; round < 9; round++) {
    const [writer = 1, ...others] = [0, 1, 2].map((shift) => 1 + (round + shift) % 3);
    const content = `round ${round}${round % 2 === 0 ? "" : " large".repeat(1_000)}`;
    await put(cluster.store(writer), "key", content);
    for (const number of others) {
      assertEquals(await readText(cluster.store(number), "key"), content);
    }
    if (round % 3 !== 2) continue;
    await cluster.store(writer).delete(at("key"));
    for (const number of others) assertEquals(await cluster.list(number, BUCKET), []);
  }
});

clusterTest(
  "what clients were told holds with wrong clocks and a kill",
  options,
  async (cluster) => {
    await startSkewed(cluster);
    await underWorkload(cluster, { file: import.meta.url, stepsEach: 80 }, async () => {
      // It comes back with a clock that is behind what it has written.
      await cluster.real.kill(1);
      await wait(500);
      await cluster.start(1, { clockOffsetMs: -3 * MINUTE_MS });
      await cluster.whole();
    });
  },
);
