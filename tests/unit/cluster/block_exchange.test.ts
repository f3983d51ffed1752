/** Blocks between nodes: what counts as stored, who is waited for, what is believed, and what is sent twice. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { placeOfBlock } from "../../../src/cluster/placement.ts";
import { S3Error } from "../../../src/errors.ts";
import { LIMITS } from "../../../src/limits.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import { Bench, keyOf } from "./bench.ts";

const BYTES = new Uint8Array(10_000).fill(7);
const HASH = blake3Hex(BYTES);

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => undefined, (error) => error);
  return error instanceof S3Error ? error.code : String(error);
}

Deno.test("blocks: one dead node and a busy one don't fail a store", async () => {
  const bench = new Bench(3);
  bench.kill(1);
  bench.node(0).peers.suspect(keyOf(2));
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assert(bench.node(0).blocks.has(HASH) && bench.node(2).blocks.has(HASH));
});

Deno.test("blocks: one hung node and a busy one don't stall a store", async () => {
  const bench = new Bench(3);
  bench.hang(1);
  bench.node(0).peers.suspect(keyOf(2));
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assert(bench.node(2).blocks.has(HASH));
  assert(bench.loop.nowMs <= 2 * LIMITS.blockLagMs + 100, `took ${bench.loop.nowMs} ms`);
});

Deno.test("blocks: a hung node holds a store up for a moment only, and the next not at all", async () => {
  const bench = new Bench(3);
  bench.hang(1);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assert(bench.loop.nowMs >= LIMITS.blockLagMs && bench.loop.nowMs < LIMITS.blockLagMs + 100);
  const before = bench.loop.nowMs;
  const other = new Uint8Array(500).fill(1);
  await bench.drive(bench.node(0).exchange.store(blake3Hex(other), other));
  assert(bench.loop.nowMs - before < 100, `took ${bench.loop.nowMs - before} ms`);
});

Deno.test("blocks: too few nodes fail a store at once, not after a timeout", async () => {
  const bench = new Bench(3);
  bench.kill(1);
  bench.kill(2);
  const code = await bench.drive(failure(bench.node(0).exchange.store(HASH, BYTES)));
  assertEquals(code, "ServiceUnavailable");
  assert(bench.loop.nowMs < 100, `took ${bench.loop.nowMs} ms`);
});

Deno.test("blocks: what a node has already isn't sent again, and is leased there", async () => {
  const bench = new Bench(3);
  for (const index of [0, 1]) await bench.drive(bench.node(index).blocks.write(HASH, BYTES));
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assertEquals(bench.received(1, "block.put").length, 0);
  assertEquals(bench.received(2, "block.put").length, 1);
  assert(bench.node(1).leases.isLeased(HASH) && bench.node(2).leases.isLeased(HASH));
});

Deno.test("blocks: one that this node would have and hasn't is sent without asking", async () => {
  const bench = new Bench(3);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  for (const index of [1, 2]) {
    assertEquals(bench.received(index, "block.offer").length, 0);
    assertEquals(bench.received(index, "block.put").length, 1);
  }
});

Deno.test("blocks: a damaged copy isn't taken for one that is held", async () => {
  const bench = new Bench(3);
  for (const index of [0, 1]) await bench.drive(bench.node(index).blocks.write(HASH, BYTES));
  bench.node(1).content.damageBlock(HASH);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assertEquals(bench.received(1, "block.put").length, 1);
  assertEquals(await bench.drive(bench.node(1).blocks.read(HASH)), BYTES);
});

Deno.test("blocks: a damaged local block is fetched again, and put right", async () => {
  const bench = new Bench(3);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  bench.node(0).content.damageBlock(HASH);
  const fetching = bench.node(0).exchange.fetch({ hash: HASH, size: BYTES.length });
  assertEquals(await bench.drive(fetching), BYTES);
  await bench.loop.run(bench.loop.nowMs + 100);
  assertEquals(await bench.drive(bench.node(0).blocks.read(HASH)), BYTES);
});

Deno.test("blocks: a peer that lies isn't believed, and the next one is asked", async () => {
  const bench = new Bench(3);
  for (const index of [1, 2]) await bench.drive(bench.node(index).blocks.write(HASH, BYTES));
  let lies = 0;
  bench.meddle(({ message }) =>
    message.kind === "block.get" && lies++ === 0 ? { data: {}, body: BYTES.slice(1) } : undefined
  );
  const fetching = bench.node(0).exchange.fetch({ hash: HASH, size: BYTES.length });
  assertEquals(await bench.drive(fetching), BYTES);
  assertEquals(lies, 2);
  assertEquals(bench.node(0).counters.all()["blocks_refused"], 1);
});

Deno.test("blocks: a hung holder delays a read by the hedge only", async () => {
  const bench = new Bench(3);
  for (const index of [1, 2]) await bench.drive(bench.node(index).blocks.write(HASH, BYTES));
  const start = bench.loop.nowMs;
  let hung: number | undefined;
  bench.meddle(({ to, message }) => {
    if (message.kind !== "block.get") return undefined;
    hung ??= to;
    return to === hung ? new Promise(() => {}) : undefined;
  });
  const fetching = bench.node(0).exchange.fetch({ hash: HASH, size: BYTES.length });
  assertEquals(await bench.drive(fetching), BYTES);
  assert(bench.loop.nowMs - start <= LIMITS.blockHedgeMs + 100, `${bench.loop.nowMs - start} ms`);
});

Deno.test("blocks: reads at once of one block share a fetch", async () => {
  const bench = new Bench(2);
  await bench.drive(bench.node(1).blocks.write(HASH, BYTES));
  const { exchange } = bench.node(0);
  const block = { hash: HASH, size: BYTES.length };
  const all = await bench.drive(Promise.all([1, 2, 3].map(() => exchange.fetch(block))));
  assertEquals(all, [BYTES, BYTES, BYTES]);
  assertEquals(bench.received(1, "block.get").length, 1);
});

Deno.test("blocks: what nobody has is unavailable, and healing says so", async () => {
  const bench = new Bench(3);
  const block = { hash: HASH, size: BYTES.length };
  const { exchange } = bench.node(0);
  assertEquals(await bench.drive(failure(exchange.fetch(block))), "ServiceUnavailable");
  assertEquals(await bench.drive(exchange.heal(block)), false);
});

Deno.test("blocks: a hung node doesn't hold a renewal up", async () => {
  const bench = new Bench(3);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  bench.hang(1);
  const before = bench.loop.nowMs;
  assertEquals(await bench.drive(bench.node(0).exchange.renew([HASH])), []);
  assert(bench.loop.nowMs - before < 100, `took ${bench.loop.nowMs - before} ms`);
});

Deno.test("blocks: renewal tells which are on too few nodes, and leases the rest", async () => {
  const lost = blake3Hex(new Uint8Array([1]));
  const bench = new Bench(3);
  await bench.drive(bench.node(0).exchange.store(HASH, BYTES));
  assertEquals(await bench.drive(bench.node(0).exchange.renew([HASH, lost])), [lost]);
  bench.kill(1);
  assertEquals(await bench.drive(bench.node(0).exchange.renew([HASH])), []);
  bench.kill(2);
  assertEquals(await bench.drive(bench.node(0).exchange.renew([HASH])), [HASH]);
});

Deno.test("blocks: bytes of another hash, or of a size that no block has, are refused", async () => {
  const bench = new Bench(2);
  const { exchange } = bench.node(0);
  const put = (body: Uint8Array<ArrayBuffer> | undefined, hash: string = HASH) =>
    exchange.answerPut({ data: { hash }, ...(body && { body }) });
  await assertRejects(() => put(BYTES.slice(1)), Error, "its hash");
  await assertRejects(() => put(undefined), PeerFault);
  await assertRejects(() => put(new Uint8Array()), PeerFault);
  await assertRejects(() => put(new Uint8Array(LIMITS.blockBytesMax + 1)), PeerFault);
  await assertRejects(() => put(BYTES, "../../etc/passwd"), PeerFault, "hash");
  assertEquals(bench.node(0).blocks.stats().blocks, 0);
});

Deno.test("blocks: of sixteen nodes only the nearest are given a block", async () => {
  const bench = new Bench(16);
  await bench.drive(bench.node(5).exchange.store(HASH, BYTES));
  const holders = bench.node(5).membership.holders(placeOfBlock(HASH));
  const holding = bench.nodes.filter(({ blocks }) => blocks.has(HASH)).map(({ member }) => member);
  assertEquals(holding.sort(), [...holders].sort());
  assertEquals(holding.length, 3);
  for (const node of bench.nodes) {
    const fetching = node.exchange.fetch({ hash: HASH, size: BYTES.length });
    assertEquals(await bench.drive(fetching), BYTES);
  }
});
