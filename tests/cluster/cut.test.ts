/** Cut links: the side that can't make writes durable refuses them and says why, the other goes on, and both agree after healing. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { at, BUCKET, createBucket, put, readText } from "../suites/object_store/support.ts";
import { all, clusterTest, eventually, GOES_ON_MS_MAX } from "./cluster_test.ts";
import { underWorkload, wait } from "./under_workload.ts";

clusterTest("a node by itself refuses, and says why; the others go on", {}, async (cluster) => {
  const [alone, other] = [cluster.store(1), cluster.store(2)];
  await createBucket(other, BUCKET);
  await put(other, "kept", "first");
  await put(other, "deleted", "here");
  await cluster.real.isolate(1);
  const refused: readonly [string, () => Promise<unknown>][] = [
    ["PUT", () => put(alone, "new", "lost?")],
    ["overwrite", () => put(alone, "kept", "lost?")],
    ["large PUT", () => put(alone, "large", new Uint8Array(100_000))],
    ["DELETE", () => alone.delete(at("kept"))],
    ["bucket", () => createBucket(alone, "another")],
    ["GET", () => readText(alone, "kept")],
    ["list", () => cluster.list(1, BUCKET)],
    ["buckets", () => alone.listBuckets()],
  ];
  await all(refused.map(async ([what, ask]) => {
    const { code, message } = await assertRejects(ask, S3Error, undefined, what);
    assertEquals(code, "ServiceUnavailable", what);
    assertMatch(message, /\d+ of (the )?\d+ /, what);
  }));
  const startMs = performance.now();
  await put(other, "kept", "second");
  await other.delete(at("deleted"));
  assertEquals(await readText(cluster.store(3), "kept"), "second");
  assert(performance.now() - startMs <= GOES_ON_MS_MAX, "the others had to wait");
  const first = firstAnswer(() => readText(alone, "kept"));
  await cluster.network.healAll();
  assertEquals(await first, "second");
  await cluster.whole();
  for (const number of cluster.numbers) {
    assertEquals(await cluster.list(number, BUCKET), await cluster.list(2, BUCKET));
    assertEquals(await readText(cluster.store(number), "kept"), "second");
  }
  const keys = (await cluster.list(1, BUCKET)).map((line) => line.split(" ")[0]);
  assert(!keys.includes("deleted"), "what was deleted is back");
});

clusterTest(
  "two nodes that are cut off from each other read each other's writes",
  {},
  async (cluster) => {
    await createBucket(cluster.store(1), BUCKET);
    await put(cluster.store(1), "key", "before");
    await cluster.network.cut(cluster.real.node(1), cluster.real.node(2));
    for (let round = 0; round < 6; round++) {
      const [writer, reader] = round % 2 === 0 ? [1, 2] : [2, 1];
      const content = `round ${round}${round % 3 === 0 ? " large".repeat(1_000) : ""}`;
      await put(cluster.store(writer), "key", content);
      assertEquals(await readText(cluster.store(reader), "key"), content);
      await put(cluster.store(writer), `passing-${round}`, "soon gone");
      await cluster.store(writer).delete(at(`passing-${round}`));
      const keys = (await cluster.list(reader, BUCKET)).map((line) => line.split(" ")[0]);
      assertEquals(keys, ["key"]);
    }
  },
);

clusterTest("what clients were told holds, whatever links are cut", {}, async (cluster) => {
  const { network, real } = cluster;
  const terms = { file: import.meta.url, stepsEach: 120 };
  await underWorkload(cluster, terms, async () => {
    await real.isolate(3);
    await wait(2_500);
    await network.healAll();
    await wait(500);
    // Each of the two reaches a quorum over the third.
    await network.cut(real.node(1), real.node(2));
    await wait(2_500);
    await network.heal(real.node(1), real.node(2));
  });
});

/** What it gives as soon as the node can answer. */
async function firstAnswer(ask: () => Promise<string>): Promise<string> {
  let answer = "";
  await eventually("the node answers", async () => void (answer = await ask()));
  return answer;
}
