/**
 * The nodes that a node knows: many near itself and few far away, in buckets of k (sections 2.2 to 2.4 and 4.1 of the Kademlia
 * paper). Pure state: it says whom to ping and where to look, and leaves that to kademlia.ts.
 */

import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Contact, NodeId } from "../peer/transport.ts";
import type { Timers } from "../timers.ts";
import type { DhtKey } from "./dht.ts";
import { commonPrefixBits, ID_BITS, nearest, randomIdSharing } from "./distance.ts";

export interface SeenContact {
  readonly contact: Contact;
  /** By `Timers.elapsed`. */
  readonly seenAt: number;
}

/** Changed in place: one is seen with every message, and most have been seen before. */
interface Entry {
  contact: Contact;
  seenAt: number;
  /** When it first didn't answer since it was seen last. */
  failingSince: number | undefined;
}

interface Bucket {
  /** At most k, seen longest ago first. */
  readonly entries: Entry[];
  /** Those that there was no room for, seen longest ago first. */
  readonly replacements: Entry[];
  /** The entry that is being pinged to find out whether it can be replaced. */
  checking: NodeId | undefined;
  /** When an id of this bucket's range was last looked up. */
  lookedUpAt: number;
}

/**
 * Contacts in buckets: bucket i holds ids that share just the first i bits with this node's, the last bucket all that share more.
 * The last one is split when it is full: the paper's tree, of which only the branch with the node's own id is ever split.
 *
 * Bound: at most 160 buckets with k contacts and LIMITS.dhtReplacementsMax replacements each, whoever calls; in a network of n nodes
 * with random ids about k·log2(n/k) contacts.
 */
export class RoutingTable {
  readonly #self: NodeId;
  readonly #k: number;
  readonly #timers: Pick<Timers, "elapsed">;
  readonly #buckets: Bucket[];

  constructor(self: NodeId, k: number, timers: Pick<Timers, "elapsed">) {
    this.#self = self;
    this.#k = k;
    this.#timers = timers;
    this.#buckets = [{
      entries: [],
      replacements: [],
      checking: undefined,
      lookedUpAt: timers.elapsed(),
    }];
  }

  /** Contacts, without replacements; those that fail are counted. */
  get size(): number {
    return this.#buckets.reduce((sum, bucket) => sum + bucket.entries.length, 0);
  }

  get replacements(): number {
    return this.#buckets.reduce((sum, bucket) => sum + bucket.replacements.length, 0);
  }

  get bucketCount(): number {
    return this.#buckets.length;
  }

  find(id: NodeId): SeenContact | undefined {
    const { entries } = this.#bucketOf(id);
    return entries[indexOfId(entries, id)];
  }

  /**
   * Takes a node that proved itself just now. The contact returned, if any, should be pinged: the newcomer replaces it when it
   * doesn't answer. Whatever comes of the ping must be told by `seen` or `failed`.
   */
  seen(contact: Contact): Contact | undefined {
    if (contact.id === this.#self) return undefined;
    const bucket = this.#bucketOf(contact.id);
    if (bucket.checking === contact.id) bucket.checking = undefined;
    const seenAt = this.#timers.elapsed();
    const entry = takeEntry(bucket.entries, contact.id);
    if (entry === undefined) return this.#admit({ contact, seenAt, failingSince: undefined });
    if (entry.contact.address !== contact.address) entry.contact = contact;
    entry.seenAt = seenAt;
    entry.failingSince = undefined;
    bucket.entries.push(entry);
    return undefined;
  }

  /**
   * Takes a node that didn't answer. It is replaced if a replacement is known. Else it is only kept in case that it was for a
   * moment, or that it is this node that was cut off; `closest` doesn't name it any more.
   */
  failed(id: NodeId): void {
    const bucket = this.#bucketOf(id);
    if (bucket.checking === id) bucket.checking = undefined;
    takeEntry(bucket.replacements, id);
    const entry = bucket.entries[indexOfId(bucket.entries, id)];
    if (entry === undefined) return;
    const replacement = bucket.replacements.pop();
    if (replacement !== undefined) {
      takeEntry(bucket.entries, id);
      insertBySeen(bucket.entries, replacement);
    } else if (entry.failingSince === undefined) {
      entry.failingSince = this.#timers.elapsed();
    } else if (this.#isGone(entry.failingSince)) {
      takeEntry(bucket.entries, id);
    }
  }

  /** The `limit` contacts nearest to the key, nearest first, without those that fail. */
  closest(key: DhtKey, limit: number): Contact[] {
    const own = this.#bucketNumber(key);
    const found: Contact[] = [];
    addLive(found, this.#bucketAt(own));
    // Whoever is in a later bucket shares as many bits with the key as this node itself does, so they are of one group; in those
    // before, ever fewer: each group is farther than the last.
    if (found.length < limit) {
      for (const bucket of this.#buckets.slice(own + 1)) addLive(found, bucket);
    }
    for (let index = own - 1; index >= 0 && found.length < limit; index--) {
      addLive(found, this.#bucketAt(index));
    }
    return nearest(key, found, limit);
  }

  /** Contacts that may be dead: those that didn't answer when last called, and those not seen for so long. */
  doubtful(unseenMs: number): Contact[] {
    const seenUntil = this.#timers.elapsed() - unseenMs;
    return this.#buckets.flatMap(({ entries }) =>
      entries.filter(({ failingSince, seenAt }) =>
        failingSince !== undefined || seenAt <= seenUntil
      )
        .map((entry) => entry.contact)
    );
  }

  /** Hears that the key is being looked up: its bucket needn't be refreshed for a while. */
  markLookup(key: DhtKey): void {
    this.#bucketOf(key).lookedUpAt = this.#timers.elapsed();
  }

  /** The buckets in whose range nothing was looked up for so long, farthest first. */
  idleBuckets(idleMs: number): number[] {
    const until = this.#timers.elapsed() - idleMs;
    return [...this.#buckets.keys()].filter((index) =>
      (this.#buckets[index]?.lookedUpAt ?? Infinity) <= until
    );
  }

  /** An id in the bucket's range; looking it up refreshes the bucket. */
  randomIdIn(bucket: number, random: Random): NodeId {
    return randomIdSharing(this.#self, bucket, random);
  }

  #bucketNumber(id: NodeId): number {
    return Math.min(commonPrefixBits(this.#self, id), this.#buckets.length - 1);
  }

  #bucketOf(id: NodeId): Bucket {
    return this.#bucketAt(this.#bucketNumber(id));
  }

  #bucketAt(index: number): Bucket {
    const bucket = this.#buckets[index];
    if (bucket === undefined) throw new RangeError(`there is no bucket ${index}`);
    return bucket;
  }

  /** Takes a node that isn't known. */
  #admit(entry: Entry): Contact | undefined {
    const bucket = this.#bucketWithRoom(entry.contact.id);
    takeEntry(bucket.replacements, entry.contact.id);
    if (bucket.entries.length < this.#k || dropFailing(bucket)) {
      bucket.entries.push(entry);
      return undefined;
    }
    bucket.replacements.push(entry);
    if (bucket.replacements.length > LIMITS.dhtReplacementsMax) bucket.replacements.shift();
    return this.#entryToCheck(bucket);
  }

  /** The id's bucket, after splitting the last one as often as that makes room for it. */
  #bucketWithRoom(id: NodeId): Bucket {
    for (;;) {
      const index = this.#bucketNumber(id);
      const bucket = this.#bucketAt(index);
      const canSplit = index === this.#buckets.length - 1 && index < ID_BITS - 1;
      if (!canSplit || bucket.entries.length < this.#k) return bucket;
      this.#splitLast(bucket);
    }
  }

  /** The last bucket has no replacements: it is split before it needs any. */
  #splitLast(bucket: Bucket): void {
    const bits = this.#buckets.length - 1;
    const isNear = ({ contact }: Entry) => commonPrefixBits(this.#self, contact.id) > bits;
    const near = bucket.entries.filter(isNear);
    const far = bucket.entries.filter((entry) => !isNear(entry));
    bucket.entries.splice(0, Infinity, ...far);
    this.#buckets.push({ ...bucket, entries: near, replacements: [] });
  }

  /** The entry seen longest ago, unless that isn't long, or it is being pinged already. */
  #entryToCheck(bucket: Bucket): Contact | undefined {
    const oldest = bucket.entries[0];
    if (oldest === undefined || bucket.checking !== undefined) return undefined;
    if (this.#timers.elapsed() - oldest.seenAt < LIMITS.dhtFreshMs) return undefined;
    bucket.checking = oldest.contact.id;
    return oldest.contact;
  }

  /** When nobody answers it is likelier that this node is cut off than that all others are gone: then nobody is. */
  #isGone(failingSince: number): boolean {
    if (this.#timers.elapsed() - failingSince < LIMITS.dhtFailingMs) return false;
    return this.#buckets.some(({ entries }) =>
      entries.some((entry) => entry.failingSince === undefined)
    );
  }
}

function addLive(found: Contact[], { entries }: Bucket): void {
  for (const { contact, failingSince } of entries) {
    if (failingSince === undefined) found.push(contact);
  }
}

/** Takes the entry out, if there is one. */
function takeEntry(entries: Entry[], id: NodeId): Entry | undefined {
  const index = indexOfId(entries, id);
  const entry = entries[index];
  if (entry === undefined) return undefined;
  entries.copyWithin(index, index + 1);
  entries.pop();
  return entry;
}

/** -1 for none. Called for every message: findIndex takes several times as long. */
function indexOfId(entries: readonly Entry[], id: NodeId): number {
  let index = entries.length - 1;
  while (index >= 0 && entries[index]?.contact.id !== id) index--;
  return index;
}

/** Whether a failing entry made room. */
function dropFailing({ entries }: Bucket): boolean {
  const index = entries.findIndex((entry) => entry.failingSince !== undefined);
  if (index >= 0) entries.splice(index, 1);
  return index >= 0;
}

function insertBySeen(entries: Entry[], entry: Entry): void {
  const later = entries.findIndex(({ seenAt }) => seenAt > entry.seenAt);
  entries.splice(later < 0 ? entries.length : later, 0, entry);
}
