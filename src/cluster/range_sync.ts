/**
 * Comparing all records with another node's, by digests of ranges that are split where they differ: finds what the change feeds
 * missed, at the cost of a few messages when nothing did. Live records only; a tombstone travels when the other side still has
 * what it deletes.
 */

import { LIMITS } from "../limits.ts";
import type { Change, NameBound, RangeDigest, RecordStore } from "../storage/content_store.ts";
import {
  type Json,
  type JsonObject,
  nameKey,
  type Record,
  type RecordName,
  stampOf,
  type Version,
} from "../storage/record.ts";
import type { Counters } from "./counters.ts";
import type { Membership } from "./membership.ts";
import type { Peers } from "./peers.ts";
import { ignoreSilence } from "./quorum.ts";
import {
  batchRecords,
  decodeChanges,
  decodeName,
  encodeChange,
  encodeName,
  encodeRecord,
  isCount,
  malformed,
} from "./record_codec.ts";
import type { MemberKey } from "./stages.ts";
import type { Sync } from "./sync.ts";

export interface RangeSyncOptions {
  readonly peers: Peers;
  readonly records: RecordStore;
  readonly sync: Sync;
  readonly membership: Pick<Membership, "staying">;
  readonly counters: Counters;
}

interface Range {
  readonly after: NameBound;
  readonly until: NameBound;
}

export interface Difference {
  readonly fetched: number;
  readonly pushed: number;
  readonly dropped: number;
}

export class RangeSync {
  readonly #options: RangeSyncOptions;
  #rounds = 0;

  constructor(options: RangeSyncOptions) {
    this.#options = options;
  }

  /**
   * Of all rounds of gossip, now and then one compares, with one member after the other: what the change feeds can't have missed
   * should differ nowhere.
   */
  async round(): Promise<void> {
    this.#rounds++;
    if (this.#rounds % LIMITS.rangeEveryRounds !== 1) return;
    const { membership, counters } = this.#options;
    const members = membership.staying();
    const member = members[Math.floor(this.#rounds / LIMITS.rangeEveryRounds) % members.length];
    if (member === undefined) return;
    try {
      const { fetched, pushed } = await this.compare(member);
      counters.add("range_sync_fetched", fetched);
      counters.add("range_sync_pushed", pushed);
    } catch (error) {
      ignoreSilence(error);
    }
  }

  /**
   * Makes this node's live records and the member's equal. With `dropBefore` nothing is given, and records that are older and
   * unknown to the member are dropped: for a node that was given up, whose writes are refused, and that was away so long that
   * tombstones of what it still has may be gone. Throws PeerError.
   */
  async compare(member: MemberKey, dropBefore?: Version): Promise<Difference> {
    const total = { fetched: 0, pushed: 0, dropped: 0 };
    const ranges: Range[] = [{ after: undefined, until: undefined }];
    for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
      const own = this.#options.records.digest(range.after, range.until);
      const other = await this.#askDigest(member, range);
      if (own.count === other.count && own.sum === other.sum) continue;
      const pieces = this.#split(range, own.count);
      if (Math.max(own.count, other.count) > LIMITS.rangeLeafMax && pieces.length > 1) {
        ranges.push(...pieces);
        continue;
      }
      const difference = await this.#level(member, range, dropBefore);
      total.fetched += difference.fetched;
      total.pushed += difference.pushed;
      total.dropped += difference.dropped;
    }
    return total;
  }

  /** Answers `record.digest`. */
  answerDigest(data: JsonObject): JsonObject {
    const { count, sum } = this.#options.records.digest(
      decodeBound(data["after"]),
      decodeBound(data["until"]),
    );
    return { count, sum };
  }

  /** Answers `record.names`. */
  answerNames(data: JsonObject): JsonObject {
    const names = this.#options.records.names(
      decodeBound(data["after"]),
      decodeBound(data["until"]),
      LIMITS.recordNamesMax,
    );
    return { names: names.map(encodeChange) };
  }

  #split(range: Range, count: number): Range[] {
    if (count <= 1) return [range];
    const cuts = this.#options.records.split(range.after, range.until, LIMITS.rangeParts);
    const bounds = [range.after, ...cuts, range.until];
    return bounds.slice(1).map((until, index) => ({ after: bounds[index], until }));
  }

  async #askDigest(member: MemberKey, { after, until }: Range): Promise<RangeDigest> {
    const data = { after: encodeBound(after), until: encodeBound(until) };
    const reply = await this.#options.peers.call(
      member,
      { kind: "record.digest", data },
      LIMITS.syncCallMs,
    );
    const { count, sum } = reply.data;
    if (!isCount(count) || !isCount(sum)) throw malformed("a digest");
    return { count, sum };
  }

  async #level(
    member: MemberKey,
    range: Range,
    dropBefore: Version | undefined,
  ): Promise<Difference> {
    const total = { fetched: 0, pushed: 0, dropped: 0 };
    // Page by page: where one side has nearly nothing, the range is the whole of the other's.
    for (let from = range.after;;) {
      const theirs = await this.#askNames(member, { after: from, until: range.until });
      const last = theirs.at(-1)?.name;
      const isLast = last === undefined || theirs.length < LIMITS.recordNamesMax;
      const page = { after: from, until: isLast ? range.until : last };
      const { fetched, pushed, dropped } = await this.#levelPage(member, page, theirs, dropBefore);
      total.fetched += fetched;
      total.pushed += pushed;
      total.dropped += dropped;
      if (isLast) return total;
      if (from !== undefined && nameKey(last) === nameKey(from)) throw malformed("later names");
      from = last;
    }
  }

  async #levelPage(
    member: MemberKey,
    range: Range,
    theirs: readonly Omit<Change, "seq">[],
    dropBefore: Version | undefined,
  ): Promise<Difference> {
    const lacking: RecordName[] = [];
    const known = new Map<string, string>();
    for (const { name, stamp } of theirs) {
      known.set(nameKey(name), stamp);
      const held = this.#options.records.find(name);
      if (held === undefined || isOlder(held, stamp)) lacking.push(name);
    }
    await this.#options.sync.fetch(member, lacking);
    const { given, dropped } = this.#surplus(range, known, dropBefore);
    // What a returning node has to give the others fetch when they count it again.
    if (dropBefore === undefined) await this.#give(member, given);
    await this.#options.records.purge(
      dropped.map((record) => ({ name: record, stamp: stampOf(record) })),
    );
    const pushed = dropBefore === undefined ? given.length : 0;
    return { fetched: lacking.length, pushed, dropped: dropped.length };
  }

  /** What this node has that the other doesn't, or not as new. */
  #surplus(
    range: Range,
    known: ReadonlyMap<string, string>,
    dropBefore: Version | undefined,
  ): { given: Record[]; dropped: Record[] } {
    const { records } = this.#options;
    const given: Record[] = [];
    const dropped: Record[] = [];
    for (const { name, stamp } of this.#ownNames(range)) {
      const record = records.find(name);
      const other = known.get(nameKey(name));
      if (record === undefined || other === stamp) continue;
      if (other === undefined) {
        // A tombstone of what the other never had, or has forgotten, is nothing to it.
        if (record.isDeleted) continue;
        (dropBefore !== undefined && record.version < dropBefore ? dropped : given).push(record);
      } else if (!isOlder(record, other)) {
        given.push(record);
      }
    }
    return { given, dropped };
  }

  *#ownNames({ after, until }: Range) {
    let from = after;
    for (;;) {
      const names = this.#options.records.names(from, until, LIMITS.recordNamesMax);
      yield* names;
      if (names.length < LIMITS.recordNamesMax) return;
      from = names.at(-1)?.name;
    }
  }

  async #askNames(
    member: MemberKey,
    { after, until }: Range,
  ): Promise<readonly Omit<Change, "seq">[]> {
    const data = { after: encodeBound(after), until: encodeBound(until) };
    const message = { kind: "record.names", data };
    const reply = await this.#options.peers.call(member, message, LIMITS.syncCallMs);
    return decodeChanges(reply.data["names"], LIMITS.recordNamesMax);
  }

  async #give(member: MemberKey, records: readonly Record[]): Promise<void> {
    for (const batch of batchRecords(records)) {
      const data = { records: batch.map(encodeRecord), unchecked: true };
      await this.#options.peers.call(member, { kind: "record.write", data }, LIMITS.syncCallMs);
    }
  }
}

/** Whether the stamp is of a later version than the record's, or says of changes that the record lacks or has otherwise. */
function isOlder(record: Record, stamp: string): boolean {
  const version = stamp.slice(0, record.version.length);
  return version === record.version ? stampOf(record) !== stamp : version > record.version;
}

function encodeBound(bound: NameBound): Json {
  return bound === undefined ? null : encodeName(bound);
}

function decodeBound(json: Json | undefined): NameBound {
  return json === null || json === undefined ? undefined : decodeName(json);
}
