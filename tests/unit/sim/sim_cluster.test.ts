/** What happens to simulated machines, seen from toy nodes on them; and what is looked at when a cluster has come to rest. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { MemoryContent } from "../../../src/storage/memory_content.ts";
import { MemoryStore } from "../../../src/storage/memory_store.ts";
import { objectName, type Record } from "../../../src/storage/record.ts";
import { findDifference, findMisplaced } from "../../sim/convergence.ts";
import { ConnectionLost, type Door } from "../../sim/door.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { type NodeParts, SimCluster } from "../../sim/sim_cluster.ts";
import { randomFor } from "../../sim/sim_random.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";

const SYNC_MS_MAX = 10;

interface Toys {
  readonly cluster: SimCluster;
  /** The parts of the newest node of each machine. */
  readonly parts: Map<string, NodeParts>;
}

function makeToys(names: readonly string[]): Toys {
  const parts = new Map<string, NodeParts>();
  const cluster = new SimCluster({
    seed: 1,
    syncMsMax: SYNC_MS_MAX,
    openNode: (own) => {
      parts.set(own.contact.address.replace(/:.*/, ""), own);
      return Promise.resolve({
        store: new MemoryStore({ clock: own.timers, random: own.random }),
        handler: () => Promise.resolve({ data: { id: own.contact.id } }),
        isReady: () => true,
        describe: () => "a toy",
      });
    },
  });
  for (const name of names) {
    cluster.add(name);
    cluster.start(name);
  }
  return { cluster, parts };
}

function partsOf({ parts }: Toys, name: string): NodeParts {
  const own = parts.get(name);
  if (own === undefined) throw new Error(`${name} never ran`);
  return own;
}

function doorOf({ cluster }: Toys, name: string): Door {
  const door = cluster.door(name);
  if (door === undefined) throw new Error(`${name} doesn't run`);
  return door;
}

function record(key: string, version: string, blocks: Record["blocks"] = []): Record {
  return {
    ...objectName("bucket", key),
    version,
    isDeleted: false,
    data: {},
    patches: {},
    blocks,
    inline: undefined,
  };
}

Deno.test("a power cut takes what wasn't synced, and keeps what was", async () => {
  const toys = makeToys(["n1"]);
  const { loop } = toys.cluster;
  await loop.drive(partsOf(toys, "n1").content.records.apply([record("old", "1")]));
  const idBefore = partsOf(toys, "n1").contact.id;
  void partsOf(toys, "n1").content.records.apply([record("new", "2")]);
  toys.cluster.crash("n1", "silent");
  await loop.run(loop.nowMs + 1000);
  toys.cluster.start("n1");
  const { records } = partsOf(toys, "n1").content;
  assertEquals(records.find(objectName("bucket", "old"))?.version, "1");
  assertEquals(records.find(objectName("bucket", "new")), undefined);
  assertEquals(partsOf(toys, "n1").contact.id, idBefore);
  await loop.drive(records.apply([record("newer", "3")]));
});

Deno.test("a lost disk takes everything, the node's id included", async () => {
  const toys = makeToys(["n1"]);
  await toys.cluster.loop.drive(partsOf(toys, "n1").content.records.apply([record("a", "1")]));
  const idBefore = partsOf(toys, "n1").contact.id;
  toys.cluster.crash("n1", "silent", "lost");
  toys.cluster.start("n1");
  assertEquals(partsOf(toys, "n1").content.records.find(objectName("bucket", "a")), undefined);
  assert(partsOf(toys, "n1").contact.id !== idBefore);
});

Deno.test("a request to a node that crashes ends with the connection", async () => {
  const toys = makeToys(["n1"]);
  const { cluster } = toys;
  const pending = doorOf(toys, "n1").request(() => new Promise(() => {}));
  cluster.loop.after(50, () => cluster.crash("n1", "reset"));
  await assertRejects(() => cluster.loop.drive(pending), ConnectionLost);
  assertEquals([cluster.door("n1"), cluster.doors()], [undefined, []]);
});

Deno.test("a stopped node answers once it goes on", async () => {
  const toys = makeToys(["n1"]);
  const { cluster } = toys;
  cluster.stop("n1");
  const pending = doorOf(toys, "n1").request((store) => store.listBuckets());
  cluster.loop.after(5000, () => cluster.continue("n1"));
  assertEquals(await cluster.loop.drive(pending), []);
  assertEquals(cluster.loop.nowMs, 5000);
});

Deno.test("a machine's clock is wrong over restarts; others are told to join those that ran before", async () => {
  const toys = makeToys(["n1", "n2"]);
  assertEquals(partsOf(toys, "n1").bootstrap, []);
  assertEquals(partsOf(toys, "n2").bootstrap, ["n1:9000"]);
  toys.cluster.stepClock("n1", -90_000);
  toys.cluster.crash("n1", "reset");
  toys.cluster.start("n1");
  const [n1, n2] = [partsOf(toys, "n1"), partsOf(toys, "n2")];
  assertEquals(n1.timers.now() - n2.timers.now(), -90_000);
  assertEquals(n1.bootstrap, ["n2:9000"]);
  await toys.cluster.loop.run(1);
  const call = n2.transport.call(n1.contact, { kind: "toy.id", data: {} }, 1000);
  assertEquals((await toys.cluster.loop.drive(call)).data, { id: n1.contact.id });
});

Deno.test("nodes that know or hold different things are told apart", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  const make = (name: string) =>
    MemoryContent.make({ timers, syncDelayMs: () => 1, random: randomFor(1, name) });
  const disks = new Map([["n1", make("n1")], ["n2", make("n2")]]);
  const records = () => new Map([...disks].map(([name, disk]) => [name, disk.records]));
  const bytes = new Uint8Array([1, 2, 3]);
  const hash = blake3Hex(bytes);
  const [a, b] = disks.values();
  if (a === undefined || b === undefined) throw new Error("two disks");

  assertEquals(findDifference(records()), undefined);
  await loop.drive(a.records.apply([record("a", "1", [{ hash, size: 3 }])]));
  assertStringIncludes(findDifference(records()) ?? "", "n2: nothing");
  await loop.drive(b.records.apply([record("a", "2", [{ hash, size: 3 }])]));
  assertStringIncludes(findDifference(records()) ?? "", "n1: 1, n2: 2");
  await loop.drive(a.records.apply([record("a", "2", [{ hash, size: 3 }])]));
  assertEquals(findDifference(records()), undefined);
  await loop.drive(b.records.apply([{ ...record("gone", "3"), isDeleted: true }]));
  assertEquals(findDifference(records()), undefined, "tombstones don't count");

  await loop.drive(a.blocks.write(hash, bytes));
  assertStringIncludes(findMisplaced(disks, 3) ?? "", `${hash} has 1 copies (n1)`);
  await loop.drive(b.blocks.write(hash, bytes));
  assertEquals(findMisplaced(disks, 3), undefined);
  const other = new Uint8Array([4]);
  await loop.drive(b.blocks.write(blake3Hex(other), other));
  assertStringIncludes(findMisplaced(disks, 3) ?? "", "is of no use (n2)");
});
