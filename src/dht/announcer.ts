/**
 * Tells those nearest to each key that this node provides it: in batches, with one lookup for all keys that are near each other and
 * few messages to each node. Whom to tell and how is the owner's matter.
 */

import { LIMITS } from "../limits.ts";
import type { Contact, NodeId } from "../peer/transport.ts";
import { eachLimited } from "../storage/turns.ts";
import type { Timers } from "../timers.ts";
import type { DhtKey } from "./dht.ts";
import { commonPrefixBits, nearest } from "./distance.ts";

/** The nodes around a key. */
export interface Neighbourhood {
  readonly contacts: readonly Contact[];
  /** For all keys that share so many bits with that one, those nearest to them are among the contacts. */
  readonly prefixBits: number;
}

export interface AnnouncerOptions {
  readonly self: Contact;
  readonly k: number;
  readonly timers: Timers;
  findAround(key: DhtKey): Promise<Neighbourhood>;
  /** Whether the node took the keys, at most LIMITS.dhtAnnouncedKeysMax. */
  send(to: Contact, keys: readonly DhtKey[]): Promise<boolean>;
  /** Notes that this node, one of those nearest to the key, provides it. */
  keep(key: DhtKey): void;
  /** Takes on the work that a timer starts. */
  run(work: Promise<void>): void;
}

/** Keys for one node. */
interface Delivery {
  readonly to: Contact;
  readonly keys: DhtKey[];
}

/** Bound: LIMITS.dhtAnnouncementsMax keys wait, the oldest are forgotten: the caller repeats them all before they expire anyway. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  /** Oldest first. */
  readonly #due = new Set<DhtKey>();
  /** Those that most of their nodes didn't take. */
  readonly #failed = new Set<DhtKey>();
  #cancelTimer: (() => void) | undefined;
  #isFlushing = false;
  #pauses = 0;
  #isStopped = false;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Keys that haven't been told yet. */
  get waiting(): number {
    return this.#due.size + this.#failed.size;
  }

  add(keys: readonly DhtKey[]): void {
    for (const key of keys) addBounded(this.#due, key);
    this.#flushSoon();
  }

  /** Tries those keys again that most of their nodes didn't take. */
  retry(): void {
    const keys = [...this.#failed];
    this.#failed.clear();
    this.add(keys);
  }

  /** Waits with all keys until the function returned is called: before it knows its neighbours a node would tell the wrong ones. */
  pause(): () => void {
    this.#pauses++;
    return () => {
      this.#pauses--;
      this.#flushSoon();
    };
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #flushSoon(): void {
    if (this.#cancelTimer !== undefined || !this.#canFlush()) return;
    this.#cancelTimer = this.#options.timers.after(LIMITS.dhtAnnounceDelayMs, () => {
      this.#cancelTimer = undefined;
      if (!this.#isFlushing) this.#options.run(this.#flush());
    });
  }

  #canFlush(): boolean {
    return this.#due.size > 0 && this.#pauses === 0 && !this.#isStopped;
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#canFlush()) await this.#announceBatch(takeSorted(this.#due));
    } finally {
      this.#isFlushing = false;
    }
  }

  async #announceBatch(keys: readonly DhtKey[]): Promise<void> {
    // By how many nodes more a key was taken than not.
    const balance = new Map<DhtKey, number>(keys.map((key) => [key, 0]));
    const settle = (settled: readonly DhtKey[], change: number) => {
      for (const key of settled) balance.set(key, (balance.get(key) ?? 0) + change);
    };
    await eachLimited(await this.#plan(keys), LIMITS.dhtUpkeepCallsAtOnce, async (delivery) => {
      const { to, keys } = delivery;
      if (to.id === this.#options.self.id) keys.forEach((key) => this.#options.keep(key));
      const isTaken = to.id === this.#options.self.id || await this.#options.send(to, keys);
      settle(keys, isTaken ? 1 : -1);
    });
    for (const [key, taken] of balance) if (taken < 0) addBounded(this.#failed, key);
  }

  /** The deliveries of keys in ascending order: those that share most bits are next to each other. */
  async #plan(keys: readonly DhtKey[]): Promise<readonly Delivery[]> {
    const { self, k } = this.#options;
    const byNode = new Map<NodeId, Delivery>();
    let around: Neighbourhood & { readonly key: DhtKey } | undefined;
    for (const key of keys) {
      if (around === undefined || commonPrefixBits(around.key, key) < around.prefixBits) {
        around = { key, ...await this.#options.findAround(key) };
      }
      for (const to of nearest(key, [self, ...around.contacts], k)) {
        const delivery = byNode.get(to.id);
        if (delivery === undefined) byNode.set(to.id, { to, keys: [key] });
        else delivery.keys.push(key);
      }
    }
    return [...byNode.values()].flatMap(inMessages);
  }
}

function inMessages({ to, keys }: Delivery): Delivery[] {
  const size = LIMITS.dhtAnnouncedKeysMax;
  const messages = Math.ceil(keys.length / size);
  return Array.from({ length: messages }, (_, index) => ({
    to,
    keys: keys.slice(index * size, (index + 1) * size),
  }));
}

/** Takes the oldest of the keys out, and puts them in order. */
function takeSorted(due: Set<DhtKey>): DhtKey[] {
  const keys: DhtKey[] = [];
  for (const key of due) {
    if (keys.length === LIMITS.dhtAnnounceBatchMax) break;
    keys.push(key);
    due.delete(key);
  }
  return keys.sort();
}

function addBounded(keys: Set<DhtKey>, key: DhtKey): void {
  keys.delete(key);
  keys.add(key);
  for (const oldest of keys) {
    if (keys.size <= LIMITS.dhtAnnouncementsMax) return;
    keys.delete(oldest);
  }
}
