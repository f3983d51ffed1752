/** One node of the hash table among few others: what it says, believes, keeps and cleans up. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Kademlia } from "../../../src/dht/kademlia.ts";
import { LIMITS } from "../../../src/limits.ts";
import { type Message, PeerFault, type Reply } from "../../../src/peer/transport.ts";
import type { Json } from "../../../src/storage/record.ts";
import { SeededRandom } from "../../support/seed.ts";
import type { NetworkOptions } from "./network.ts";
import { contactOf, idOf, idsOf, randomContact, TestWorld } from "./support.ts";

const KEY = idOf("abc");
const MINUTE_MS = 60_000;

function openWorld(options: Partial<NetworkOptions> = {}): TestWorld {
  return new TestWorld(new SeededRandom(1), options);
}

function randomKeys(random: SeededRandom, count: number): string[] {
  return Array.from({ length: count }, () => random.bytes(20).toHex());
}

Deno.test("10,000 keys on three nodes are told in 10 messages to each of the others, without lookups", async () => {
  const world = openWorld();
  const nodes = await world.chain(3);
  const [a, b, c] = nodes;
  world.network.calls.clear();
  const keys = randomKeys(world.random, 10_000);
  a.dht.announce(keys.slice(0, 4000));
  a.dht.announce(keys.slice(4000));
  await world.pass(MINUTE_MS);
  assertEquals([...world.network.calls], [["dht.announce", 20]]);
  assertEquals(nodes.map(({ dht }) => dht.stats().providerKeys), [10_000, 10_000, 10_000]);
  for (const asking of [b, c]) {
    for (const key of [keys[0], keys[9999]]) {
      assertEquals(await world.loop.drive(asking.dht.findProviders(key ?? "")), [a.contact]);
    }
  }
  assertEquals(await world.loop.drive(a.dht.findProviders(keys[0] ?? "")), []);
});

Deno.test("in a larger network keys that are near each other share a lookup, and all are found", async () => {
  const world = openWorld();
  const nodes = await world.chain(60, { k: 8 });
  const [announcing] = nodes;
  const lookupsBefore = announcing.dht.stats().lookups;
  const keys = randomKeys(world.random, 1000);
  announcing.dht.announce(keys);
  await world.pass(10 * MINUTE_MS);
  assert(announcing.dht.stats().lookups - lookupsBefore < 50);
  const found = nodes.map(({ dht }) => dht.stats().providerKeys);
  assertEquals(found.reduce((sum, count) => sum + count), 1000 * 8);
  for (const key of keys.slice(0, 200)) {
    const asking = world.random.pick(nodes.slice(1));
    assertEquals(await world.loop.drive(asking.dht.findProviders(key)), [announcing.contact]);
  }
});

Deno.test("a search for providers ends when it has enough, and asks nobody when it knows them", async () => {
  const world = openWorld();
  const nodes = await world.chain(12);
  for (const { dht } of nodes.slice(0, 6)) dht.announce([KEY]);
  await world.pass(MINUTE_MS);
  const stranger = world.add();
  const seeds = nodes.slice(0, 3).map(({ contact }) => contact);
  for (const contact of seeds) stranger.dht.seen(contact);
  world.network.calls.clear();
  assertEquals((await world.loop.drive(stranger.dht.findProviders(KEY, 2))).length, 2);
  assert(world.network.callCount <= 3, `${world.network.callCount} calls`);
  world.network.calls.clear();
  assertEquals((await world.loop.drive(stranger.dht.findProviders(KEY))).length, 6);
  assertEquals(world.network.callCount, 12);
  world.network.calls.clear();
  assertEquals((await nodes[0].dht.findProviders(KEY, 3)).length, 3);
  assertEquals(world.network.callCount, 0);
});

Deno.test("providers expire, and count again when they are announced again", async () => {
  const world = openWorld();
  const [a, b] = await world.chain(3, { providerTtlMs: 10 * MINUTE_MS });
  const find = () => world.loop.drive(b.dht.findProviders(KEY));
  a.dht.announce([KEY]);
  await world.pass(9 * MINUTE_MS);
  assertEquals(await find(), [a.contact]);
  a.dht.announce([KEY]);
  await world.pass(9 * MINUTE_MS);
  assertEquals(await find(), [a.contact]);
  await world.pass(2 * MINUTE_MS);
  assertEquals(await find(), []);
  await world.loop.drive(b.dht.maintain());
  assertEquals(b.dht.stats().providerRecords, 0);
});

Deno.test("announcements that nobody took are tried again by the upkeep", async () => {
  const world = openWorld();
  const [a, b, c] = await world.chain(3);
  world.network.remove(b.contact);
  world.network.remove(c.contact);
  a.dht.announce([KEY]);
  await world.pass(MINUTE_MS);
  assertEquals(a.dht.stats().announcementsWaiting, 1);
  world.network.add(b.contact, (from, message) => b.dht.handle(from, message));
  await world.loop.drive(a.dht.maintain());
  await world.pass(MINUTE_MS);
  assertEquals(a.dht.stats().announcementsWaiting, 0);
  assertEquals(b.dht.stats().providerKeys, 1);
});

Deno.test("a node that is alone keeps its announcements, for those who come later", async () => {
  const world = openWorld();
  const first = world.add();
  first.dht.announce([KEY]);
  await world.pass(MINUTE_MS);
  const second = world.add();
  assertEquals(await world.loop.drive(second.dht.join([first.contact])), 1);
  assertEquals(await world.loop.drive(second.dht.findProviders(KEY)), [first.contact]);
});

Deno.test("announcements wait until a node that joins has joined", async () => {
  const world = openWorld({ latencyMs: [50, 100] });
  const [first] = await world.chain(20, { k: 4 });
  const node = world.add({ k: 4 });
  const joined = node.dht.join([first.contact]);
  node.dht.announce([KEY]);
  await world.loop.drive(joined);
  assertEquals(world.network.calls.get("dht.announce"), undefined);
  await world.pass(MINUTE_MS);
  assert((world.network.calls.get("dht.announce") ?? 0) >= 3);
});

Deno.test("keys that wait are bounded, and a text that is no key is refused", () => {
  const world = openWorld();
  const { dht } = world.add();
  for (let time = 0; time < 12; time++) dht.announce(randomKeys(world.random, 10_000));
  assertEquals(dht.stats().announcementsWaiting, LIMITS.dhtAnnouncementsMax);
  assertThrows(() => dht.announce([KEY, "x"]), RangeError);
});

Deno.test("only the caller itself becomes a provider", async () => {
  const world = openWorld();
  const { dht } = world.add();
  const caller = randomContact(world.random);
  const other = randomContact(world.random);
  const data = { keys: [KEY], from: [other.id, other.address], providers: [[other.id, "x:1"]] };
  await dht.handle(caller, { kind: "dht.announce", data });
  const answer = await dht.handle(other, { kind: "dht.findProviders", data: { key: KEY } });
  assertEquals(answer.data["providers"], [[caller.id, caller.address]]);
});

Deno.test("messages that make no sense are refused, and change nothing", async () => {
  const world = openWorld();
  const { dht } = world.add();
  const caller = randomContact(world.random);
  const wrong: readonly Message[] = [
    { kind: "dht.findNode", data: {} },
    { kind: "dht.findNode", data: { target: "x" } },
    { kind: "dht.findProviders", data: { key: [KEY] } },
    { kind: "dht.announce", data: { keys: [] } },
    { kind: "dht.announce", data: { keys: [KEY, "x"] } },
    { kind: "dht.announce", data: { keys: randomKeys(world.random, 1001) } },
  ];
  for (const message of wrong) {
    const fault = await assertRejects(() => dht.handle(caller, message), PeerFault);
    assertEquals(fault.code, "malformed");
  }
  const strange: Message = { kind: "dht.store", data: {} };
  const fault = await assertRejects(() => dht.handle(caller, strange), PeerFault);
  assertEquals(fault.code, "unknownKind");
  assertEquals(dht.stats().providerRecords, 0);
});

Deno.test("answers name at most k nodes, the nearest, and not the one who asks", async () => {
  const world = openWorld();
  const { dht } = world.add();
  const contacts = Array.from({ length: 200 }, () => randomContact(world.random));
  for (const contact of contacts) dht.seen(contact);
  const [asking] = dht.closest(KEY, 1);
  const message: Message = { kind: "dht.findNode", data: { target: KEY } };
  const { data } = await dht.handle(asking ?? contactOf(KEY), message);
  const expected = dht.closest(KEY, 21).slice(1).map(({ id, address }) => [id, address]);
  assertEquals(data["contacts"], expected);
});

/** A node among three others of which one answers every question with this. */
async function withLiar(reply: (message: Message) => Reply) {
  const world = openWorld();
  const nodes = await world.chain(4);
  const [node, liar, ...honest] = nodes;
  world.network.add(liar.contact, (_, message) => Promise.resolve(reply(message)));
  return { world, node, liar, honest: honest.map(({ contact }) => contact) };
}

Deno.test("answers that make no sense are ignored, and whoever gives them isn't named any more", async () => {
  const pair: Json = [idOf("1"), "x.test:1"];
  const lists: Json[] = [
    null,
    5,
    "x",
    {},
    [[]],
    [["x", "y"]],
    [pair, null],
    Array(5000).fill(pair),
  ];
  for (const list of lists) {
    const { world, node, liar, honest } = await withLiar(() => {
      return { data: { contacts: list, providers: list } };
    });
    const found = await world.loop.drive(node.dht.findNode(KEY));
    assertEquals(idsOf(found).toSorted(), idsOf(honest).toSorted());
    assertEquals(await world.loop.drive(node.dht.findProviders(KEY)), []);
    assert(!idsOf(node.dht.closest(KEY, 10)).includes(liar.contact.id));
  }
});

Deno.test("what others say about nodes is called, and never believed", async () => {
  const random = new SeededRandom(2);
  const madeUp = Array.from({ length: 60 }, () => randomContact(random));
  const { world, node, honest, liar } = await withLiar(() => {
    const pairs = [...madeUp, node.contact, node.contact, ...madeUp].slice(0, 64)
      .map(({ id, address }) => [id, address]);
    return { data: { contacts: pairs, providers: pairs } };
  });
  const found = await world.loop.drive(node.dht.findNode(KEY));
  assertEquals(idsOf(found).toSorted(), idsOf([...honest, liar.contact]).toSorted());
  assertEquals(node.dht.stats().contacts, 3);
  const providers = await world.loop.drive(node.dht.findProviders(KEY));
  assert(providers.length <= LIMITS.dhtProvidersFoundMax);
  assert(!idsOf(providers).includes(node.contact.id));
});

Deno.test("a made-up address for a node that is known doesn't make it fail", async () => {
  const victim = contactOf(idOf("f"));
  const { world, node } = await withLiar(() => {
    node.dht.seen(victim);
    return { data: { contacts: [[victim.id, "evil.test:1"]] } };
  });
  await world.loop.drive(node.dht.findNode(victim.id));
  await world.pass(LIMITS.dhtCallMs);
  assertEquals(node.dht.closest(victim.id, 1), [victim]);
});

Deno.test("a call that got no answer says nothing about a node that was seen since", async () => {
  const world = openWorld();
  const [node, other] = await world.chain(3);
  world.network.remove(other.contact);
  await world.pass(1);
  const search = node.dht.findNode(other.contact.id);
  await world.pass(1000);
  node.dht.seen(other.contact);
  await world.loop.drive(search);
  await world.pass(LIMITS.dhtCallMs);
  assertEquals(node.dht.closest(other.contact.id, 1), [other.contact]);
});

Deno.test("a search goes on when the k nearest that are known have died", async () => {
  const world = openWorld();
  const node = world.add({ k: 2 }, contactOf(idOf("0")));
  const live = world.add({}, contactOf(idOf("8")));
  for (const contact of [contactOf(idOf("4")), contactOf(idOf("5")), live.contact]) {
    node.dht.seen(contact);
  }
  assertEquals(await world.loop.drive(node.dht.findNode(idOf("4"))), [live.contact]);
});

Deno.test("a node is found at its new address though others still tell the old one", async () => {
  const world = openWorld();
  const [a, b, c] = await world.chain(3);
  const moved = { id: c.contact.id, address: "moved.test:1" };
  world.network.remove(c.contact);
  world.network.add(moved, (from, message) => c.dht.handle(from, message));
  b.dht.seen(moved);
  const found = await world.loop.drive(a.dht.findNode(c.contact.id));
  assertEquals(found[0], moved);
});

Deno.test("dead nodes leave: they aren't named after one failure, and dropped after some time", async () => {
  const world = openWorld();
  const nodes = await world.chain(6);
  const [node, dead] = nodes;
  world.kill(dead);
  const found = await world.loop.drive(node.dht.findNode(dead.contact.id));
  assertEquals(found.length, 4);
  await world.pass(LIMITS.dhtCallMs);
  assert(!idsOf(node.dht.closest(dead.contact.id, 10)).includes(dead.contact.id));
  assertEquals(node.dht.stats().contacts, 5);
  await world.pass(LIMITS.dhtFailingMs);
  await world.loop.drive(node.dht.maintain());
  assertEquals(node.dht.stats().contacts, 4);
});

Deno.test("a node that was cut off from all others finds them again", async () => {
  const world = openWorld();
  const nodes = await world.chain(5);
  const [node, ...others] = nodes;
  for (const { contact } of others) world.network.remove(contact);
  for (let minute = 0; minute < 5; minute++) {
    await world.loop.drive(node.dht.findNode(KEY));
    await world.loop.drive(node.dht.maintain());
    await world.pass(MINUTE_MS);
  }
  assertEquals(node.dht.closest(KEY, 10), []);
  for (const { contact, dht } of others) {
    world.network.add(contact, (from, message) => dht.handle(from, message));
  }
  await world.loop.drive(node.dht.maintain());
  assertEquals(node.dht.closest(KEY, 10).length, 4);
});

Deno.test("a newcomer takes the place of a dead node, and not of a live one", async () => {
  for (const isDead of [true, false]) {
    const world = openWorld();
    const node = world.add({ k: 2 }, contactOf(idOf("0")));
    const oldest = world.add({}, contactOf(idOf("8")));
    node.dht.seen(oldest.contact);
    node.dht.seen(contactOf(idOf("9")));
    await world.pass(LIMITS.dhtFreshMs);
    if (isDead) world.kill(oldest);
    const newcomer = contactOf(idOf("a"));
    await node.dht.handle(newcomer, { kind: "dht.ping", data: {} });
    assertEquals(node.dht.stats().replacements, 1);
    await world.pass(LIMITS.dhtCallMs + 1);
    const expected = isDead ? ["9", "a"] : ["8", "9"];
    assertEquals(idsOf(node.dht.closest(idOf("8"), 10)), expected.map(idOf));
  }
});

Deno.test("upkeep refreshes buckets in which nothing was looked up for an hour, and no others", async () => {
  const world = openWorld();
  const [node] = await world.chain(30, { k: 4 });
  const lookups = node.dht.stats().lookups;
  await world.pass(LIMITS.dhtIdleMs - MINUTE_MS);
  await world.loop.drive(node.dht.maintain());
  assertEquals(node.dht.stats().lookups, lookups);
  await world.pass(MINUTE_MS);
  await world.loop.drive(node.dht.maintain());
  assertEquals(node.dht.stats().lookups, lookups + node.dht.stats().buckets);
});

Deno.test("after stop nothing happens any more", async () => {
  const world = openWorld();
  const nodes = await world.chain(5);
  const [node, ...others] = nodes;
  for (const { contact } of others) world.network.remove(contact);
  const lookups = [node.dht.findNode(KEY), node.dht.findProviders(KEY)];
  node.dht.announce([KEY]);
  await world.pass(10);
  const stoppedAt = world.loop.nowMs;
  const stopped = node.dht.stop();
  assertEquals(await world.loop.drive(Promise.all(lookups)), [[], []]);
  await world.loop.drive(stopped);
  assertEquals(world.loop.nowMs, stoppedAt);
  const calls = world.network.callCount;
  node.dht.announce([KEY]);
  node.dht.seen(randomContact(world.random));
  assertEquals(await world.loop.drive(node.dht.findNode(KEY)), []);
  await world.loop.drive(node.dht.maintain());
  await world.pass(LIMITS.dhtCallMs);
  const events = world.loop.events;
  await world.pass(24 * 60 * MINUTE_MS);
  assertEquals([world.network.callCount, world.loop.events], [calls, events]);
});

Deno.test("stop cancels the timer of announcements", async () => {
  const world = openWorld();
  const { dht } = world.add();
  dht.announce([KEY]);
  await dht.stop();
  await world.pass(MINUTE_MS);
  assertEquals(world.loop.events, 0);
});

Deno.test("stop waits for what goes on in the background", async () => {
  const world = openWorld();
  const [a, b] = await world.chain(3);
  world.network.remove(b.contact);
  a.dht.announce([KEY]);
  await world.pass(LIMITS.dhtAnnounceDelayMs);
  const startedAt = world.loop.nowMs;
  await world.loop.drive(a.dht.stop());
  assertEquals(world.loop.nowMs, startedAt + LIMITS.dhtCallMs);
});

Deno.test("memory is bounded, whoever calls with whatever", async () => {
  const world = openWorld();
  const { dht } = world.add();
  for (let time = 0; time < 3000; time++) {
    const data = { keys: randomKeys(world.random, 100) };
    await dht.handle(randomContact(world.random), { kind: "dht.announce", data });
  }
  const { contacts, replacements, buckets, providerRecords } = dht.stats();
  assertEquals(providerRecords, LIMITS.dhtProviderRecordsMax);
  assert(contacts <= buckets * LIMITS.dhtBucketContactsMax && buckets < 20);
  assert(replacements <= buckets * LIMITS.dhtReplacementsMax);
});

Deno.test("an error that isn't the peer's doing comes through", async () => {
  const world = openWorld();
  const self = randomContact(world.random);
  const transport = { call: () => Promise.reject(new TypeError("a bug")) };
  const { timers, random } = world;
  const dht = new Kademlia({ self, transport, timers, random });
  dht.seen(randomContact(random));
  await assertRejects(() => dht.findNode(KEY), TypeError, "a bug");
});
