/** Nodes on one network with one secret find each other by themselves. */

import { assertEquals } from "@std/assert";
import { BUCKET, createBucket, put, readText } from "../suites/object_store/support.ts";
import { all, clusterTest, eventually } from "./cluster_test.ts";

const LAN = { flags: ["--discovery=lan"] };

clusterTest(
  "three nodes that are started at once with nothing but a secret become one cluster",
  { isUnstarted: true },
  async (cluster) => {
    await all(cluster.numbers.map((number) => cluster.start(number, LAN)));
    await cluster.whole([1, 2, 3]);
    await createBucket(cluster.store(1), BUCKET);
    await put(cluster.store(2), "a", "hello");
    assertEquals(await readText(cluster.store(3), "a"), "hello");
  },
);

clusterTest(
  "clusters that only meet when the network lets them become one, with all they hold",
  { nodes: 2, isUnstarted: true },
  async (cluster) => {
    const [first, second] = [cluster.real.node(1), cluster.real.node(2)];
    await cluster.network.cut(first, second);
    await all(cluster.numbers.map((number) => cluster.start(number, LAN)));
    for (const number of cluster.numbers) {
      await createBucket(cluster.store(number), `bucket-${number}`);
    }
    await cluster.network.heal(first, second);
    await cluster.whole();
    for (const number of cluster.numbers) {
      await eventually("each lists what both had", async () => {
        const names = (await cluster.store(number).listBuckets()).map(({ name }) => name);
        assertEquals(names, ["bucket-1", "bucket-2"]);
      });
    }
  },
);
