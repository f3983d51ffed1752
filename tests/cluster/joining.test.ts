/** Who becomes a member of a cluster and who doesn't, and how nodes that were one find each other again. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BUCKET, createBucket, put, readText } from "../suites/object_store/support.ts";
import { all, clusterTest, eventually } from "./cluster_test.ts";

clusterTest("nodes join by --bootstrap, and find each other again without", {}, async (cluster) => {
  await cluster.whole();
  await createBucket(cluster.store(1), BUCKET);
  await put(cluster.store(2), "a", "hello");
  for (const number of cluster.numbers) assertEquals(await cluster.real.shutDown(number), 0);
  await all(cluster.numbers.map((number) => cluster.start(number)));
  await cluster.whole([1, 2, 3]);
  for (const number of cluster.numbers) {
    assertEquals(await readText(cluster.store(number), "a"), "hello");
  }
});

clusterTest(
  "a node with another secret can't join, and learns why",
  { nodes: 2, isUnstarted: true },
  async (cluster) => {
    await cluster.start(1);
    const stranger = await cluster.start(2, {
      flags: [cluster.bootstrap(1)],
      environment: { ZS3_CLUSTER_SECRET: crypto.randomUUID() },
      readyLine: /didn't prove to be of this cluster/,
    });
    assertEquals(Object(await cluster.page(2, "ping")).state, "joining");
    const refused = await fetch(`${cluster.real.url(2)}/bucket`);
    assertStringIncludes(await refused.text(), "<Code>ServiceUnavailable</Code>");
    const members = await cluster.page(1, "peers");
    assertEquals(Array.isArray(members) && members.length, 1);
    assert(!stranger.stdout.includes("zs3 ready"));
  },
);

clusterTest(
  "a node that counts otherwise is refused, and says so",
  { nodes: 2, isUnstarted: true },
  async (cluster) => {
    await cluster.start(1);
    const { message } = await assertRejects(
      () => cluster.start(2, { flags: [cluster.bootstrap(1), "--replicas=2"] }),
      Error,
      "ended with 1",
    );
    assertStringIncludes(message, "replicas");
    assertStringIncludes(message, "refuses this one");
  },
);

clusterTest(
  "a copied data dir is no second node, until it loses its identity",
  { nodes: 3, isUnstarted: true },
  async (cluster) => {
    await cluster.start(1);
    await cluster.start(2, { flags: [cluster.bootstrap(1)] });
    const copy = cluster.real.dataDir(3);
    await run("cp", ["-r", cluster.real.dataDir(2), copy]);
    const { message } = await assertRejects(() => cluster.start(3), Error, "ended with 1");
    assertStringIncludes(message, "another running node has the identity of this data dir");
    await createBucket(cluster.store(2), BUCKET);
    await Deno.remove(`${copy}/.node_id`);
    await cluster.start(3);
    await cluster.whole();
    await eventually("the copy lists what the others do", async () => {
      assertEquals((await cluster.store(3).listBuckets()).map(({ name }) => name), [BUCKET]);
    });
  },
);

async function run(program: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
