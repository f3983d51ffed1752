/** The ContentStore contract in memory; and what is left of it after a crash. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { blake3Hex } from "../../src/blake3.ts";
import { MemoryContent } from "../../src/storage/memory_content.ts";
import { systemTimers, type Timers } from "../../src/timers.ts";
import { SeededRandom } from "../support/seed.ts";
import { contentStoreSuite } from "./content_store_suite.ts";
import { bytesOf, object } from "./content_store/support.ts";

contentStoreSuite("MemoryContent", () => {
  let store = makeStore(systemTimers);
  return Promise.resolve({
    get store() {
      return store;
    },
    async reopen() {
      await store[Symbol.asyncDispose]();
      store = store.crash();
    },
    damageBlock: (hash) => store.damageBlock(hash),
    loseBlock: (hash) => store.loseBlock(hash),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  });
});

Deno.test("MemoryContent: a crash loses what wasn't synced, and nothing else", async () => {
  const timers = new ManualTimers();
  const store = makeStore(timers);
  const first = store.records.apply([object("a", 1)]);
  const second = store.records.apply([object("b", 2)]);
  const value = store.records.setValue("v", 1);
  const bytes = bytesOf("block");
  timers.runNext();
  await first;
  const written = store.blocks.write(blake3Hex(bytes), bytes);
  assertEquals(store.blocks.has(blake3Hex(bytes)), false);
  const { lastSeq } = store.records;
  const after = store.crash();
  assertEquals(timers.waiting, 0);
  assertEquals(keysOf(after), ["a"]);
  assertEquals(after.records.getValue("v"), undefined);
  assertEquals(after.blocks.list("", 10), []);
  for (const lost of [second, value, written]) await assertPending(lost);
  await assertPending(store.records.apply([]));
  await assertPending(store.records.apply([object("c", 3)]));
  await assertPending(store.blocks.read(blake3Hex(bytes)));
  assertEquals(timers.waiting, 0);
  assertEquals(keysOf(after), ["a"]);
  void after.records.apply([object("d", 4)]);
  assertEquals(after.records.changesAfter(lastSeq, 10).map(({ name }) => name.key), ["d"]);
});

Deno.test("MemoryContent: what changes nothing is durable when it is answered", async () => {
  const timers = new ManualTimers();
  const store = makeStore(timers);
  const first = store.records.apply([object("a", 1)]);
  const again = store.records.apply([object("a", 1)]);
  await assertPending(again);
  timers.runNext();
  await Promise.all([first, again]);
});

Deno.test("MemoryContent: a block survives a crash once it is written, and its damage too", async () => {
  const timers = new ManualTimers();
  const store = makeStore(timers);
  const [one, two] = [bytesOf("one"), bytesOf("two")];
  for (const bytes of [one, two]) {
    const written = store.blocks.write(blake3Hex(bytes), bytes);
    while (timers.waiting === 0) await Promise.resolve();
    timers.runNext();
    await written;
  }
  store.damageBlock(blake3Hex(two));
  const after = store.crash();
  assertEquals(await after.blocks.read(blake3Hex(one)), one);
  assertEquals(await after.blocks.read(blake3Hex(two)), undefined);
  assertEquals(after.blocks.stats().damaged, 1);
});

Deno.test("MemoryContent: stores made by other chance have other feeds", () => {
  const [a, b] = [makeStore(systemTimers, 1), makeStore(systemTimers, 2)];
  assertNotEquals(a.records.feedId, b.records.feedId);
  assertEquals(a.records.feedId, a.crash().records.feedId);
});

function makeStore(timers: Timers, seed = 1): MemoryContent {
  return MemoryContent.make({ timers, syncDelayMs: () => 0, random: new SeededRandom(seed) });
}

function keysOf(store: MemoryContent): string[] {
  return store.records.names(undefined, undefined, 100).map(({ name }) => name.key);
}

async function assertPending(promise: Promise<unknown>): Promise<void> {
  let isSettled = false;
  promise.finally(() => isSettled = true);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assertEquals(isSettled, false);
}

/** Time that passes only when it is told to. */
class ManualTimers implements Timers {
  #callbacks: (() => void)[] = [];

  now(): number {
    return 0;
  }

  elapsed(): number {
    return 0;
  }

  after(_ms: number, callback: () => void): () => void {
    this.#callbacks.push(callback);
    return () => this.#callbacks = this.#callbacks.filter((other) => other !== callback);
  }

  get waiting(): number {
    return this.#callbacks.length;
  }

  /** Calls the oldest callback. */
  runNext(): void {
    this.#callbacks.shift()?.();
  }
}
