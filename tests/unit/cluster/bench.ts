/**
 * Nodes of a cluster for tests of its parts: everything that answers peers and nothing that runs by itself, in virtual time, with
 * a network that a test can hold up, refuse, or lie on.
 */

import { Budget } from "../../../src/budget.ts";
import { BlockExchange } from "../../../src/cluster/block_exchange.ts";
import { Counters } from "../../../src/cluster/counters.ts";
import { HybridClock } from "../../../src/cluster/hybrid_clock.ts";
import { Leases } from "../../../src/cluster/leases.ts";
import { Membership } from "../../../src/cluster/membership.ts";
import { Peers } from "../../../src/cluster/peers.ts";
import { ignoreSilence, Quorum } from "../../../src/cluster/quorum.ts";
import { RangeSync } from "../../../src/cluster/range_sync.ts";
import { CLUSTER_RULES, type QuorumTerms } from "../../../src/cluster/rules.ts";
import {
  type MemberKey,
  memberKey,
  nodeOf,
  STAGE,
  type Stage,
} from "../../../src/cluster/stages.ts";
import { Sync } from "../../../src/cluster/sync.ts";
import type { Dht } from "../../../src/dht/dht.ts";
import { LIMITS } from "../../../src/limits.ts";
import {
  type Contact,
  type Message,
  PeerError,
  PeerFault,
  type Reply,
} from "../../../src/peer/transport.ts";
import { MemoryContent } from "../../../src/storage/memory_content.ts";
import {
  type JsonObject,
  objectName,
  type Record,
  type RecordName,
} from "../../../src/storage/record.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { SeededRandom } from "../../support/seed.ts";

export const TERMS: QuorumTerms = { replicas: 3, writeQuorum: 2, readQuorum: 2 };
export const LEASE_MS = 600_000;

export interface BenchOptions {
  readonly terms?: QuorumTerms;
  /** Of each member, itself included, as all of them see it; `settled` for all when not given. */
  readonly stages?: readonly Stage[];
  readonly dht?: Partial<Dht>;
}

/** What a message meets on its way. */
export interface Delivery {
  readonly from: number;
  readonly to: number;
  readonly message: Message;
}

/** Gives an answer in the node's place, a fault, or a promise that may never settle; undefined to let the message through. */
export type Meddler = (delivery: Delivery) => Promise<Reply | undefined> | Reply | undefined;

export class Bench {
  readonly loop = new EventLoop();
  readonly timers = new VirtualTimers(this.loop);
  readonly nodes: BenchNode[];
  /** All that was sent, in order. */
  readonly sent: Delivery[] = [];
  readonly #meddlers: Meddler[] = [];

  constructor(count: number, options: BenchOptions = {}) {
    const stages = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [keyOf(i), options.stages?.[i] ?? STAGE.settled]),
    );
    this.nodes = Array.from({ length: count }, (_, i) => new BenchNode(this, i, stages, options));
  }

  node(index: number): BenchNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  /** The node's sync as it begins after a restart. */
  reopenSync(index: number): { readonly sync: Sync } {
    const { membership, peers, records, clock } = this.node(index);
    return { sync: new Sync({ membership, peers, records, clock, onRecords: () => {} }) };
  }

  /** Lets the promise settle in virtual time. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    return await this.loop.drive(promise);
  }

  /** The later one is asked first. */
  meddle(meddler: Meddler): void {
    this.#meddlers.unshift(meddler);
  }

  /** The node hears nothing and answers nothing any more, as by SIGSTOP. */
  hang(index: number): void {
    this.meddle(({ to }) => to === index ? new Promise(() => {}) : undefined);
  }

  /** Nobody is at the node's address. */
  kill(index: number): void {
    this.meddle(({ to }) => {
      if (to === index) throw new PeerError("unreachable", "it is dead");
      return undefined;
    });
  }

  /** What arrives at the node of messages of this kind. */
  received(index: number, kind: string): Message[] {
    return this.sent.filter(({ to, message }) => to === index && message.kind === kind)
      .map(({ message }) => message);
  }

  call(from: number, to: Contact, message: Message, timeoutMs: number): Promise<Reply> {
    const index = this.nodes.findIndex(({ contact }) => contact.id === to.id);
    const delivery = { from, to: index, message: copy(message) };
    this.sent.push(delivery);
    return new Promise((resolve, reject) => {
      const cancel = this.timers.after(
        timeoutMs,
        () => reject(new PeerError("timeout", "no answer in time")),
      );
      this.#deliver(delivery).then(resolve, reject).finally(cancel);
    });
  }

  async #deliver(delivery: Delivery): Promise<Reply> {
    try {
      for (const meddler of this.#meddlers) {
        const reply = await meddler(delivery);
        if (reply !== undefined) {
          return { ...reply, data: { as: keyOf(delivery.to), ...reply.data } };
        }
      }
      return copy(await this.node(delivery.to).handle(delivery.from, delivery.message));
    } catch (error) {
      if (error instanceof PeerFault) throw new PeerError("refused", error.message, error.code);
      throw error;
    }
  }
}

export class BenchNode {
  readonly contact: Contact;
  readonly member: MemberKey;
  readonly content: MemoryContent;
  readonly membership: Membership;
  readonly clock: HybridClock;
  readonly leases: Leases;
  readonly counters = new Counters();
  readonly budget = new Budget(LIMITS.blockMemoryBytesMax);
  readonly peers: Peers;
  readonly quorum: Quorum;
  readonly sync: Sync;
  readonly rangeSync: RangeSync;
  readonly exchange: BlockExchange;
  /** All that the node took in from others or by its own writes. */
  readonly noted: Record[] = [];

  constructor(bench: Bench, index: number, stages: JsonObject, options: BenchOptions) {
    const { timers } = bench;
    const { terms = TERMS, dht = {} } = options;
    this.contact = contactOf(index);
    this.member = keyOf(index);
    this.content = MemoryContent.make({
      timers,
      syncDelayMs: () => 1,
      random: new SeededRandom(index),
    });
    const { records, blocks } = this.content;
    this.membership = new Membership({
      self: this.contact,
      values: { getValue: () => viewOf(index, stages), setValue: () => Promise.resolve() },
      timers,
      terms,
      rules: CLUSTER_RULES,
      goneAfterMs: 900_000,
    });
    this.clock = new HybridClock(timers, this.contact.id, records);
    this.leases = new Leases(timers, LEASE_MS);
    this.peers = new Peers({
      transport: {
        identify: () => Promise.reject(new PeerError("unreachable", "nobody is asked here")),
        call: (to, message, timeoutMs) => bench.call(index, to, message, timeoutMs),
      },
      membership: this.membership,
      timers,
      counters: this.counters,
      onOutcome: () => {},
    });
    const common = {
      membership: this.membership,
      peers: this.peers,
      records,
      blocks,
      clock: this.clock,
      rules: CLUSTER_RULES,
      timers,
      terms,
      counters: this.counters,
      leases: this.leases,
      onRecords: (taken: readonly Record[]) => void this.noted.push(...taken),
      run: (_: string, work: () => Promise<void>) => void work().catch(ignoreSilence),
    };
    this.quorum = new Quorum(common);
    this.sync = new Sync(common);
    this.rangeSync = new RangeSync({ ...common, sync: this.sync });
    this.exchange = new BlockExchange({ ...common, dht: { ...NO_DHT, ...dht } });
  }

  get records() {
    return this.content.records;
  }

  get blocks() {
    return this.content.blocks;
  }

  async handle(from: number, message: Message): Promise<Reply> {
    const reply = await this.#answer(keyOf(from), message);
    return { ...reply, data: { ...reply.data, as: this.member } };
  }

  async #answer(as: MemberKey, { kind, data, body }: Message): Promise<Reply> {
    switch (kind) {
      case "record.read":
        return { data: this.quorum.answerRead(data) };
      case "record.write":
        await this.quorum.answerWrite(data);
        return { data: {} };
      case "record.changes":
        return { data: this.sync.answerChanges(as, data) };
      case "record.fetch":
        return { data: this.sync.answerFetch(data) };
      case "record.digest":
        return { data: this.rangeSync.answerDigest(data) };
      case "record.names":
        return { data: this.rangeSync.answerNames(data) };
      case "block.offer":
        return { data: await this.exchange.answerOffer(data) };
      case "block.put":
        await this.exchange.answerPut({ data, ...(body && { body }) });
        return { data: {} };
      case "block.renew":
        return { data: this.exchange.answerRenew(data) };
      case "block.get":
        return await this.exchange.answerGet(data);
      default:
        throw new PeerFault("unknownKind", kind);
    }
  }
}

const NO_DHT: Dht = {
  seen: () => {},
  failed: () => {},
  closest: () => [],
  findNode: () => Promise.resolve([]),
  findProviders: () => Promise.resolve([]),
  announce: () => {},
};

export function contactOf(index: number): Contact {
  // Spread over the whole space, so that places are near to different ones.
  const id = ((index * 5 + 3) % 16).toString(16).repeat(2) + String(index).padStart(38, "0");
  return { id, address: `127.0.0.1:${9000 + index}` };
}

export function keyOf(index: number): MemberKey {
  return memberKey(contactOf(index).id, 1);
}

export function indexOf(member: MemberKey): number {
  return Number(nodeOf(member).slice(2));
}

/** A version made by hand: later for a higher number. */
export function version(number: number, node = 0): string {
  return number.toString(16).padStart(12, "0") + "000000" + contactOf(node).id;
}

export function record(name: RecordName, number: number, change: Partial<Record> = {}): Record {
  return {
    ...name,
    version: version(number),
    isDeleted: false,
    data: { number },
    patches: {},
    blocks: [],
    inline: undefined,
    ...change,
  };
}

export function object(key: string, number: number, change: Partial<Record> = {}): Record {
  return record(objectName("bucket", key), number, change);
}

function viewOf(index: number, stages: JsonObject): JsonObject {
  const addresses = Object.keys(stages).map((member) => {
    const { id, address } = contactOf(indexOf(member));
    return [id, address];
  });
  return { self: keyOf(index), stages, addresses: Object.fromEntries(addresses) };
}

/** As over a wire. */
function copy<T extends Reply>(message: T): T {
  const { body, ...rest } = message;
  return { ...JSON.parse(JSON.stringify(rest)), ...(body && { body: body.slice() }) };
}
