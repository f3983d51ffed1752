/** A node that loses its disk is a new node: it gets its share, and the one that it was is given up. */

import { assert, assertEquals } from "@std/assert";
import {
  assertBytes,
  at,
  BUCKET,
  createBucket,
  put,
  readBytes,
} from "../suites/object_store/support.ts";
import { patternBytes } from "../support/bytes.ts";
import { all, clusterTest, eventually, type TestCluster } from "./cluster_test.ts";

const MiB = 1024 * 1024;
const OBJECTS = 20;

function body(index: number): Uint8Array<ArrayBuffer> {
  return patternBytes(index % 4 === 0 ? 100 : index % 4 === 1 ? 2 * MiB + 7 : 30_000, index + 1);
}

async function id(cluster: TestCluster, number: number): Promise<string> {
  return (await Deno.readTextFile(`${cluster.real.dataDir(number)}/.node_id`)).trim();
}

clusterTest(
  "a node whose disk is gone joins anew and gets its share; what it was is given up",
  { flags: ["--gone-after=3s"] },
  async (cluster) => {
    await createBucket(cluster.store(1), BUCKET);
    const indices = Array.from({ length: OBJECTS }, (_, index) => index);
    await all(indices.map((index) => put(cluster.store(1 + index % 3), `${index}`, body(index))));
    const former = await id(cluster, 2);
    await cluster.whole();
    await cluster.real.kill(2);
    await Deno.remove(cluster.real.dataDir(2), { recursive: true });
    // Acknowledged while there were but two.
    await put(cluster.store(1), "meanwhile", body(1));
    await cluster.start(2, { flags: [cluster.bootstrap(1, 3)] });
    assert(await id(cluster, 2) !== former);
    await cluster.whole();
    const { members } = await cluster.status(1);
    const states = members.filter(({ member }) => member.startsWith(former));
    assertEquals(states.map(({ state }) => state), ["gone"]);
    await eventually("each node has every block", async () => {
      assertEquals(await cluster.blocks(2), await cluster.blocks(1));
      assertEquals(await cluster.blocks(3), await cluster.blocks(1));
    });
    // It alone has to give everything now, with one of the others.
    await cluster.real.kill(1);
    for (const index of indices) {
      assertBytes(await readBytes(cluster.store(2), at(`${index}`)), body(index));
    }
    assertBytes(await readBytes(cluster.store(2), at("meanwhile")), body(1));
  },
);

clusterTest(
  "what a node held that doesn't come back is rebuilt on those that remain",
  { nodes: 4, flags: ["--gone-after=3s"] },
  async (cluster) => {
    await createBucket(cluster.store(1), BUCKET);
    const indices = Array.from({ length: OBJECTS }, (_, index) => index);
    await all(indices.map((index) => put(cluster.store(1 + index % 4), `${index}`, body(index))));
    await cluster.whole();
    await cluster.real.kill(4);
    await cluster.whole([1, 2, 3]);
    assertEquals(await cluster.blocks(2), await cluster.blocks(1));
    assertEquals(await cluster.blocks(3), await cluster.blocks(1));
    await cluster.real.kill(3);
    for (const index of indices) {
      assertBytes(await readBytes(cluster.store(1), at(`${index}`)), body(index));
    }
  },
);
