/**
 * Catching up: each node numbers the changes of its records, and the others fetch those after the last that they know of. Whoever
 * has fetched from all but W - 1 members has every acknowledged write. Where that isn't enough (a store that lost something, a
 * node that comes back from long ago) range_sync.ts compares all.
 */

import { LIMITS } from "../limits.ts";
import type { Change, RecordStore } from "../storage/content_store.ts";
import {
  type JsonObject,
  lastVersion,
  type Record,
  type RecordName,
  stampOf,
} from "../storage/record.ts";
import type { VersionClock } from "./hybrid_clock.ts";
import type { Membership } from "./membership.ts";
import type { Peers } from "./peers.ts";
import { ignoreSilence } from "./quorum.ts";
import {
  decodeChanges,
  decodeNames,
  decodeRecords,
  encodeChange,
  encodeName,
  encodeRecord,
  isCount,
  isObject,
  malformed,
  recordBytes,
} from "./record_codec.ts";
import type { MemberKey } from "./stages.ts";
import { unavailable } from "./unavailable.ts";

export interface SyncOptions {
  readonly membership: Membership;
  readonly peers: Peers;
  readonly records: RecordStore;
  readonly clock: VersionClock;
  readonly onRecords: (records: readonly Record[]) => void;
}

/** How far this node has followed another's changes. */
interface Cursor {
  readonly feedId: string;
  readonly seq: number;
}

const CURSORS = "sync.cursors";

export class Sync {
  readonly #options: SyncOptions;
  readonly #cursors = new Map<MemberKey, Cursor>();
  /** How far the others have followed this node's changes. */
  readonly #followed = new Map<MemberKey, number>();
  readonly #behind = new Map<MemberKey, number>();
  readonly #pulling = new Map<MemberKey, Promise<void>>();
  readonly #nextPull = new Map<MemberKey, Promise<void>>();

  constructor(options: SyncOptions) {
    this.#options = options;
    const saved = options.records.getValue(CURSORS);
    if (!isObject(saved)) return;
    for (const [member, cursor] of Object.entries(saved)) {
      if (!isObject(cursor)) continue;
      const { feedId, seq } = cursor;
      if (typeof feedId === "string" && isCount(seq)) this.#cursors.set(member, { feedId, seq });
    }
  }

  /** Resolves when this node has every write that was acknowledged before the call. Throws ServiceUnavailable. */
  async catchUp(): Promise<void> {
    const { membership } = this.#options;
    const { members, needed } = membership.allReaders();
    const others = members.filter((member) => member !== membership.self);
    const ownVote = members.length - others.length;
    await new Promise<void>((resolve, reject) => {
      let answered = ownVote;
      let open = others.length;
      const judge = () => {
        if (answered >= needed) resolve();
        else if (answered + open < needed) {
          reject(unavailable("Catching up", answered, members.length, needed));
        }
      };
      for (const member of others) {
        this.pull(member).then(() => answered++).catch(ignoreSilence).catch(reject).finally(() => {
          open--;
          judge();
        });
      }
      judge();
    });
  }

  /** The same from each of these; false when one of them didn't answer. */
  async pullAll(members: readonly MemberKey[]): Promise<boolean> {
    const pulls = members.filter((member) => member !== this.#options.membership.self)
      .map((member) =>
        this.pull(member).then(() => true, (error) => (ignoreSilence(error), false))
      );
    return (await Promise.all(pulls)).every((isDone) => isDone);
  }

  /**
   * Fetches all that the member had when this was called. A pull that is under way may have begun too early: the next one serves
   * all who ask meanwhile. Throws PeerError.
   */
  pull(member: MemberKey): Promise<void> {
    const current = this.#pulling.get(member);
    if (current === undefined) return this.#startPull(member);
    let next = this.#nextPull.get(member);
    if (next === undefined) {
      next = current.catch(() => {}).then(() => {
        this.#nextPull.delete(member);
        return this.#startPull(member);
      });
      this.#nextPull.set(member, next);
    }
    return next;
  }

  /** Whether every member is known to have followed this node's changes up to there. */
  followedUpTo(): number {
    let least = this.#options.records.lastSeq;
    for (const member of this.#options.membership.others()) {
      least = Math.min(least, this.#followed.get(member) ?? 0);
    }
    return least;
  }

  /** Changes of others that this node knows to lack. */
  get recordsBehind(): number {
    const { membership } = this.#options;
    return membership.others().reduce((sum, other) => sum + (this.#behind.get(other) ?? 0), 0);
  }

  /** Keeps the cursors over a restart. They may be kept late, never early: what lies before them is on disk. */
  async save(): Promise<void> {
    this.#forgetGone();
    const cursors = Object.fromEntries(
      Array.from(this.#cursors, ([member, { feedId, seq }]) => [member, { feedId, seq }]),
    );
    await this.#options.records.setValue(CURSORS, cursors);
  }

  /** Answers `record.changes`. */
  answerChanges(as: MemberKey, data: JsonObject): JsonObject {
    const { records } = this.#options;
    const { feedId, after } = data;
    if (!isCount(after)) throw malformed("a place");
    const isCurrent = feedId === records.feedId && after <= records.lastSeq;
    const from = isCurrent ? after : 0;
    if (isCurrent) this.#followed.set(as, after);
    const changes = records.changesAfter(from, LIMITS.changesPageMax);
    return {
      feedId: records.feedId,
      after: from,
      last: records.lastSeq,
      changes: changes.map(encodeChange),
    };
  }

  /** Answers `record.fetch`. Gives as many as fit into a message, from the first on; at least one. */
  answerFetch(data: JsonObject): JsonObject {
    const names = decodeNames(data["names"], LIMITS.changesPageMax);
    const batch: Record[] = [];
    let bytes = 0;
    let taken = 0;
    // One by one: all at once may be far more than the message that they don't fit into.
    for (const name of names) {
      const record = this.#options.records.find(name);
      if (record !== undefined) {
        bytes += recordBytes(record);
        const isFull = bytes > LIMITS.recordBatchBytes || batch.length >= LIMITS.recordBatchMax;
        if (batch.length > 0 && isFull) break;
        batch.push(record);
      }
      taken++;
    }
    return { records: batch.map(encodeRecord), taken };
  }

  /** Fetches records by name and takes them in. Throws PeerError. */
  async fetch(member: MemberKey, names: readonly RecordName[]): Promise<void> {
    const { peers } = this.#options;
    for (let start = 0; start < names.length;) {
      const batch = names.slice(start, start + LIMITS.recordBatchMax);
      const message = { kind: "record.fetch", data: { names: batch.map(encodeName) } };
      const { data } = await peers.call(member, message, LIMITS.syncCallMs);
      const records = decodeRecords(data["records"], batch.length);
      if (!isCount(data["taken"]) || data["taken"] === 0) throw malformed("a count");
      start += data["taken"];
      await this.#takeIn(records);
    }
  }

  #forgetGone(): void {
    const others = new Set(this.#options.membership.others());
    for (const map of [this.#cursors, this.#followed, this.#behind]) {
      for (const member of map.keys()) if (!others.has(member)) map.delete(member);
    }
  }

  #startPull(member: MemberKey): Promise<void> {
    const pulling = this.#pull(member).finally(() => {
      if (this.#pulling.get(member) === pulling) this.#pulling.delete(member);
    });
    this.#pulling.set(member, pulling);
    return pulling;
  }

  async #pull(member: MemberKey): Promise<void> {
    const { peers } = this.#options;
    let until: number | undefined;
    for (;;) {
      const { feedId = "", seq = 0 } = this.#cursors.get(member) ?? {};
      const message = { kind: "record.changes", data: { feedId, after: seq } };
      const { data } = await peers.call(member, message, LIMITS.readCallMs);
      const { feedId: feed, after, last } = data;
      if (typeof feed !== "string" || !isCount(after) || !isCount(last)) throw malformed("a place");
      const changes = decodeChanges(data["changes"], LIMITS.changesPageMax);
      if (feed !== feedId) until = undefined;
      until ??= last;
      this.#behind.set(member, Math.max(0, last - after));
      await this.fetch(member, this.#lacking(changes));
      const reached = changes.at(-1)?.seq ?? last;
      if (changes.length > 0 && reached <= after) throw malformed("a later place");
      this.#cursors.set(member, { feedId: feed, seq: reached });
      this.#behind.set(member, Math.max(0, last - reached));
      if (changes.length === 0 || reached >= until) return;
    }
  }

  /** Those of which this node hasn't just that version, or a later one. */
  #lacking(changes: readonly Change[]): RecordName[] {
    const { records } = this.#options;
    return changes.flatMap(({ name, stamp }) => {
      const held = records.find(name);
      if (held === undefined) return [name];
      const isLater = held.version > stamp.slice(0, held.version.length);
      return isLater || stampOf(held) === stamp ? [] : [name];
    });
  }

  async #takeIn(records: readonly Record[]): Promise<void> {
    const { clock, records: store, onRecords } = this.#options;
    const acceptable = records.filter((record) => !clock.isFromTheFuture(lastVersion(record)));
    if (acceptable.length < records.length) throw malformed("a time that can be true");
    for (const record of acceptable) clock.observe(lastVersion(record));
    const applied = store.apply(acceptable);
    onRecords(acceptable);
    await applied;
  }
}
