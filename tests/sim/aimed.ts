/** Simulations that go straight for one rule of src/cluster/rules.ts, where chance meets it too seldom. */

import { SeededRandom } from "../support/seed.ts";
import type { ObjectStore } from "../../src/storage/object_store.ts";
import { clusterNodes, type ClusterNodesOptions } from "./cluster_nodes.ts";
import { type Content, Contents } from "./contents.ts";
import { ConnectionLost } from "./door.ts";
import { BrokenPromise } from "./history.ts";
import { metaOf, putContent, readContent } from "./object_steps.ts";
import { addressOf, SimCluster } from "./sim_cluster.ts";

const NODES = ["n1", "n2", "n3"];
const BUCKET = "main";
const TARGET = { bucket: BUCKET, key: "key" };
/** Longer than any call to a node that is cut off: renewing leases waits for those. */
const GRACE_MS = 20_000;
const MINUTE_MS = 60_000;
const MiB = 1024 * 1024;

/** What a reader was given stays, though the only node that had it dies at once. */
export function readThenLose(seed: number, broken: ClusterNodesOptions = {}): Promise<void> {
  return play(seed, broken, [10], async ({ cluster, contents, ask }) => {
    await ask("n1", (store) => putContent(store, TARGET, contents.make()));
    // It has read what is there when it is cut off: what it writes it has alone, and one node isn't enough.
    const kept = contents.make();
    const body = bodyThen(kept, () => cutOff(cluster, "n1"));
    const request = { ...TARGET, body, sizeHint: kept.bytes.length, seal: () => metaOf(kept) };
    const isRefused = await ask("n1", (store) => store.put(request)).then(() => false, () => true);
    if (!isRefused) throw new BrokenPromise("a write on one node was acknowledged");
    cluster.network.healAll();
    const { id } = await ask("n1", (store) => readContent(store, TARGET, contents));
    if (id !== kept.id) throw new BrokenPromise("this proves nothing: the write didn't stay on n1");
    cluster.crash("n1", "silent");
    for (const node of ["n2", "n3"]) {
      const later = await ask(node, (store) => readContent(store, TARGET, contents));
      if (later.id !== id) {
        throw new BrokenPromise(`${node} reads ${later.id} after ${id} was read`);
      }
    }
  });
}

/** A body that takes longer to come in than garbage is kept. */
export function uploadSlowly(seed: number, broken: ClusterNodesOptions = {}): Promise<void> {
  return play(seed, broken, [8 * MiB], async ({ cluster, contents, ask }) => {
    const content = contents.make();
    const body = slowBody(cluster, content);
    const request = {
      ...TARGET,
      body,
      sizeHint: content.bytes.length,
      seal: () => metaOf(content),
    };
    await ask("n1", (store) => store.put(request));
    await cluster.loop.sleep(3 * GRACE_MS);
    for (const node of NODES) await ask(node, (store) => readContent(store, TARGET, contents));
  });
}

/** A node that is cut off takes for garbage what the others refer to again. */
export function referAgainElsewhere(seed: number, broken: ClusterNodesOptions = {}): Promise<void> {
  return play(seed, broken, [20 * 1024], async ({ cluster, contents, ask }) => {
    const content = contents.make();
    await ask("n1", (store) => putContent(store, TARGET, content));
    await cluster.loop.sleep(2 * GRACE_MS);
    await ask("n1", (store) => store.delete(TARGET));
    await cluster.loop.sleep(500);
    cutOff(cluster, "n3");
    await ask("n1", (store) => putContent(store, TARGET, contents.copyOf(content)));
    await cluster.loop.sleep(4 * GRACE_MS);
    const { length } = cluster.disk("n3").blocks.list("", 10);
    if (length === 0) throw new BrokenPromise("n3 collected a block that n1 and n2 refer to");
  });
}

interface Stage {
  readonly cluster: SimCluster;
  readonly contents: Contents;
  readonly ask: <T>(node: string, work: (store: ObjectStore) => Promise<T>) => Promise<T>;
}

async function play(
  seed: number,
  broken: ClusterNodesOptions,
  sizes: readonly number[],
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const openNode = clusterNodes({ ...broken, times: { gcGraceMs: GRACE_MS } });
  const cluster = new SimCluster({ seed, openNode, syncMsMax: 8 });
  const contents = new Contents({ sizes, variants: 1 }, new SeededRandom(seed));
  const ask: Stage["ask"] = async (node, work) => {
    const door = cluster.door(node);
    if (door === undefined) throw new ConnectionLost(`${node} is down`);
    return await door.request(work);
  };
  const live = async () => {
    for (const name of NODES) {
      cluster.add(name);
      cluster.start(name);
    }
    const late = () => new BrokenPromise("the nodes don't become ready");
    await cluster.until(() => NODES.every((name) => cluster.isReady(name)), MINUTE_MS, late);
    await ask("n1", (store) => store.createBucket(BUCKET, { owner: "sim", acl: "private" }));
    await act({ cluster, contents, ask });
  };
  await cluster.loop.drive(Promise.race([live(), cluster.failed]), 10 * MINUTE_MS);
}

function cutOff(cluster: SimCluster, name: string): void {
  const others = NODES.filter((other) => other !== name).map(addressOf);
  cluster.network.partition([[addressOf(name)], others]);
}

async function* slowBody(cluster: SimCluster, { bytes }: Content) {
  for (let start = 0; start < bytes.length; start += MiB) {
    yield bytes.subarray(start, start + MiB);
    await cluster.loop.sleep(GRACE_MS / 4);
  }
}

async function* bodyThen({ bytes }: Content, then: () => void) {
  yield bytes;
  await Promise.resolve();
  then();
}
