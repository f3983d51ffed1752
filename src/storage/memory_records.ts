/**
 * Records in memory, for simulations: the contract of DiskRecords, and crashes. What is applied is seen at once and
 * survives `crash` once its sync has ended.
 */

import { BlockReferences } from "./block_references.ts";
import type {
  Change,
  NameBound,
  RangeDigest,
  RecordRange,
  RecordStore,
  RecordStoreStats,
} from "./content_store.ts";
import { compareUtf8 } from "./names.ts";
import { kindToTexts, nameToText, rangeToTexts, type TextBounds } from "./name_text.ts";
import {
  type BlockRef,
  type Json,
  mergeRecords,
  nameOf,
  type Record,
  type RecordHead,
  type RecordName,
  stampOf,
} from "./record.ts";
import { addDigests, cutRanks, EMPTY_DIGEST, hashOfRecord } from "./record_digest.ts";
import { SyncDelay, type SyncDelayOptions } from "./sync_delay.ts";

export interface MemoryRecordsOptions extends SyncDelayOptions {
  /** See RecordStore. */
  readonly feedId: string;
}

/** One record as it is. Never changed, only replaced. */
interface Entry {
  readonly text: string;
  readonly record: Record;
  readonly stamp: string;
  readonly hash: number;
  readonly seq: number;
}

/** What survives a crash. */
interface Durable {
  readonly entries: Map<string, Entry>;
  /** JSON by name. */
  readonly values: Map<string, string>;
}

export class MemoryRecords implements RecordStore {
  readonly feedId: string;
  readonly #options: MemoryRecordsOptions;
  readonly #sync: SyncDelay;
  readonly #durable: Durable;
  readonly #entries: Map<string, Entry>;
  readonly #values: Map<string, string>;
  readonly #references = new BlockReferences();
  /** Keys of `#entries` in order. */
  readonly #texts: string[];
  /** Ascending by `seq`; entries that were replaced or purged may still be among them. */
  #feed: Entry[];
  #lastSeq: number;

  private constructor(options: MemoryRecordsOptions, durable: Durable, lastSeq: number) {
    this.feedId = options.feedId;
    this.#options = options;
    this.#sync = new SyncDelay(options);
    this.#durable = durable;
    this.#entries = new Map(durable.entries);
    this.#values = new Map(durable.values);
    this.#texts = Array.from(this.#entries.keys()).sort(compareUtf8);
    this.#feed = Array.from(this.#entries.values()).sort((a, b) => a.seq - b.seq);
    this.#lastSeq = lastSeq;
    for (const entry of this.#feed) this.#references.add(entry.record);
  }

  static make(options: MemoryRecordsOptions): MemoryRecords {
    return new MemoryRecords(options, { entries: new Map(), values: new Map() }, 0);
  }

  /** A store with just what was durable. This one's promises never settle from now on, and what it is given is lost. */
  crash(): MemoryRecords {
    this.#sync.crash();
    const durable = {
      entries: new Map(this.#durable.entries),
      values: new Map(this.#durable.values),
    };
    return new MemoryRecords(this.#options, durable, this.#lastSeq);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sync.settled();
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  find(name: RecordName): Record | undefined {
    return this.#entries.get(nameToText(name))?.record;
  }

  async apply(records: readonly Record[]): Promise<void> {
    for (const record of records) this.#apply(record);
    await this.#sync.settled();
  }

  scan(range: RecordRange, limit: number): readonly Record[] {
    return this.#scan(rangeToTexts(range), limit);
  }

  scanHeads(range: RecordRange, limit: number): readonly RecordHead[] {
    return this.#scan(rangeToTexts(range), limit);
  }

  listBuckets(): readonly Record[] {
    return this.#scan(kindToTexts("bucket"), Infinity);
  }

  hasObjects(bucket: string): boolean {
    const from = { kind: "from", key: "" } as const;
    return this.scan({ kind: "object", bucket, from, before: undefined }, 1).length > 0;
  }

  changesAfter(seq: number, limit: number): readonly Change[] {
    return this.#changes(seq, limit, () => true);
  }

  names(after: NameBound, until: NameBound, limit: number): readonly Omit<Change, "seq">[] {
    return this.#between(after, until).slice(0, limit)
      .map(({ record, stamp }) => ({ name: nameOf(record), stamp }));
  }

  digest(after: NameBound, until: NameBound): RangeDigest {
    return this.#between(after, until)
      .filter(({ record }) => !record.isDeleted)
      .reduce((sum, { hash }) => addDigests(sum, { count: 1, sum: hash }), EMPTY_DIGEST);
  }

  split(after: NameBound, until: NameBound, parts: number): readonly RecordName[] {
    const entries = this.#between(after, until);
    return cutRanks(entries.length, parts)
      .flatMap((rank) => entries.slice(rank - 1, rank))
      .map(({ record }) => nameOf(record));
  }

  tombstones(
    afterSeq: number,
    untilSeq: number,
    beforeVersion: string,
    limit: number,
  ): readonly Change[] {
    return this.#changes(
      afterSeq,
      limit,
      ({ record, seq }) => record.isDeleted && record.version < beforeVersion && seq <= untilSeq,
    );
  }

  async purge(records: readonly Pick<Change, "name" | "stamp">[]): Promise<void> {
    for (const { name, stamp } of records) {
      const known = this.#entries.get(nameToText(name));
      if (known?.stamp === stamp) this.#remove(known);
    }
    await this.#sync.settled();
  }

  isReferenced(hash: string): boolean {
    return this.#references.has(hash);
  }

  references(after: string, limit: number): readonly BlockRef[] {
    return this.#references.list(after, limit);
  }

  stats(): RecordStoreStats {
    const live = { bucket: 0, object: 0, upload: 0, part: 0 } satisfies RecordStoreStats["live"];
    let tombstones = 0;
    for (const { record } of this.#entries.values()) {
      if (record.isDeleted) tombstones++;
      else live[record.kind]++;
    }
    const { bytes: referencedBytes, distinctBytes } = this.#references;
    return { live, tombstones, referencedBytes, distinctBytes };
  }

  getValue(name: string): Json | undefined {
    const text = this.#values.get(name);
    return text === undefined ? undefined : JSON.parse(text) as Json;
  }

  async setValue(name: string, value: Json): Promise<void> {
    const text = JSON.stringify(value);
    this.#values.set(name, text);
    this.#sync.write(() => this.#durable.values.set(name, text));
    await this.#sync.settled();
  }

  #apply(given: Record): void {
    const text = nameToText(given);
    const known = this.#entries.get(text);
    const record = known === undefined ? given : mergeRecords(known.record, given);
    const stamp = stampOf(record);
    if (stamp === known?.stamp) return;
    const entry = { text, record, stamp, hash: hashOfRecord(text, stamp), seq: ++this.#lastSeq };
    this.#references.add(record);
    if (known === undefined) this.#texts.splice(this.#firstFrom(text), 0, text);
    else this.#references.release(known.record);
    this.#entries.set(text, entry);
    this.#sync.write(() => this.#durable.entries.set(text, entry));
    this.#feed.push(entry);
    // Whatever was replaced is dropped before it outweighs what is there.
    if (this.#feed.length > 2 * this.#entries.size + 16) {
      this.#feed = this.#feed.filter((entry) => this.#isCurrent(entry));
    }
  }

  #remove(entry: Entry): void {
    this.#references.release(entry.record);
    this.#entries.delete(entry.text);
    this.#texts.splice(this.#firstFrom(entry.text), 1);
    this.#sync.write(() => this.#durable.entries.delete(entry.text));
  }

  #isCurrent(entry: Entry): boolean {
    return this.#entries.get(entry.text) === entry;
  }

  #scan({ lower, isLowerIncluded, before }: TextBounds, limit: number): Record[] {
    const start = isLowerIncluded ? this.#firstFrom(lower) : this.#firstAfter(lower);
    const end = this.#firstFrom(before);
    const found: Record[] = [];
    for (let i = start; i < end && found.length < limit; i++) {
      const { record } = this.#at(i);
      if (!record.isDeleted) found.push(record);
    }
    return found;
  }

  #changes(afterSeq: number, limit: number, isWanted: (entry: Entry) => boolean): Change[] {
    const start = firstIndex(this.#feed.length, (i) => (this.#feed[i]?.seq ?? 0) > afterSeq);
    const found: Change[] = [];
    for (let i = start; i < this.#feed.length && found.length < limit; i++) {
      const entry = this.#feed[i];
      if (entry === undefined || !this.#isCurrent(entry) || !isWanted(entry)) continue;
      found.push({ name: nameOf(entry.record), stamp: entry.stamp, seq: entry.seq });
    }
    return found;
  }

  #between(after: NameBound, until: NameBound): Entry[] {
    const start = after === undefined ? 0 : this.#firstAfter(nameToText(after));
    const end = until === undefined ? this.#texts.length : this.#firstAfter(nameToText(until));
    return Array.from({ length: Math.max(0, end - start) }, (_, i) => this.#at(start + i));
  }

  #at(index: number): Entry {
    const entry = this.#entries.get(this.#texts[index] ?? "");
    if (entry === undefined) throw new RangeError(`no record at ${index}`);
    return entry;
  }

  #firstFrom(text: string): number {
    return firstIndex(this.#texts.length, (i) => compareUtf8(this.#texts[i] ?? "", text) >= 0);
  }

  #firstAfter(text: string): number {
    return firstIndex(this.#texts.length, (i) => compareUtf8(this.#texts[i] ?? "", text) > 0);
  }
}

/** The first index of an ascending list from which on `isReached` holds; `length` when for none. */
function firstIndex(length: number, isReached: (index: number) => boolean): number {
  let low = 0;
  for (let high = length; low < high;) {
    const middle = (low + high) >>> 1;
    if (isReached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
