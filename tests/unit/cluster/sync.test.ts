/** Catching up by change feeds, and by comparing ranges: with feeds that begin anew, pages, purges, and peers that make no sense. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeChange, encodeRecord } from "../../../src/cluster/record_codec.ts";
import { STAGE } from "../../../src/cluster/stages.ts";
import { S3Error } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/limits.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import { objectName, type Record, stampOf } from "../../../src/storage/record.ts";
import { SeededRandom, withSeed } from "../../support/seed.ts";
import { Bench, keyOf, object, TERMS, version } from "./bench.ts";

function list(bench: Bench, index: number): string[] {
  return bench.node(index).records.names(undefined, undefined, 100_000)
    .map(({ name, stamp }) => `${name.key} ${stamp}`);
}

function objects(count: number, number = 1): Record[] {
  return Array.from({ length: count }, (_, i) => object(`k${String(i).padStart(5, "0")}`, number));
}

Deno.test("sync: a pull fetches all pages, and the next one only what is new", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(1).records.apply(objects(2 * LIMITS.changesPageMax + 5)));
  await bench.drive(bench.node(0).sync.pull(keyOf(1)));
  assertEquals(list(bench, 0), list(bench, 1));
  const before = bench.received(1, "record.fetch").length;
  await bench.drive(bench.node(1).records.apply([object("new", 2)]));
  await bench.drive(bench.node(0).sync.pull(keyOf(1)));
  assertEquals(bench.received(1, "record.fetch").length, before + 1);
  assertEquals(list(bench, 0), list(bench, 1));
  assertEquals(bench.node(0).sync.recordsBehind, 0);
});

Deno.test("sync: what is held already isn't fetched", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(0).records.apply(objects(50, 2)));
  await bench.drive(bench.node(1).records.apply([...objects(40, 1), ...objects(50, 2).slice(40)]));
  await bench.drive(bench.node(0).sync.pull(keyOf(1)));
  assertEquals(bench.received(1, "record.fetch").length, 0);
});

Deno.test("sync: another feed of the same member is followed from its beginning", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(1).records.apply(objects(5)));
  await bench.drive(bench.node(0).sync.pull(keyOf(1)));
  const asked: unknown[] = [];
  bench.meddle(({ message }) => {
    if (message.kind === "record.fetch") {
      return { data: { records: [encodeRecord(object("z", 9))], taken: 1 } };
    }
    if (message.kind !== "record.changes") return undefined;
    asked.push(message.data["feedId"]);
    const change = { name: objectName("bucket", "z"), stamp: stampOf(object("z", 9)), seq: 3 };
    return { data: { feedId: "other", after: 0, last: 3, changes: [encodeChange(change)] } };
  });
  await bench.drive(bench.node(0).sync.pull(keyOf(1)));
  assert(bench.node(0).records.find(objectName("bucket", "z")) !== undefined);
  assertEquals(asked.length, 1);
});

Deno.test("sync: a peer whose feed doesn't get on is left alone", async () => {
  const bench = new Bench(2);
  let asked = 0;
  const change = { name: objectName("bucket", "z"), stamp: version(1), seq: 1 };
  bench.meddle(({ message }) => {
    if (message.kind === "record.fetch") return { data: { records: [], taken: 1 } };
    if (message.kind !== "record.changes") return undefined;
    if (asked++ > 100) throw new Error("asked on and on");
    return { data: { feedId: "f", after: 1, last: 9, changes: [encodeChange(change)] } };
  });
  await assertRejects(() => bench.drive(bench.node(0).sync.pull(keyOf(1))), PeerFault);
  assert(asked < 5, `asked ${asked} times`);
});

Deno.test("sync: answers that aren't what they should be are the peer's fault", async () => {
  const good = { feedId: "f", after: 0, last: 0, changes: [] };
  for (
    const bad of [
      { feedId: 1 },
      { after: -1 },
      { last: "x" },
      { last: 0.5 },
      { changes: {} },
      { changes: [["object", "bucket"]] },
      { changes: [[["object", "bucket", "k"], "junk", 1]] },
      { changes: [[["object", "bucket", "k"], version(1), -1]] },
    ]
  ) {
    const bench = new Bench(2);
    bench.meddle(() => ({ data: { ...good, ...bad } }));
    await assertRejects(() => bench.drive(bench.node(0).sync.pull(keyOf(1))), PeerFault);
    assertEquals(list(bench, 0), []);
  }
});

Deno.test("sync: who asks while a pull is under way gets what came after its beginning", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(1).records.apply([object("old", 1)]));
  bench.meddle(({ message }) =>
    message.kind === "record.fetch" ? bench.loop.sleep(50).then(() => undefined) : undefined
  );
  const first = bench.node(0).sync.pull(keyOf(1));
  await bench.loop.run(bench.loop.nowMs + 10);
  await bench.drive(bench.node(1).records.apply([object("new", 1)]));
  const [second, third] = [0, 1].map(() => bench.node(0).sync.pull(keyOf(1)));
  await bench.drive(Promise.all([second, third]));
  await first;
  assert(bench.node(0).records.find(objectName("bucket", "new")) !== undefined);
  assertEquals(bench.received(1, "record.changes").length, 2);
});

Deno.test("sync: catching up needs all but W - 1 members, and fails at once when they are gone", async () => {
  const bench = new Bench(3);
  await bench.drive(bench.node(2).records.apply([object("key", 1)]));
  bench.hang(1);
  await bench.drive(bench.node(0).sync.catchUp());
  assert(bench.node(0).records.find(objectName("bucket", "key")) !== undefined);
  assert(bench.loop.nowMs < 100, `took ${bench.loop.nowMs} ms`);
  const cut = new Bench(3);
  for (const index of [1, 2]) cut.kill(index);
  await assertRejects(() => cut.drive(cut.node(0).sync.catchUp()), S3Error);
  assert(cut.loop.nowMs < 100);
});

Deno.test("sync: nothing is forgotten before everybody has followed", async () => {
  const bench = new Bench(3);
  await bench.drive(bench.node(0).records.apply(objects(3)));
  assertEquals(bench.node(0).sync.followedUpTo(), 0);
  for (let round = 0; round < 2; round++) await bench.drive(bench.node(1).sync.pull(keyOf(0)));
  assertEquals(bench.node(0).sync.followedUpTo(), 0);
  for (let round = 0; round < 2; round++) await bench.drive(bench.node(2).sync.pull(keyOf(0)));
  assertEquals(bench.node(0).sync.followedUpTo(), 3);
});

Deno.test("sync: cursors survive a restart; a member that is gone takes its own with it", async () => {
  const bench = new Bench(3, { stages: [STAGE.settled, STAGE.settled, STAGE.settled] });
  for (const index of [1, 2]) await bench.drive(bench.node(index).records.apply(objects(3)));
  const { sync, records } = bench.node(0);
  await bench.drive(sync.pullAll([keyOf(1), keyOf(2)]));
  await bench.drive(sync.save());
  assertEquals(
    Object.keys(records.getValue("sync.cursors") as object).sort(),
    [keyOf(1), keyOf(2)].sort(),
  );
  const later = new Bench(3, { stages: [STAGE.settled, STAGE.settled, STAGE.gone] });
  await later.drive(
    later.node(0).records.setValue("sync.cursors", records.getValue("sync.cursors") ?? null),
  );
  const { sync: reopened } = later.reopenSync(0);
  await later.drive(reopened.save());
  assertEquals(Object.keys(later.node(0).records.getValue("sync.cursors") as object), [keyOf(1)]);
});

Deno.test("sync: what a member that is gone had more than this node isn't waited for", async () => {
  const bench = new Bench(2);
  bench.meddle(({ message }) => {
    if (message.kind === "record.fetch") throw new PeerFault("stopping", "it stops");
    return undefined;
  });
  await bench.drive(bench.node(1).records.apply(objects(7)));
  await bench.drive(bench.node(0).sync.pullAll([keyOf(1)]));
  assertEquals(bench.node(0).sync.recordsBehind, 7);
  const { membership } = bench.node(0);
  const others = membership.others.bind(membership);
  membership.others = () => others().filter((member) => member !== keyOf(1));
  assertEquals(bench.node(0).sync.recordsBehind, 0);
});

Deno.test("ranges: stores that differ at random become equal, whichever side compares", async () => {
  await withSeed(import.meta.url, async (random) => {
    for (let round = 0; round < 12; round++) {
      const bench = new Bench(2);
      const count = random.pick([0, 1, 3, 40, 700, 1500]);
      for (const index of [0, 1]) {
        await bench.drive(bench.node(index).records.apply(someOf(random, count)));
      }
      await bench.drive(bench.node(round % 2).rangeSync.compare(keyOf(1 - round % 2)));
      assertEquals(live(bench, 0), live(bench, 1));
      const { records } = bench.node(0);
      assertEquals(
        records.digest(undefined, undefined),
        bench.node(1).records.digest(undefined, undefined),
      );
    }
  });
});

Deno.test("ranges: equal stores are told by one message", async () => {
  const bench = new Bench(2);
  for (const index of [0, 1]) await bench.drive(bench.node(index).records.apply(objects(3000)));
  const difference = await bench.drive(bench.node(0).rangeSync.compare(keyOf(1)));
  assertEquals(difference, { fetched: 0, pushed: 0, dropped: 0 });
  assertEquals(bench.sent.length, 1);
});

Deno.test("ranges: a node that was given up drops what is old and unknown, and gives nothing", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(0).records.apply([object("old", 5), object("new", 20)]));
  await bench.drive(bench.node(1).records.apply([object("theirs", 3)]));
  const difference = await bench.drive(bench.node(0).rangeSync.compare(keyOf(1), version(10)));
  assertEquals(difference, { fetched: 1, pushed: 0, dropped: 1 });
  assertEquals(live(bench, 0).map((line) => line.split(" ")[0]), ["new", "theirs"]);
  assertEquals(bench.received(1, "record.write").length, 0);
});

Deno.test("ranges: a store with nearly nothing takes in one with much page by page", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(1).records.apply(objects(3 * LIMITS.recordNamesMax)));
  await bench.drive(bench.node(0).rangeSync.compare(keyOf(1)));
  assertEquals(live(bench, 0), live(bench, 1));
  const kinds = bench.sent.map(({ message }) => message.kind);
  const names = kinds.flatMap((kind, at) => kind === "record.names" ? [at] : []);
  // What a page named is fetched before the next is asked for: a million names are never held at once.
  assert(kinds.slice(names[0], names[1]).includes("record.fetch"), kinds.join(" "));
});

Deno.test("sync: an answer to many names reads no more than fits into a message", async () => {
  const bench = new Bench(1, { terms: TERMS });
  const blocks = Array.from({ length: 2000 }, (_, i) => ({
    hash: i.toString(16).padStart(64, "0"),
    size: 1,
  }));
  const large = Array.from({ length: 200 }, (_, i) => object(`k${i}`, 1, { blocks }));
  const { records, sync } = bench.node(0);
  await bench.drive(records.apply(large));
  let reads = 0;
  const find = records.find.bind(records);
  records.find = (name) => (reads++, find(name));
  const names = large.map(({ key }) => ["object", "bucket", key]);
  const { taken } = sync.answerFetch({ names });
  assert(Number(taken) > 0 && Number(taken) < 200);
  assert(reads <= Number(taken) + 1, `${reads} records read for ${taken}`);
});

function live(bench: Bench, index: number): string[] {
  const { records } = bench.node(index);
  return list(bench, index).filter((line) =>
    records.find(objectName("bucket", line.split(" ")[0] ?? ""))?.isDeleted === false
  );
}

function someOf(random: SeededRandom, count: number): Record[] {
  const made: Record[] = [];
  for (let i = 0; i < count; i++) {
    if (random.oneIn(10)) continue;
    const number = random.oneIn(5) ? 2 + random.below(3) : 1;
    made.push(object(`k${String(i).padStart(5, "0")}`, number, { isDeleted: number > 2 }));
  }
  return made;
}
