/**
 * A node of a Kademlia network (Maymounkov and Mazières: Kademlia, a Peer-to-peer Information System Based on the XOR Metric, 2002):
 * answers others, looks up nodes and providers, and keeps its table fresh. Knows no objects.
 *
 * Where it differs from the paper: nodes are called by a transport that proves who answers, and only who answered or called enters
 * the table; values are providers, who announce themselves and repeat it; nothing is handed over to a node that joins.
 */

import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import {
  type Contact,
  type Message,
  type NodeId,
  PeerError,
  PeerFault,
  type Reply,
  type Transport,
} from "../peer/transport.ts";
import { eachLimited } from "../storage/turns.ts";
import type { Timers } from "../timers.ts";
import { Announcer, type Neighbourhood } from "./announcer.ts";
import type { Dht, DhtKey } from "./dht.ts";
import { commonPrefixBits, isId } from "./distance.ts";
import { driveLookup, Lookup, type LookupReport } from "./lookup.ts";
import * as messages from "./messages.ts";
import { Providers } from "./providers.ts";
import { RoutingTable } from "./routing_table.ts";

export interface KademliaOptions {
  readonly self: Contact;
  readonly transport: Pick<Transport, "call">;
  readonly timers: Timers;
  readonly random: Random;
  /** Contacts of a bucket, nodes that a lookup finds, and nodes that keep an announcement. */
  readonly k?: number;
  /** Calls of one lookup at once. */
  readonly alpha?: number;
  readonly callTimeoutMs?: number;
  /** After how long a lookup doesn't wait for a call any more. */
  readonly slowMs?: number;
  readonly providerTtlMs?: number;
  /** A bucket in which nothing was looked up for so long is refreshed, a node that wasn't seen for so long pinged. */
  readonly idleMs?: number;
  /** Hears of every lookup that has ended. */
  readonly onLookup?: (report: LookupReport) => void;
}

export interface KademliaStats {
  readonly contacts: number;
  readonly replacements: number;
  readonly buckets: number;
  /** Kept for others, and for this node where it is one of the nearest. */
  readonly providerKeys: number;
  readonly providerRecords: number;
  /** Own keys that haven't been told yet. */
  readonly announcementsWaiting: number;
  /** Since the start. */
  readonly lookups: number;
  readonly lookupMessages: number;
  readonly lookupFailures: number;
}

const DEFAULTS = {
  k: LIMITS.dhtBucketContactsMax,
  alpha: LIMITS.dhtCallsAtOnce,
  callTimeoutMs: LIMITS.dhtCallMs,
  slowMs: LIMITS.dhtSlowMs,
  providerTtlMs: LIMITS.dhtProviderMs,
  idleMs: LIMITS.dhtIdleMs,
  onLookup: (_report: LookupReport) => {},
};

/** Starts nothing by itself: the owner passes messages to `handle`, calls `join` once, and `maintain` about once a minute. */
export class Kademlia implements Dht, AsyncDisposable {
  readonly #options: Required<KademliaOptions>;
  readonly #table: RoutingTable;
  readonly #providers: Providers;
  readonly #announcer: Announcer;
  /** Work that no caller waits for. */
  readonly #background = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #lookups = 0;
  #lookupMessages = 0;
  #lookupFailures = 0;

  constructor(options: KademliaOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { self, k, timers, providerTtlMs } = this.#options;
    this.#table = new RoutingTable(self.id, k, timers);
    this.#providers = new Providers(providerTtlMs, timers);
    this.#announcer = new Announcer({
      self,
      k,
      timers,
      findAround: (key) => this.#findAround(key),
      send: (to, keys) => this.#isAnswered(to, messages.announceMessage(keys)),
      keep: (key) => this.#providers.add(key, self),
      run: (work) => this.#run(work),
    });
  }

  seen(contact: Contact): void {
    if (this.#stopping.signal.aborted) return;
    const doubtful = this.#table.seen(contact);
    if (doubtful !== undefined) this.#run(this.#ping(doubtful));
  }

  failed(id: NodeId): void {
    this.#table.failed(id);
  }

  closest(key: DhtKey, limit: number): readonly Contact[] {
    return this.#table.closest(key, limit);
  }

  async findNode(key: DhtKey): Promise<readonly Contact[]> {
    const found = await this.#lookUp(key, []);
    return found.slice(0, this.#options.k);
  }

  async findProviders(key: DhtKey, enough = Infinity): Promise<readonly Contact[]> {
    const max = Math.min(enough, LIMITS.dhtProvidersFoundMax);
    const { self } = this.#options;
    const providers = new Map(this.#providers.find(key, self.id).map((found) => [found.id, found]));
    if (providers.size >= max) return [...providers.values()].slice(0, max);
    const lookup = this.#openLookup(key, []);
    await this.#drive(lookup, async (contact) => {
      const answer = await this.#ask(
        contact,
        messages.findProvidersMessage(key),
        messages.parseProviders,
      );
      for (const provider of answer?.providers ?? []) {
        if (providers.size >= max) break;
        if (provider.id !== self.id && !providers.has(provider.id)) {
          providers.set(provider.id, provider);
        }
      }
      if (providers.size >= max) lookup.end();
      return answer?.contacts;
    });
    return [...providers.values()];
  }

  /** Throws a RangeError for a text that isn't a key. Announcements made while the node joins wait until it has. */
  announce(keys: readonly DhtKey[]): void {
    if (!keys.every(isId)) throw new RangeError("A key of the hash table has 40 hex digits.");
    if (!this.#stopping.signal.aborted) this.#announcer.add(keys);
  }

  /**
   * Enters the network by nodes of it: looks itself up, which also makes it known to its neighbours, then refreshes all buckets
   * farther away. Resolves to how many nodes it knows: 0 says that nobody answered. May be repeated.
   */
  async join(contacts: readonly Contact[]): Promise<number> {
    const resume = this.#announcer.pause();
    try {
      await this.#lookUp(this.#options.self.id, contacts);
      for (let bucket = this.#table.bucketCount - 2; bucket >= 0; bucket--) {
        await this.#refresh(bucket);
      }
    } finally {
      resume();
    }
    return this.#table.size;
  }

  /**
   * One round of upkeep: forgets expired providers, pings nodes that failed or weren't seen for long, refreshes idle buckets, and
   * tries failed announcements again. To be called about once a minute, by one caller.
   */
  async maintain(): Promise<void> {
    this.#providers.expire();
    await eachLimited(
      this.#table.doubtful(this.#options.idleMs),
      LIMITS.dhtUpkeepCallsAtOnce,
      (contact) => this.#ping(contact),
    );
    for (const bucket of this.#table.idleBuckets(this.#options.idleMs)) {
      await this.#refresh(bucket);
    }
    if (!this.#stopping.signal.aborted) this.#announcer.retry();
  }

  /** Answers a proven peer. Throws PeerFaults "malformed" and "unknownKind". */
  handle(from: Contact, message: Message): Promise<Reply> {
    return Promise.try(() => {
      this.seen(from);
      return this.#answer(from, message);
    });
  }

  stats(): KademliaStats {
    return {
      contacts: this.#table.size,
      replacements: this.#table.replacements,
      buckets: this.#table.bucketCount,
      providerKeys: this.#providers.keyCount,
      providerRecords: this.#providers.count,
      announcementsWaiting: this.#announcer.waiting,
      lookups: this.#lookups,
      lookupMessages: this.#lookupMessages,
      lookupFailures: this.#lookupFailures,
    };
  }

  /**
   * Ends lookups with what they have found, cancels all timers, and resolves when the work in the background has ended: at once, or
   * when the calls it waits for have. Harmless when repeated.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#announcer.stop();
    await Promise.all(this.#background);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #answer(from: Contact, { kind, data }: Message): Reply {
    switch (kind) {
      case "dht.ping":
        return { data: {} };
      case "dht.findNode":
        return messages.nodesReply(this.#closestFor(from, messages.parseTarget(data)));
      case "dht.findProviders": {
        const key = messages.parseKey(data);
        const providers = this.#providers.find(key, from.id);
        return messages.providersReply({ providers, contacts: this.#closestFor(from, key) });
      }
      case "dht.announce":
        for (const key of messages.parseKeys(data)) this.#providers.add(key, from);
        return { data: {} };
      default:
        throw new PeerFault("unknownKind", "The hash table doesn't know this kind of message.");
    }
  }

  /** Who asks knows himself. */
  #closestFor(from: Contact, key: DhtKey): Contact[] {
    const { k } = this.#options;
    const contacts = this.#table.closest(key, k + 1).filter(({ id }) => id !== from.id);
    return contacts.slice(0, k);
  }

  /** All nodes that answered, nearest first. */
  async #lookUp(key: DhtKey, others: readonly Contact[]): Promise<readonly Contact[]> {
    const lookup = this.#openLookup(key, others);
    const message = messages.findNodeMessage(key);
    await this.#drive(lookup, (contact) => this.#ask(contact, message, messages.parseNodes));
    return lookup.found;
  }

  /** A lookup from the nearest nodes known, and these others. */
  #openLookup(key: DhtKey, others: readonly Contact[]): Lookup {
    const { self, k, alpha } = this.#options;
    this.#table.markLookup(key);
    const lookup = new Lookup(key, { self: self.id, k, alpha });
    // More than will be asked if all goes well: the nearest may be dead, and nobody has noticed yet.
    lookup.offer(this.#table.closest(key, 3 * k));
    lookup.offer(others);
    return lookup;
  }

  async #drive(
    lookup: Lookup,
    ask: (contact: Contact) => Promise<readonly Contact[] | undefined>,
  ): Promise<void> {
    const { timers, slowMs, onLookup } = this.#options;
    await driveLookup(lookup, ask, { timers, slowMs, signal: this.#stopping.signal });
    const { report } = lookup;
    this.#lookups++;
    this.#lookupMessages += report.messages;
    this.#lookupFailures += report.failures;
    onLookup(report);
  }

  async #refresh(bucket: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#lookUp(this.#table.randomIdIn(bucket, this.#options.random), []);
  }

  /** Who is near the key. With fewer than k contacts nobody needs to be asked: there are no others. */
  async #findAround(key: DhtKey): Promise<Neighbourhood> {
    const { k } = this.#options;
    if (this.#table.size < k) return { contacts: this.#table.closest(key, k), prefixBits: 0 };
    const contacts = await this.#lookUp(key, []);
    const farthest = contacts[k - 1];
    // Nodes that share more bits with the key than the k-th are all among the k: any that isn't would be nearer than the k-th.
    const prefixBits = farthest === undefined ? 0 : commonPrefixBits(key, farthest.id) + 1;
    return { contacts, prefixBits };
  }

  async #ping(contact: Contact): Promise<void> {
    if (!this.#stopping.signal.aborted) await this.#isAnswered(contact, messages.PING);
  }

  async #isAnswered(contact: Contact, message: Message): Promise<boolean> {
    return await this.#ask(contact, message, () => true) ?? false;
  }

  /** What the answer says; undefined when there is none, or it makes no sense. The table hears of either. */
  async #ask<T>(
    contact: Contact,
    message: Message,
    parse: (reply: Reply) => T,
  ): Promise<T | undefined> {
    const { transport, timers, callTimeoutMs } = this.#options;
    const calledAt = timers.elapsed();
    try {
      const answer = parse(await transport.call(contact, message, callTimeoutMs));
      this.seen(contact);
      return answer;
    } catch (error) {
      if (!(error instanceof PeerError || error instanceof PeerFault)) throw error;
      this.#notAnswered(contact, calledAt);
      return undefined;
    }
  }

  /** Says nothing about a known node that is at another address, or was seen since the call began. */
  #notAnswered({ id, address }: Contact, calledAt: number): void {
    const known = this.#table.find(id);
    if (known?.contact.address === address && known.seenAt <= calledAt) this.#table.failed(id);
  }

  /** A failure is a bug, and is left to the handler of unhandled rejections. */
  #run(work: Promise<void>): void {
    this.#background.add(work);
    work.finally(() => this.#background.delete(work));
  }
}
