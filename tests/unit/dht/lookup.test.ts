import { assert, assertEquals, assertRejects } from "@std/assert";
import { driveLookup, Lookup, type LookupOptions } from "../../../src/dht/lookup.ts";
import { RoutingTable } from "../../../src/dht/routing_table.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Contact } from "../../../src/peer/transport.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { SeededRandom, withSeed } from "../../support/seed.ts";
import { contactOf, idOf, idsOf, randomContact, sortedByDistance } from "./support.ts";

const TARGET = idOf("");
const SELF = idOf("ffff");

/** A contact at this distance (in two hex digits) from the target. */
function at(distance: string): Contact {
  return contactOf(idOf(distance));
}

function openLookup(seeds: readonly Contact[], options: Partial<LookupOptions> = {}): Lookup {
  const lookup = new Lookup(TARGET, { self: SELF, k: 4, alpha: 2, ...options });
  lookup.offer(seeds);
  return lookup;
}

Deno.test("α nodes are asked at once, the nearest first", () => {
  const lookup = openLookup([at("30"), at("10"), at("20")]);
  assertEquals(lookup.take(), [at("10"), at("20")]);
  assertEquals(lookup.take(), []);
  lookup.answered(at("10").id, [at("08"), at("09")]);
  assertEquals(lookup.take(), [at("08")]);
});

Deno.test("a round that names nobody nearer has all of the k asked, until somebody nearer is named", () => {
  const seeds = ["10", "20", "30", "40", "50", "60", "70"].map(at);
  const lookup = openLookup(seeds, { k: 6 });
  assertEquals(lookup.take(), [at("10"), at("20")]);
  lookup.answered(at("20").id, [at("80")]);
  assertEquals(lookup.take(), [at("30")]);
  lookup.answered(at("10").id, [at("90")]);
  assertEquals(lookup.take(), [at("40"), at("50"), at("60")], "the seventh isn't of the k");
  lookup.answered(at("60").id, [at("01"), at("02"), at("03"), at("04")]);
  lookup.answered(at("50").id, []);
  assertEquals(lookup.take(), [at("01"), at("02")]);
});

Deno.test("it ends when the k nearest have answered, and gives those that answered", () => {
  const lookup = openLookup([at("10"), at("20"), at("30"), at("40"), at("50")], { alpha: 9 });
  assertEquals(idsOf(lookup.take()), idsOf([at("10"), at("20"), at("30"), at("40")]));
  for (const distance of ["40", "30", "20"]) lookup.answered(at(distance).id, []);
  assert(!lookup.isDone);
  lookup.answered(at("10").id, [at("60")]);
  assert(lookup.isDone);
  assertEquals(lookup.take(), []);
  assertEquals(lookup.found, [at("10"), at("20"), at("30"), at("40")]);
  assertEquals(lookup.report, { messages: 4, failures: 0, hops: 1 });
});

Deno.test("nodes that fail are skipped and counted", () => {
  const lookup = openLookup([at("10"), at("20"), at("30"), at("40"), at("50")], { alpha: 9 });
  lookup.take();
  lookup.failed(at("20").id);
  assertEquals(lookup.take(), [at("50")]);
  for (const distance of ["10", "30", "40", "50"]) lookup.answered(at(distance).id, []);
  assert(lookup.isDone);
  assertEquals(lookup.found, [at("10"), at("30"), at("40"), at("50")]);
  assertEquals(lookup.report, { messages: 5, failures: 1, hops: 1 });
});

Deno.test("it ends with nothing when nobody is known, or nobody answers", () => {
  assert(openLookup([]).isDone);
  const lookup = openLookup([at("10")]);
  lookup.take();
  lookup.failed(at("10").id);
  assert(lookup.isDone);
  assertEquals([lookup.found, lookup.report.hops], [[], 0]);
});

Deno.test("a slow node is asked once more, then passed over, and still taken when it answers", () => {
  const lookup = openLookup([at("10"), at("20"), at("30")], { k: 2 });
  assertEquals(lookup.take(), [at("10"), at("20")]);
  lookup.slow(at("10").id);
  assertEquals(lookup.take(), [at("10")]);
  lookup.slow(at("10").id);
  assertEquals(lookup.take(), [at("30")]);
  lookup.answered(at("10").id, [at("08")]);
  assertEquals(lookup.take(), [at("08")]);
  for (const distance of ["08", "20"]) lookup.answered(at(distance).id, []);
  assert(lookup.isDone);
  assertEquals(lookup.found, [at("08"), at("10"), at("20")]);
});

Deno.test("slow nodes are waited for only while there aren't k others", () => {
  const few = openLookup([at("10"), at("20")], { k: 2 });
  const enough = openLookup([at("10"), at("20"), at("30")], { k: 2 });
  for (const lookup of [few, enough]) {
    lookup.take();
    for (const _ of [1, 2]) {
      lookup.slow(at("10").id);
      lookup.take();
    }
    lookup.answered(at("20").id, []);
    lookup.answered(at("30").id, []);
  }
  assertEquals([few.isDone, enough.isDone], [false, true]);
  few.failed(at("10").id);
  assert(few.isDone);
});

Deno.test("a node that answered the second call hasn't failed when the first one does", () => {
  const lookup = openLookup([at("10")]);
  lookup.take();
  lookup.slow(at("10").id);
  lookup.take();
  lookup.answered(at("10").id, []);
  lookup.failed(at("10").id);
  assertEquals(lookup.found, [at("10")]);
  assertEquals(lookup.report.failures, 0);
});

Deno.test("another address that was heard is tried when a call fails, a few of them", () => {
  const elsewhere = (port: number) => ({ ...at("10"), address: `elsewhere.test:${port}` });
  const lookup = openLookup([at("10"), at("20")], { k: 2 });
  lookup.take();
  lookup.answered(at("20").id, [1, 1, 2, 3, 4, 5].map(elsewhere));
  for (let tried = 1; tried < LIMITS.dhtAddressesTriedMax; tried++) {
    lookup.failed(at("10").id);
    assertEquals(lookup.take(), [elsewhere(tried)]);
  }
  lookup.failed(at("10").id);
  assert(lookup.isDone);
});

Deno.test("an address that is heard of after the failure is tried too", () => {
  const lookup = openLookup([at("10"), at("20")], { k: 2 });
  lookup.take();
  lookup.failed(at("10").id);
  const moved = { ...at("10"), address: "elsewhere.test:1" };
  lookup.answered(at("20").id, [moved]);
  assertEquals(lookup.take(), [moved]);
});

Deno.test("the own id, known nodes and the answering node itself add nothing", () => {
  const lookup = openLookup([at("10"), at("20"), contactOf(SELF)]);
  assertEquals(lookup.take().length, 2);
  lookup.answered(at("10").id, [contactOf(SELF), at("10"), at("20"), at("20")]);
  lookup.answered(at("20").id, []);
  assert(lookup.isDone);
  assertEquals(lookup.report.messages, 2);
});

Deno.test("a peer that makes up ever nearer nodes can't keep it going", () => {
  const lookup = openLookup([at("10")]);
  let calls = 0;
  let distance = 1n << 100n;
  const nearer = () => contactOf((--distance).toString(16).padStart(40, "0"));
  for (let taken = lookup.take(); taken.length > 0; taken = lookup.take()) {
    calls += taken.length;
    for (const { id } of taken) lookup.answered(id, Array.from({ length: 5000 }, nearer));
  }
  assert(lookup.isDone);
  assertEquals(calls, LIMITS.dhtLookupMessagesMax);
});

/** Nodes, and what each of them answers: by a table that has seen all others in some order. */
function openWorld(random: SeededRandom, size: number) {
  const contacts = Array.from({ length: size }, () => randomContact(random));
  const tables = new Map(contacts.map(({ id }) => {
    const table = new RoutingTable(id, 8, { elapsed: () => 0 });
    const start = random.below(size);
    for (const contact of [...contacts.slice(start), ...contacts.slice(0, start)]) {
      table.seen(contact);
    }
    return [id, table];
  }));
  return { contacts, tables };
}

interface Round {
  readonly deadOneIn: number;
  /** Of the k nearest that live. */
  readonly foundMin: number;
}

for (
  const { deadOneIn, foundMin } of [{ deadOneIn: Infinity, foundMin: 8 }, {
    deadOneIn: 5,
    foundMin: 4,
  }] satisfies Round[]
) {
  Deno.test(`${foundMin} of the 8 nearest are found with one node in ${deadOneIn} dead`, () =>
    withSeed(import.meta.url, async (random) => {
      for (let round = 0; round < 20; round++) {
        const { contacts, tables } = openWorld(random, 150);
        const dead = new Set(contacts.filter(() => random.below(60) < 60 / deadOneIn));
        const live = contacts.filter((contact) => !dead.has(contact));
        const deadIds = new Set(idsOf([...dead]));
        const loop = new EventLoop();
        const target = random.bytes(20).toHex();
        const lookup = new Lookup(target, { self: SELF, k: 8, alpha: 3 });
        lookup.offer(live.slice(0, 3));
        const ask = async ({ id }: Contact) => {
          await loop.sleep(random.below(400));
          return deadIds.has(id) ? undefined : tables.get(id)?.closest(target, 8);
        };
        const { signal } = new AbortController();
        const options = { timers: new VirtualTimers(loop), slowMs: 300, signal };
        await loop.drive(driveLookup(lookup, ask, options));
        const nearest = idsOf(sortedByDistance(target, live).slice(0, 8));
        const found = new Set(idsOf(lookup.found.slice(0, 8)));
        assertEquals(lookup.found[0]?.id, nearest[0]);
        const count = nearest.filter((id) => found.has(id)).length;
        assert(count >= foundMin, `only ${count} of the 8 nearest were found`);
      }
    }));
}

Deno.test("an end from outside cancels the timers and gives what was found", async () => {
  const loop = new EventLoop();
  const stopping = new AbortController();
  const lookup = openLookup([at("10"), at("20")], { k: 2 });
  const ask = async (contact: Contact) => {
    await loop.sleep(contact.id === at("10").id ? 10 : 1000);
    return [];
  };
  const options = { timers: new VirtualTimers(loop), slowMs: 100, signal: stopping.signal };
  loop.after(50, () => stopping.abort());
  await loop.drive(driveLookup(lookup, ask, options));
  assertEquals(loop.nowMs, 50);
  assertEquals(lookup.found, [at("10")]);
  const { events } = loop;
  await loop.run(10_000);
  assertEquals(loop.events, events + 1, "the answer that came too late, and no timer");
  assertEquals(lookup.report.messages, 2);
});

Deno.test("an answer after the end has nobody asked", async () => {
  const loop = new EventLoop();
  const asked: string[] = [];
  const ask = async ({ id }: Contact) => {
    asked.push(id);
    await loop.sleep(id === at("10").id ? 5000 : 10);
    return id === at("10").id ? [at("01")] : [];
  };
  const { signal } = new AbortController();
  const lookup = openLookup([at("10"), at("20"), at("30")], { k: 2 });
  await loop.drive(
    driveLookup(lookup, ask, { timers: new VirtualTimers(loop), slowMs: 100, signal }),
  );
  await loop.run(20_000);
  assertEquals(asked, idsOf([at("10"), at("20"), at("10"), at("30")]));
});

Deno.test("an error that isn't a failed call ends it", async () => {
  const loop = new EventLoop();
  const { signal } = new AbortController();
  const options = { timers: new VirtualTimers(loop), slowMs: 100, signal };
  const ask = () => Promise.reject(new TypeError("a bug"));
  await assertRejects(() => driveLookup(openLookup([at("10")]), ask, options), TypeError, "a bug");
});
