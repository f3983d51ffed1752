/** The ObjectStore contract over clusters in memory: of one node, and of three that take turns in being asked. */

import { systemRandom } from "../../src/clock.ts";
import { ClusterNode } from "../../src/cluster/cluster_node.ts";
import { MemoryContent } from "../../src/storage/memory_content.ts";
import { systemTimers } from "../../src/timers.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { takingTurns } from "../support/taking_turns.ts";
import { objectStoreSuite, type StoreFixture } from "./object_store_suite.ts";

for (const count of [1, 3]) {
  objectStoreSuite(`ClusterStore, ${count} in memory`, () => openCluster(count), {
    lacks: { conditions: "a cluster has no one order of all writes of a key" },
  });
}

async function openCluster(count: number): Promise<StoreFixture> {
  const network = new MemoryNetwork();
  const nodes: ClusterNode[] = [];
  for (let index = 0; index < count; index++) nodes.push(await openNode(network, index));
  await Promise.all(nodes.map((node) => node.ready));
  return {
    store: takingTurns(nodes.map((node) => node.store)),
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

async function openNode(network: MemoryNetwork, index: number): Promise<ClusterNode> {
  const self = { id: String(index + 1).padStart(40, "a"), address: `127.0.0.1:${9000 + index}` };
  const node = await ClusterNode.open({
    self,
    content: MemoryContent.make({
      timers: systemTimers,
      syncDelayMs: () => 0,
      random: systemRandom,
    }),
    transport: network.transportOf(self),
    timers: systemTimers,
    random: systemRandom,
    terms: { replicas: 3, writeQuorum: 2, readQuorum: 2 },
    bootstrap: index === 0 ? [] : ["127.0.0.1:9000"],
    discoveryMs: 0,
    gossipIntervalMs: 60_000,
    gcGraceMs: 600_000,
    goneAfterMs: 900_000,
    uploadAgeMsMax: 7 * 86_400_000,
    onFault: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  network.attach(self, (from, message) => node.handle(from, message));
  return node;
}
