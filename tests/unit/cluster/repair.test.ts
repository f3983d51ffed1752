/** Each node's share of the blocks, and what ends with something else: parts, uploads, buckets, tombstones. */

import { assert, assertEquals } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { bucketRecord, closingBucket, tombstone } from "../../../src/cluster/object_record.ts";
import { placeOfBlock } from "../../../src/cluster/placement.ts";
import { Reaper } from "../../../src/cluster/reaper.ts";
import { Repair } from "../../../src/cluster/repair.ts";
import { CLUSTER_RULES } from "../../../src/cluster/rules.ts";
import { LIMITS } from "../../../src/limits.ts";
import { bucketName, objectName, partName, uploadName } from "../../../src/storage/record.ts";
import { Bench, indexOf, keyOf, object, record, version } from "./bench.ts";

const BYTES = new Uint8Array(5000).fill(9);
const HASH = blake3Hex(BYTES);
const REFERS = object("key", 1, { blocks: [{ hash: HASH, size: BYTES.length }] });
const DAY_MS = 86_400_000;

function repairOf(bench: Bench, index: number): Repair {
  const { membership, exchange, records, blocks, leases, counters } = bench.node(index);
  const { timers } = bench;
  return new Repair({ membership, exchange, records, blocks, leases, counters, timers });
}

/** Of five nodes: those that should hold the block, and those that shouldn't. */
function shares(bench: Bench): { own: number[]; others: number[] } {
  const own = bench.node(0).membership.holders(placeOfBlock(HASH)).map(indexOf);
  return { own, others: [0, 1, 2, 3, 4].filter((index) => !own.includes(index)) };
}

function reaperOf(bench: Bench, index = 0, tombstoneAgeMs = DAY_MS): Reaper {
  const { quorum, sync, clock, records } = bench.node(index);
  return new Reaper({
    quorum,
    sync,
    clock,
    records,
    timers: bench.timers,
    rules: CLUSTER_RULES,
    uploadAgeMsMax: 7 * DAY_MS,
    tombstoneAgeMs,
  });
}

Deno.test("repair: a node fetches the blocks of its share, and only these", async () => {
  const bench = new Bench(5);
  const { own, others } = shares(bench);
  const [holder = 0, lacking = 0] = own;
  const [stranger = 0] = others;
  await bench.drive(bench.node(holder).blocks.write(HASH, BYTES));
  for (const index of [lacking, stranger]) {
    await bench.drive(bench.node(index).records.apply([REFERS]));
    const repair = repairOf(bench, index);
    await bench.drive(repair.round());
    // Whoever wrote the record may be about to bring the block.
    assert(!bench.node(index).blocks.has(HASH));
    await bench.loop.run(bench.loop.nowMs + LIMITS.repairDelayMs);
    await bench.drive(repair.fetchWanted());
    assertEquals(bench.node(index).blocks.has(HASH), index === lacking);
    assertEquals(repair.missing, 0);
  }
});

Deno.test("repair: a surplus block goes only once all who should hold it do", async () => {
  const bench = new Bench(5);
  const { own, others } = shares(bench);
  const [surplus = 0] = others;
  const { blocks, records } = bench.node(surplus);
  await bench.drive(blocks.write(HASH, BYTES));
  await bench.drive(records.apply([REFERS]));
  const repair = repairOf(bench, surplus);
  let isCut = true;
  bench.meddle(({ to, message }) =>
    isCut && to === own[2] && message.kind.startsWith("block.") ? new Promise(() => {}) : undefined
  );
  for (let round = 0; round < 3; round++) await bench.drive(repair.round());
  assert(blocks.has(HASH), "gone though one of those who should hold it can't be asked");
  isCut = false;
  for (let round = 0; round < 3; round++) await bench.drive(repair.round());
  assert(!blocks.has(HASH));
  for (const index of own) assert(bench.node(index).blocks.has(HASH));
});

Deno.test("repair: a leased surplus block stays", async () => {
  const bench = new Bench(5);
  const { own, others } = shares(bench);
  const [surplus = 0] = others;
  for (const index of [...own, surplus]) {
    await bench.drive(bench.node(index).blocks.write(HASH, BYTES));
  }
  await bench.drive(bench.node(surplus).records.apply([REFERS]));
  bench.node(surplus).leases.renew(HASH);
  await bench.drive(repairOf(bench, surplus).round());
  assert(bench.node(surplus).blocks.has(HASH));
});

Deno.test("reaper: the parts of an upload that has ended go, those of others stay", async () => {
  const bench = new Bench(1);
  const { records } = bench.node(0);
  const parts = [1, 2, 3].map((number) =>
    record(partName("bucket", "key", "ended", number), number)
  );
  const other = record(partName("bucket", "key", "ended2", 1), 1);
  const ended = record(uploadName("bucket", "key", "ended"), 2, { isDeleted: true });
  await bench.drive(records.apply([...parts, other, ended]));
  const reaper = reaperOf(bench);
  reaper.note([ended]);
  await bench.drive(reaper.round());
  // One part is newer than the end of its upload: it came late, and goes all the same.
  // (Their tombstones are old, and nobody else has to follow: they are forgotten in the same round.)
  for (const part of parts) assert(records.find(part)?.isDeleted !== false, part.sub);
  assertEquals(records.find(other)?.isDeleted, false);
});

Deno.test("reaper: uploads end with their age, or with their bucket, and else not", async () => {
  const bench = new Bench(1);
  const { records } = bench.node(0);
  const now = bench.timers.now();
  const upload = (id: string, bucket: string, time: number) =>
    record(uploadName(bucket, "key", id), 5, { data: { time, meta: "{}" } });
  const closing = record(bucketName("closing"), 9, { isDeleted: true, data: { closing: true } });
  const given = [
    upload("old", "bucket", now - 8 * DAY_MS),
    upload("new", "bucket", now),
    upload("lost", "gone", now),
    upload("kept", "closing", now),
    record(bucketName("bucket"), 1),
    record(bucketName("gone"), 9, { isDeleted: true }),
    closing,
  ];
  await bench.drive(records.apply(given));
  await bench.drive(reaperOf(bench).sweep());
  const ended = given.slice(0, 4).map((name) => records.find(name)?.isDeleted);
  assertEquals(ended, [true, false, true, false]);
});

Deno.test("reaper: tombstones stay until they are old and everybody has followed", async () => {
  const cases = [
    { ageMs: 2 * DAY_MS, isFollowed: true, stays: false },
    { ageMs: 2 * DAY_MS, isFollowed: false, stays: true },
    { ageMs: DAY_MS / 2, isFollowed: true, stays: true },
  ];
  for (const { ageMs, isFollowed, stays } of cases) {
    const bench = new Bench(3);
    const grave = tombstone(objectName("bucket", "key"), version(bench.timers.now() - ageMs));
    const { records } = bench.node(0);
    await bench.drive(records.apply([grave]));
    for (let round = 0; round < 2; round++) {
      for (const index of isFollowed ? [1, 2] : [1]) {
        await bench.drive(bench.node(index).sync.pull(keyOf(0)));
      }
    }
    await bench.drive(reaperOf(bench).round());
    assertEquals(records.find(grave) !== undefined, stays, JSON.stringify({ ageMs, isFollowed }));
  }
});

Deno.test("reaper: a deletion that was cut short is taken back when something is in the bucket", async () => {
  for (const isEmpty of [true, false]) {
    const bench = new Bench(1);
    const { records } = bench.node(0);
    const info = {
      name: "bucket",
      createdMs: 5,
      owner: "me",
      acl: "private" as const,
      cors: undefined,
      tags: undefined,
    };
    const home = bucketRecord(info, version(bench.timers.now() - 10));
    const closing = closingBucket(home, version(bench.timers.now()));
    await bench.drive(records.apply([closing, ...(isEmpty ? [] : [object("key", 1)])]));
    const reaper = reaperOf(bench);
    reaper.note([closing]);
    await bench.drive(reaper.round());
    assertEquals(records.find(home)?.isDeleted, true, "at once, though its deleter may be at work");
    await bench.loop.run(bench.loop.nowMs + LIMITS.closingMsMax + 10);
    await bench.drive(reaper.round());
    assertEquals(records.find(home)?.isDeleted, isEmpty);
    if (!isEmpty) assertEquals(records.find(home)?.data["owner"], "me");
  }
});
