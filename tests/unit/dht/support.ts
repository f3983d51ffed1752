/** Ids and small networks for tests of the hash table. */

import * as fc from "fast-check";
import { Kademlia, type KademliaOptions } from "../../../src/dht/kademlia.ts";
import type { Contact } from "../../../src/peer/transport.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { SeededRandom } from "../../support/seed.ts";
import { FastNetwork, type NetworkOptions } from "./network.ts";

/** The id whose first digits are these; the others are zero. */
export function idOf(digits: string): string {
  return digits.padEnd(40, "0");
}

/** A contact whose address follows from its id. */
export function contactOf(id: string): Contact {
  return { id, address: `${id.slice(0, 12)}.test:9000` };
}

export function randomContact(random: SeededRandom): Contact {
  return contactOf(random.bytes(20).toHex());
}

/** Ids of which many differ in few bits, or only in the last ones. */
export const anyId: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom(0n, 1n << 159n, (1n << 160n) - 1n, 0x5n << 100n),
  fc.oneof(fc.bigInt(0n, (1n << 160n) - 1n), fc.nat(159).map((bit) => 1n << BigInt(bit))),
).map(([base, change]) => (base ^ change).toString(16).padStart(40, "0"));

export function distanceOf(a: string, b: string): bigint {
  return BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
}

/** By the definition of the metric, in the slowest way. */
export function sortedByDistance<T extends { readonly id: string }>(
  target: string,
  contacts: readonly T[],
): T[] {
  const distances = contacts.map((contact) => ({
    contact,
    distance: distanceOf(contact.id, target),
  }));
  distances.sort((a, b) => a.distance < b.distance ? -1 : a.distance > b.distance ? 1 : 0);
  return distances.map(({ contact }) => contact);
}

export interface TestNode {
  readonly contact: Contact;
  readonly dht: Kademlia;
}

export type Chain = [TestNode, TestNode, TestNode, ...TestNode[]];

/** Nodes over a network of virtual time. */
export class TestWorld {
  readonly loop = new EventLoop();
  readonly timers = new VirtualTimers(this.loop);
  readonly network: FastNetwork;

  constructor(readonly random: SeededRandom, options: Partial<NetworkOptions> = {}) {
    this.network = new FastNetwork({
      loop: this.loop,
      random,
      latencyMs: [1, 20],
      lossOneIn: Infinity,
      copies: true,
      ...options,
    });
  }

  add(options: Partial<KademliaOptions> = {}, contact = randomContact(this.random)): TestNode {
    const { timers, random, network } = this;
    const transport = network.transportOf(contact);
    const dht = new Kademlia({ self: contact, transport, timers, random, ...options });
    network.add(contact, (from, message) => dht.handle(from, message));
    return { contact, dht };
  }

  /** So many nodes that have joined one after the other, each by the one before it only; three at least. */
  async chain(count: number, options: Partial<KademliaOptions> = {}): Promise<Chain> {
    const first = this.add(options);
    const second = await this.#addAfter(first, options);
    const nodes: Chain = [first, second, await this.#addAfter(second, options)];
    while (nodes.length < count) nodes.push(await this.#addAfter(nodes.at(-1) ?? first, options));
    return nodes;
  }

  async #addAfter(before: TestNode, options: Partial<KademliaOptions>): Promise<TestNode> {
    const node = this.add(options);
    await this.loop.drive(node.dht.join([before.contact]));
    return node;
  }

  /** The node is gone, without notice. */
  kill(node: TestNode): void {
    this.network.remove(node.contact);
    node.dht.stop();
  }

  pass(ms: number): Promise<void> {
    return this.loop.run(this.loop.nowMs + ms);
  }
}

export function idsOf(contacts: readonly Contact[]): string[] {
  return contacts.map((contact) => contact.id);
}
