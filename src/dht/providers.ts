/**
 * Who said that they provide the content under a key, for as long as that counts. Bounded, and only in memory: announcements are
 * repeated.
 */

import { LIMITS } from "../limits.ts";
import type { Contact, NodeId } from "../peer/transport.ts";
import type { Timers } from "../timers.ts";
import type { DhtKey } from "./dht.ts";

interface ProviderRecord {
  readonly contact: Contact;
  readonly expiresAt: number;
}

export interface ProviderBounds {
  readonly perKeyMax: number;
  readonly recordsMax: number;
}

const BOUNDS: ProviderBounds = {
  perKeyMax: LIMITS.dhtProvidersPerKeyMax,
  recordsMax: LIMITS.dhtProviderRecordsMax,
};

/**
 * Provider records. When a key has too many, its oldest goes; when there are too many in all, the oldest of the key that was
 * announced least recently.
 */
export class Providers {
  readonly #ttlMs: number;
  readonly #timers: Pick<Timers, "elapsed">;
  readonly #bounds: ProviderBounds;
  /** The key announced least recently first; its records oldest first, and never none. */
  readonly #records = new Map<DhtKey, ProviderRecord[]>();
  #count = 0;

  constructor(ttlMs: number, timers: Pick<Timers, "elapsed">, bounds = BOUNDS) {
    this.#ttlMs = ttlMs;
    this.#timers = timers;
    this.#bounds = bounds;
  }

  /** Records held, those that expired since the last `expire` too. */
  get count(): number {
    return this.#count;
  }

  get keyCount(): number {
    return this.#records.size;
  }

  /** Notes the provider for the key from now on, in place of its earlier record. */
  add(key: DhtKey, contact: Contact): void {
    const kept = this.#take(key).filter((record) =>
      record.contact.id !== contact.id && this.#isAlive(record)
    );
    kept.push({ contact, expiresAt: this.#timers.elapsed() + this.#ttlMs });
    this.#put(key, kept.slice(-this.#bounds.perKeyMax));
    while (this.#count > this.#bounds.recordsMax) this.#dropOldest();
  }

  /** The providers whose records haven't expired, the latest first, without `except`. */
  find(key: DhtKey, except: NodeId): Contact[] {
    const records = this.#records.get(key) ?? [];
    return records
      .filter((record) => this.#isAlive(record) && record.contact.id !== except)
      .map((record) => record.contact)
      .reverse();
  }

  /** Forgets what has expired: all of it for keys that nobody announces any more, for others when they are announced next. */
  expire(): void {
    for (const [key, records] of this.#records) {
      if (records.some((record) => this.#isAlive(record))) return;
      this.#take(key);
    }
  }

  #isAlive(record: ProviderRecord): boolean {
    return record.expiresAt > this.#timers.elapsed();
  }

  #take(key: DhtKey): ProviderRecord[] {
    const records = this.#records.get(key) ?? [];
    this.#records.delete(key);
    this.#count -= records.length;
    return records;
  }

  #put(key: DhtKey, records: ProviderRecord[]): void {
    this.#records.set(key, records);
    this.#count += records.length;
  }

  #dropOldest(): void {
    for (const [key, records] of this.#records) {
      records.shift();
      this.#count--;
      if (records.length === 0) this.#records.delete(key);
      return;
    }
  }
}
