/** Leases, garbage, budgets and background work: what is kept, what goes, and that nothing is left over. */

import { assert, assertEquals } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { Background } from "../../../src/cluster/background.ts";
import { Budget } from "../../../src/budget.ts";
import { Garbage } from "../../../src/cluster/garbage.ts";
import { CLUSTER_RULES } from "../../../src/cluster/rules.ts";
import { S3Error } from "../../../src/errors.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { Bench, LEASE_MS, object } from "./bench.ts";

const BYTES = new Uint8Array(100).fill(3);
const HASH = blake3Hex(BYTES);
const GRACE_MS = LEASE_MS;

function garbageOf(bench: Bench, isSynced = true): Garbage {
  const { records, blocks, leases, counters } = bench.node(0);
  return new Garbage({
    records,
    blocks,
    leases,
    counters,
    timers: bench.timers,
    rules: CLUSTER_RULES,
    graceMs: GRACE_MS,
    sync: {
      catchUp: () =>
        isSynced ? Promise.resolve() : Promise.reject(new S3Error("ServiceUnavailable")),
    },
  });
}

async function pass(bench: Bench, ms: number): Promise<void> {
  await bench.loop.run(bench.loop.nowMs + ms);
}

Deno.test("leases: hold for their time from the last renewal", async () => {
  const bench = new Bench(1);
  const { leases } = bench.node(0);
  leases.renew(HASH);
  await pass(bench, LEASE_MS - 1);
  assert(leases.isLeased(HASH));
  leases.renew(HASH);
  await pass(bench, LEASE_MS - 1);
  assert(leases.isLeased(HASH));
  await pass(bench, 2);
  assert(!leases.isLeased(HASH));
});

Deno.test("garbage: goes after its grace period, not before, and only when nobody needs it", async () => {
  const bench = new Bench(1);
  const { blocks, records } = bench.node(0);
  await bench.drive(blocks.write(HASH, BYTES));
  const garbage = garbageOf(bench);
  await bench.drive(garbage.round());
  assertEquals(garbage.waiting, 1);
  await pass(bench, GRACE_MS - 10);
  await bench.drive(garbage.round());
  assert(blocks.has(HASH));
  // Referred to and let go again: the period begins anew.
  const refers = { blocks: [{ hash: HASH, size: 100 }] };
  await bench.drive(records.apply([object("key", 1, refers)]));
  await pass(bench, 20);
  await bench.drive(garbage.round());
  await bench.drive(records.apply([object("key", 2)]));
  await bench.drive(garbage.round());
  assert(blocks.has(HASH));
  await pass(bench, GRACE_MS);
  await bench.drive(garbage.round());
  assert(!blocks.has(HASH));
  assertEquals(garbage.waiting, 0);
});

Deno.test("garbage: a lease, and not knowing all that was acknowledged, each keep a block", async () => {
  for (const kept of ["leased", "behind", "nothing"] as const) {
    const bench = new Bench(1);
    const { blocks, leases } = bench.node(0);
    await bench.drive(blocks.write(HASH, BYTES));
    const garbage = garbageOf(bench, kept !== "behind");
    await bench.drive(garbage.round());
    await pass(bench, GRACE_MS - 10);
    if (kept === "leased") leases.renew(HASH);
    await pass(bench, 20);
    await bench.drive(garbage.round());
    assertEquals(blocks.has(HASH), kept !== "nothing", kept);
  }
});

Deno.test("garbage: a block that is promised to somebody while it is being removed isn't promised", async () => {
  const bench = new Bench(1);
  const { blocks, exchange } = bench.node(0);
  await bench.drive(blocks.write(HASH, BYTES));
  const garbage = garbageOf(bench);
  await bench.drive(garbage.round());
  await pass(bench, GRACE_MS + 1);
  let promised: unknown;
  const remove = blocks.remove.bind(blocks);
  blocks.remove = async (hash) => {
    // A renewal arrives between the decision and the removal.
    promised ??= exchange.answerRenew({ hashes: [hash] })["missing"];
    await remove(hash);
  };
  await bench.drive(garbage.round());
  assertEquals(promised, blocks.has(HASH) ? [] : [HASH]);
});

Deno.test("budget: first come, first served, never more than there is, and given back once", async () => {
  const budget = new Budget(10);
  const order: string[] = [];
  const first = await budget.take(6);
  const large = budget.take(10).then((grant) => (order.push("large"), grant));
  const small = budget.take(1).then((grant) => (order.push("small"), grant));
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  assertEquals(order, []);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  const grant = await large;
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  assertEquals(order, ["large"]);
  grant[Symbol.dispose]();
  await small;
  assertEquals(order, ["large", "small"]);
});

Deno.test("background: goes on after a fault, can be woken, and ends when it is closed", async () => {
  const loop = new EventLoop();
  const faults: string[] = [];
  const background = new Background(new VirtualTimers(loop), (what) => void faults.push(what));
  let rounds = 0;
  const wake = background.every("work", 1000, () => {
    rounds++;
    return rounds === 1 ? Promise.reject(new Error("once")) : Promise.resolve();
  });
  await loop.run(1);
  assertEquals([rounds, faults], [1, ["work"]]);
  await loop.run(1500);
  assertEquals(rounds, 2);
  wake();
  await loop.run(1501);
  assertEquals(rounds, 3);
  const slow = Promise.withResolvers<void>();
  background.run("slow", () => slow.promise);
  let isClosed = false;
  const closing = background[Symbol.asyncDispose]().then(() => isClosed = true);
  await loop.run(5000);
  assert(!isClosed);
  slow.resolve();
  await loop.drive(closing);
  assertEquals(rounds, 3);
  background.run("late", () => Promise.reject(new Error("never begun")));
  assertEquals(faults, ["work"]);
});
