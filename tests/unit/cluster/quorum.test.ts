/** Reads and writes on quorums, with peers that are slow, silent, stale, or lie. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { S3Error } from "../../../src/errors.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import { bucketName, objectName, partName, uploadName } from "../../../src/storage/record.ts";
import { encodeRecord } from "../../../src/cluster/record_codec.ts";
import { LIMITS } from "../../../src/limits.ts";
import { placeOf } from "../../../src/cluster/placement.ts";
import { Bench, indexOf, object, record } from "./bench.ts";

const NAME = objectName("bucket", "key");
const HOME = record(bucketName("bucket"), 1);

Deno.test("quorum: what a read gives is on a quorum, however late a newer answer comes", async () => {
  const bench = new Bench(3);
  const [old, young] = [object("key", 1), object("key", 2)];
  await bench.drive(bench.node(0).records.apply([HOME, old]));
  // The read must write the old one back, and while it does the third node tells of a write that nobody acknowledged.
  bench.meddle(({ to, message }) => {
    if (to === 2 && message.kind === "record.write") return new Promise(() => {});
    if (to === 1 && message.kind === "record.write") {
      return bench.loop.sleep(100).then(() => undefined);
    }
    if (to !== 2 || message.kind !== "record.read") return undefined;
    return bench.loop.sleep(50).then(() => ({ data: { records: [encodeRecord(young)] } }));
  });
  const found = await bench.drive(bench.node(0).quorum.find(NAME));
  const copies = bench.nodes.map(({ records }) => records.find(NAME)?.version);
  const holding = copies.filter((copy) => copy === found?.version);
  assert(holding.length >= 2, `${found?.version} is given, and on the nodes are ${copies}`);
});

function failure(work: Promise<unknown>): Promise<string> {
  return work.then(() => "none", (error) => error instanceof S3Error ? error.code : String(error));
}

async function fill(bench: Bench, held: readonly (number | undefined)[]): Promise<void> {
  for (const [index, number] of held.entries()) {
    const records = number === undefined ? [HOME] : [HOME, object("key", number)];
    await bench.drive(bench.node(index).records.apply(records));
  }
}

Deno.test("quorum: a read gives the newest of those that may have it, and repairs the stale", async () => {
  // Of what was never acknowledged a read gives what it meets.
  const cases: { held: (number | undefined)[]; given: (number | undefined)[] }[] = [
    { held: [undefined, undefined, undefined], given: [undefined] },
    { held: [1, 1, 1], given: [1] },
    { held: [1, 2, 2], given: [2] },
    { held: [2, 1, 2], given: [2] },
    { held: [2, 2, 1], given: [2] },
    { held: [undefined, 2, 1], given: [1, 2] },
    { held: [3, undefined, undefined], given: [3] },
  ];
  for (const { held, given } of cases) {
    const bench = new Bench(3);
    await fill(bench, held);
    const found = await bench.drive(bench.node(0).quorum.find(NAME));
    const newest = found?.data["number"] as number | undefined;
    assert(given.includes(newest), `${held} gave ${newest}`);
    await bench.loop.run(bench.loop.nowMs + 100);
    const after = bench.nodes.map(({ records }) => records.find(NAME)?.data["number"]);
    const copies = after.filter((number) => number === newest).length;
    assert(copies >= 2, `${held} became ${after}`);
  }
});

Deno.test("quorum: a read asks no more than have to answer, and the others when one of those is silent", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  const asked = () => [1, 2].map((index) => bench.received(index, "record.read").length);
  await bench.drive(bench.node(0).quorum.find(NAME));
  assertEquals(asked().sort(), [0, 1]);
  const [first = 0] = [1, 2].filter((index) => bench.received(index, "record.read").length > 0);
  bench.hang(first);
  const start = bench.loop.nowMs;
  await bench.drive(bench.node(0).quorum.find(NAME));
  assert(bench.loop.nowMs - start <= 2 * LIMITS.readHedgeMs);
  assertEquals(asked().every((count) => count > 0), true);
});

Deno.test("quorum: a tombstone is an answer, and wins by its version", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, undefined]);
  await bench.drive(bench.node(2).records.apply([object("key", 2, { isDeleted: true })]));
  await bench.drive(bench.node(1).records.apply([object("key", 2, { isDeleted: true })]));
  const found = await bench.drive(bench.node(0).quorum.find(NAME));
  assertEquals(found?.isDeleted, true);
});

Deno.test("quorum: one hung node delays neither a read nor a write", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  bench.hang(2);
  const start = bench.loop.nowMs;
  await bench.drive(bench.node(0).quorum.find(NAME));
  await bench.drive(bench.node(0).quorum.write([object("key", 2)], HOME));
  assert(bench.loop.nowMs - start < 100, `took ${bench.loop.nowMs - start} ms`);
});

Deno.test("quorum: what has become impossible fails at once", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  for (const index of [1, 2]) bench.kill(index);
  const start = bench.loop.nowMs;
  assertEquals(await bench.drive(failure(bench.node(0).quorum.find(NAME))), "ServiceUnavailable");
  const writing = failure(bench.node(0).quorum.write([object("key", 2)], HOME));
  assertEquals(await bench.drive(writing), "ServiceUnavailable");
  assert(bench.loop.nowMs - start < 100, `took ${bench.loop.nowMs - start} ms`);
});

Deno.test("quorum: silence fails a read when its time is over, and not later", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  for (const index of [1, 2]) bench.hang(index);
  const start = bench.loop.nowMs;
  assertEquals(await bench.drive(failure(bench.node(0).quorum.find(NAME))), "ServiceUnavailable");
  assert(bench.loop.nowMs - start <= LIMITS.readHedgeMs + LIMITS.readCallMs);
});

Deno.test("quorum: a write is durable on W nodes and on the one that acknowledges it", async () => {
  for (const count of [1, 2, 3, 5, 16]) {
    const bench = new Bench(count);
    await bench.drive(bench.node(0).quorum.write([object("key", 2)], HOME));
    const durable = bench.nodes.map(({ content }) => content.crash().records.find(NAME));
    assert(durable[0] !== undefined, `not on the acknowledging of ${count}`);
    const writers = bench.node(0).membership.writers(placeOf(NAME));
    const having = writers.members.filter((member) => durable[indexOf(member)] !== undefined);
    assertEquals(writers.needed, Math.min(2, count));
    assert(having.length >= writers.needed, `${having.length} of ${count}`);
  }
});

Deno.test("quorum: a peer that answers with another name's record isn't believed", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  bench.meddle(({ to, message }) =>
    to === 1 && message.kind === "record.read"
      ? { data: { records: [encodeRecord(object("other", 9))] } }
      : undefined
  );
  const found = await bench.drive(bench.node(0).quorum.find(NAME));
  assertEquals([found?.key, found?.data["number"]], ["key", 1]);
});

Deno.test("quorum: answers that make no sense count as none", async () => {
  for (
    const data of [{}, { records: 5 }, { records: [] }, { records: [null, null] }, {
      records: ["x"],
    }]
  ) {
    const bench = new Bench(3);
    await fill(bench, [1, 1, 1]);
    bench.meddle(({ to, message }) =>
      to !== 0 && message.kind === "record.read" ? { data } : undefined
    );
    assertEquals(await bench.drive(failure(bench.node(0).quorum.find(NAME))), "ServiceUnavailable");
  }
});

Deno.test("quorum: what has no bucket or upload any more is refused", async () => {
  const bench = new Bench(3);
  const gone = record(bucketName("bucket"), 5, { isDeleted: true });
  for (const node of bench.nodes) await bench.drive(node.records.apply([gone]));
  const { quorum } = bench.node(0);
  assertEquals(await bench.drive(failure(quorum.write([object("key", 6)], HOME))), "NoSuchBucket");
  assertEquals(await bench.drive(failure(quorum.write([object("key", 6)]))), "NoSuchBucket");
  const home = record(bucketName("bucket"), 7);
  const ended = record(uploadName("bucket", "key", "u"), 8, { isDeleted: true });
  for (const node of bench.nodes) await bench.drive(node.records.apply([home, ended]));
  const part = record(partName("bucket", "key", "u", 1), 9);
  assertEquals(await bench.drive(failure(quorum.write([part], home))), "NoSuchUpload");
  for (const { records } of bench.nodes) assertEquals(records.find(part), undefined);
});

Deno.test("quorum: a version from the future is refused by every node", async () => {
  const bench = new Bench(3);
  await fill(bench, [1, 1, 1]);
  const late = bench.timers.now() + LIMITS.clockAheadMsMax;
  await bench.drive(bench.node(0).quorum.accept([object("key", late)], undefined, true));
  await assertRejects(
    () => bench.node(0).quorum.accept([object("key", late + 1000)], undefined, true),
    PeerFault,
    "ahead",
  );
});

Deno.test("quorum: others' disks alone acknowledge nothing: what a node says it has", async () => {
  const bench = new Bench(3);
  const { records, quorum } = bench.node(0);
  const apply = records.apply.bind(records);
  records.apply = async (given) => {
    await apply(given);
    await bench.loop.sleep(500);
  };
  await bench.drive(quorum.write([object("key", 2)], HOME));
  assert(bench.loop.nowMs >= 500, `acknowledged after ${bench.loop.nowMs} ms`);
  records.apply = () => Promise.reject(new S3Error("StorageFull"));
  assertEquals(await bench.drive(failure(quorum.write([object("key", 3)], HOME))), "StorageFull");
});

Deno.test("quorum: who is given up while a write is under way doesn't count any more", async () => {
  const bench = new Bench(3);
  bench.hang(2);
  bench.meddle(({ to, message }) =>
    to === 1 && message.kind === "record.write"
      ? bench.loop.sleep(50).then(() => undefined)
      : undefined
  );
  const { membership, quorum } = bench.node(0);
  const writers = membership.writers.bind(membership);
  let isChanged = false;
  membership.writers = (place) => {
    const { members } = writers(place);
    return isChanged
      ? { members: members.filter((member) => indexOf(member) === 0), needed: 1 }
      : { members, needed: 3 };
  };
  bench.loop.after(10, () => isChanged = true);
  await bench.drive(quorum.write([object("key", 2)], HOME));
  assert(bench.loop.nowMs < 200, `took ${bench.loop.nowMs} ms`);
});
