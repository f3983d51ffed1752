/** kill -9 of one node after the other under writers: all that was acknowledged is there, and nobody has to wait. */

import { assert, assertEquals } from "@std/assert";
import { clusterTest, GOES_ON_MS_MAX } from "./cluster_test.ts";
import { REAL_WORKLOAD } from "./http_doors.ts";
import { underWorkload, wait } from "./under_workload.ts";

/** How long a node is missing. */
const DEAD_MS = 1_500;

clusterTest(
  "nothing acknowledged is lost when each node in turn is killed",
  {},
  async (cluster) => {
    const terms = { file: import.meta.url, stepsEach: 150 };
    const { unavailable, lost, slowestMs } = await underWorkload(cluster, terms, async () => {
      for (const number of cluster.numbers) {
        await cluster.real.kill(number);
        await wait(DEAD_MS);
        await cluster.start(number);
        await cluster.whole();
      }
    });
    // Only those that were under way over the node that died, at most one for each client.
    assert(lost <= cluster.numbers.length * (REAL_WORKLOAD.clients + 1), `${lost} were lost`);
    assertEquals(unavailable, 0);
    assert(slowestMs <= GOES_ON_MS_MAX, `one took ${slowestMs} ms`);
  },
);
