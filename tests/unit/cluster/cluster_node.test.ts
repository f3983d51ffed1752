/** Whole nodes: what is acknowledged stays through failed writes, nodes that are given up and come back, and buckets that go. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { S3Error } from "../../../src/errors.ts";
import { PeerError } from "../../../src/peer/transport.ts";
import type { MemoryContent } from "../../../src/storage/memory_content.ts";
import { bucketName, objectName } from "../../../src/storage/record.ts";
import { keyOf } from "./bench.ts";
import { STAGE } from "../../../src/cluster/stages.ts";
import { NodeBench } from "./node_bench.ts";

const LIST = { prefix: "", delimiter: "", after: { kind: "start" }, limit: 1000 } as const;

async function keys(bench: NodeBench, index: number): Promise<string[]> {
  const { entries } = await bench.drive(bench.node(index).store.list("bucket", LIST));
  return entries.flatMap((entry) => entry.kind === "object" ? [entry.object.key] : []);
}

Deno.test("node: a write that finds the disk full leaves what was there before", async () => {
  await using bench = await NodeBench.open(3);
  await bench.createBucket(0);
  await bench.put(0, "key", "first");
  const { records } = bench.content(1);
  const apply = records.apply.bind(records);
  records.apply = (given) =>
    given.some(({ isDeleted }) => !isDeleted)
      ? Promise.reject(new S3Error("StorageFull"))
      : apply(given);
  await assertRejects(() => bench.put(1, "key", "second"), S3Error);
  await bench.sleep(10_000);
  for (const index of [0, 2]) assert(["first", "second"].includes(await bench.get(index, "key")));
});

Deno.test("node: one that was given up comes back, though it has what nobody else has", async () => {
  await using bench = await NodeBench.open(3);
  await bench.createBucket(0);
  await bench.put(0, "before", "before");
  bench.gate = (from, _, { kind }) => {
    if (from === 2 && kind === "record.write") throw new PeerError("unreachable", "cut");
    return undefined;
  };
  await assertRejects(() => bench.put(2, "apart", "apart"), S3Error);
  bench.isolate(2);
  bench.gate = () => undefined;
  assert(bench.content(2).records.find(objectName("bucket", "apart")) !== undefined);
  await bench.loop.runUntil(
    () => bench.node(0).members().some(({ member, stage }) => stage >= 5 && member === keyOf(2)),
    300_000,
  );
  await bench.put(0, "meanwhile", "meanwhile");
  bench.heal();
  await bench.loop.runUntil(
    () =>
      bench.node(2).isReady && bench.node(2).members().some(({ member }) => member.endsWith("#2")),
    300_000,
  );
  assertEquals(await bench.get(2, "meanwhile"), "meanwhile");
  assertEquals(await bench.get(2, "before"), "before");
  // Nobody was told that it is there, or that it isn't: all agree in the end.
  await bench.sleep(10_000);
  const versions = bench.contents.map(({ records }) =>
    records.find(objectName("bucket", "apart"))?.version
  );
  assertEquals(new Set(versions).size, 1, String(versions));
  assert(versions[0] !== undefined);
});

Deno.test("node: one that was given up and doesn't know it yet lists nothing that is old", async () => {
  await using bench = await NodeBench.open(3);
  bench.isolate(2);
  await bench.loop.runUntil(
    () => isGone(bench, 0, keyOf(2)) && isGone(bench, 1, keyOf(2)),
    300_000,
  );
  await bench.start(3);
  await bench.loop.runUntil(() => bench.node(3).isReady, 300_000);
  // Acknowledged by two of the three that are left. The one that lacks it is the only one that answers the lost node.
  bench.gate = (from, to, { kind }) => {
    const isGossip = kind === "cluster.view";
    if (to === 2 || (from === 2 && (to !== 1 || isGossip))) {
      throw new PeerError("unreachable", "cut");
    }
    if (to === 1 && from !== 2) throw new PeerError("unreachable", "cut");
    if (from === 1) throw new PeerError("unreachable", "cut");
    return undefined;
  };
  await bench.createBucket(0);
  bench.heal();
  const listing = bench.node(2).store.listBuckets().then(
    (buckets) => buckets.map(({ name }) => name),
    (error) => error instanceof S3Error ? error.code : error,
  );
  assertEquals(await bench.drive(listing), "ServiceUnavailable");
});

function isGone(bench: NodeBench, index: number, member: string): boolean {
  const info = bench.node(index).members().find((info) => info.member === member);
  return info?.stage === STAGE.gone;
}

Deno.test("node: a bucket made anew while it is being deleted stays", async () => {
  await using bench = await NodeBench.open(3);
  await bench.createBucket(0);
  // The deletion has taken the bucket away, and waits for a look at the others.
  let isHeld = false;
  bench.gate = async (from, _, { kind }) => {
    if (from === 0 && kind === "record.changes" && isHeld) await bench.loop.sleep(5_000);
    return undefined;
  };
  const deleting = bench.node(0).store.deleteBucket("bucket").catch(() => {});
  await bench.loop.runUntil(() => {
    isHeld ||= bench.content(0).records.find(bucketName("bucket"))?.isDeleted === true;
    return bench.contents.every(({ records }) => records.find(bucketName("bucket"))?.isDeleted);
  });
  await bench.createBucket(1);
  await bench.drive(deleting);
  await bench.put(1, "key", "value");
  for (const index of [0, 1, 2]) assertEquals(await bench.get(index, "key"), "value");
});

Deno.test("node: an object stays readable when a deletion of its bucket was cut short", async () => {
  await using bench = await NodeBench.open(3);
  await bench.createBucket(0);
  // One node takes the bucket away for itself alone, and is cut off.
  bench.gate = (from, _, { kind, data }) => {
    if (from === 2 && kind === "record.write" && JSON.stringify(data).includes("closing")) {
      throw new PeerError("unreachable", "cut");
    }
    return undefined;
  };
  await assertRejects(() => bench.drive(bench.node(2).store.deleteBucket("bucket")), S3Error);
  bench.isolate(2);
  await bench.put(0, "key", "value");
  bench.heal();
  for (const index of [0, 1, 2]) {
    assertEquals(await bench.get(index, "key"), "value");
    assertEquals(await keys(bench, index), ["key"]);
  }
  // And in a while the bucket is whole again.
  await bench.sleep(120_000);
  await bench.put(1, "other", "value");
  assertEquals(await bench.get(2, "other"), "value");
});

Deno.test("node: a data dir of an earlier life brings nothing back that was deleted since", async () => {
  await using bench = await NodeBench.open(3, { tombstoneAgeMs: 20_000 });
  await bench.createBucket(0);
  await bench.put(0, "old", "old");
  await bench.put(0, "kept", "kept");
  await bench.loop.runUntil(() => bench.contents.every((content) => has(content, "old")), 60_000);
  bench.isolate(2);
  await bench.drive(bench.node(2)[Symbol.asyncDispose]());
  await bench.loop.runUntil(
    () => isGone(bench, 0, keyOf(2)) && isGone(bench, 1, keyOf(2)),
    300_000,
  );
  await bench.drive(bench.node(0).store.delete({ bucket: "bucket", key: "old" }));
  const isForgotten = (index: number) =>
    bench.content(index).records.find(objectName("bucket", "old")) === undefined;
  await bench.loop.runUntil(() => isForgotten(0) && isForgotten(1), 300_000);
  // The disk of the lost node, in another machine, without its id.
  bench.contents[3] = bench.content(2);
  await bench.start(3);
  await bench.loop.runUntil(() => bench.node(3).isReady, 300_000);
  await bench.sleep(30_000);
  for (const index of [0, 1, 3]) {
    assert(isForgotten(index), `node ${index}`);
    assertEquals(await bench.get(index, "kept"), "kept");
  }
});

function has({ records }: MemoryContent, key: string): boolean {
  return records.find(objectName("bucket", key)) !== undefined;
}
