/** Networks in which nobody knows everybody: that lookups find nodes and providers all the same. */

import { assert, assertEquals } from "@std/assert";
import type { Kademlia } from "../../../src/dht/kademlia.ts";
import { type SeededRandom, withSeed } from "../../support/seed.ts";
import { idsOf, sortedByDistance, type TestNode, TestWorld } from "./support.ts";

const MINUTE_MS = 60_000;

/** Each node's own keys. */
function announceKeys(nodes: readonly TestNode[], random: SeededRandom): Map<string, TestNode> {
  const announced = new Map<string, TestNode>();
  for (const node of nodes) {
    const keys = Array.from({ length: 4 }, () => random.bytes(20).toHex());
    node.dht.announce(keys);
    for (const key of keys) announced.set(key, node);
  }
  return announced;
}

Deno.test("16 nodes with k = 4, each joined by one neighbour: all find all providers, nobody knows all", () =>
  withSeed(import.meta.url, async (random) => {
    const world = new TestWorld(random);
    const nodes = await world.chain(16, { k: 4 });
    const announced = announceKeys(nodes, random);
    await world.pass(MINUTE_MS);
    for (const asking of nodes) {
      for (const [key, by] of announced) {
        const found = await world.loop.drive(asking.dht.findProviders(key));
        assertEquals(found, asking === by ? [] : [by.contact]);
      }
    }
    assert(nodes.some(({ dht }) => dht.stats().contacts < 15));
  }));

Deno.test("every node is found by every other, and so are the k nearest to any key", () =>
  withSeed(import.meta.url, async (random) => {
    const world = new TestWorld(random);
    const nodes = await world.chain(40, { k: 8 });
    for (const asking of nodes) {
      const others = nodes.filter((node) => node !== asking).map(({ contact }) => contact);
      const target = random.pick(others);
      const [found] = await world.loop.drive(asking.dht.findNode(target.id));
      assertEquals(found, target);
      const key = random.bytes(20).toHex();
      const nearest = idsOf(sortedByDistance(key, others).slice(0, 8));
      const result = idsOf(await world.loop.drive(asking.dht.findNode(key)));
      assertEquals(result[0], nearest[0]);
      assertEquals(new Set(result).size, 8);
      assert(result.filter((id) => nearest.includes(id)).length >= 7);
    }
  }));

Deno.test("providers are found when a quarter of the nodes died without notice and messages get lost", () =>
  withSeed(import.meta.url, async (random) => {
    const world = new TestWorld(random, { lossOneIn: 50 });
    const nodes = await world.chain(60, { k: 8 });
    await joinAgainIfLost(world, nodes);
    const announced = announceKeys(nodes, random);
    await world.pass(5 * MINUTE_MS);
    const dead = new Set(nodes.slice(0, 15));
    for (const node of dead) world.kill(node);
    const live = nodes.filter((node) => !dead.has(node));
    for (const [key, by] of announced) {
      const asking = random.pick(live);
      if (dead.has(by) || asking === by) continue;
      assertEquals(await world.loop.drive(asking.dht.findProviders(key)), [by.contact]);
    }
    await upkeep(world, live.map(({ dht }) => dht));
    for (const { dht } of live) {
      const named = idsOf(dht.closest(random.bytes(20).toHex(), 8));
      assert(![...dead].some(({ contact }) => named.includes(contact.id)));
    }
  }));

async function joinAgainIfLost(world: TestWorld, nodes: readonly TestNode[]): Promise<void> {
  for (const [index, { dht }] of nodes.entries()) {
    const others = nodes.filter((_, other) => other < index).map(({ contact }) => contact);
    if (index > 0) await world.loop.drive(dht.join(others.slice(-2)));
  }
}

/** Four hours in which each node does its upkeep. */
async function upkeep(world: TestWorld, nodes: readonly Kademlia[]): Promise<void> {
  for (let round = 0; round < 16; round++) {
    await world.pass(15 * MINUTE_MS);
    for (const dht of nodes) await world.loop.drive(dht.maintain());
  }
}
