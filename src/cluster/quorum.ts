/**
 * Records on quorums: a read asks enough nodes to meet every write that was acknowledged, a write is acknowledged when enough nodes
 * have it on disk. Attiya, Bar-Noy and Dolev, "Sharing memory robustly in message-passing systems" (1995), with many writers.
 */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Message, PeerError, PeerFault } from "../peer/transport.ts";
import type { RecordStore } from "../storage/content_store.ts";
import {
  bucketName,
  type Json,
  type JsonObject,
  lastVersion,
  nameKey,
  type Record,
  type RecordName,
  stampOf,
  uploadName,
} from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import type { RunBeside } from "./background.ts";
import type { VersionClock } from "./hybrid_clock.ts";
import type { Membership, Readers } from "./membership.ts";
import type { Peers } from "./peers.ts";
import { isClosing } from "./object_record.ts";
import { placeOf } from "./placement.ts";
import {
  decodeName,
  decodeRecord,
  decodeRecords,
  encodeName,
  encodeRecord,
  isArray,
  malformed,
} from "./record_codec.ts";
import { ReadCalls } from "./read_calls.ts";
import type { ClusterRules } from "./rules.ts";
import type { MemberKey } from "./stages.ts";
import { closing, unavailable } from "./unavailable.ts";

export interface QuorumOptions {
  readonly membership: Membership;
  readonly peers: Peers;
  readonly records: RecordStore;
  readonly clock: VersionClock;
  readonly timers: Timers;
  readonly rules: ClusterRules;
  /** Told of records that this node took in. */
  readonly onRecords: (records: readonly Record[]) => void;
  /** Does work that nobody waits for. */
  readonly run: RunBeside;
}

/** What a write to one place tells its receivers. */
interface WriteOrder {
  readonly place: string;
  readonly records: readonly Record[];
  /** The bucket as the writer saw it: whoever doesn't know it yet takes it in first. */
  readonly bucket?: Record;
  /** Members that have the records already. */
  readonly holders: ReadonlySet<MemberKey>;
  /** Whether records of buckets and uploads that are gone are refused; repairs must not be. */
  readonly isChecked: boolean;
  /** Have it on all but W - 1 of all members instead of W of the nearest. */
  readonly isForAll: boolean;
}

/** How far the read of one name has come. */
interface Reading {
  readonly name: RecordName;
  readonly readers: Readers;
  readonly stamps: Map<MemberKey, string | undefined>;
  newest: Record | undefined;
}

export class Quorum {
  readonly #options: QuorumOptions;
  readonly #reads: ReadCalls;

  constructor(options: QuorumOptions) {
    this.#options = options;
    this.#reads = new ReadCalls(options.peers, options.timers);
  }

  /** The newest version of one name that is acknowledged; a later one if there is. */
  async find(name: RecordName): Promise<Record | undefined> {
    const [record] = await this.read([name]);
    return record;
  }

  /**
   * The same for several, in their order. What is given is on a quorum when this resolves: no later read goes behind it. Throws
   * ServiceUnavailable.
   */
  async read(names: readonly RecordName[]): Promise<(Record | undefined)[]> {
    const readings = names.map((name) => this.#open(name));
    await this.#ask(readings);
    return await Promise.all(readings.map((reading) => this.#settle(reading)));
  }

  /**
   * Resolves when the records, all of one place, are acknowledged. Throws ServiceUnavailable (then they may or may not be seen
   * later), NoSuchBucket, NoSuchUpload.
   */
  async write(records: readonly Record[], bucket?: Record): Promise<void> {
    await this.#write({
      place: placeOfAll(records),
      records,
      ...(bucket && { bucket }),
      holders: new Set(),
      isChecked: true,
      isForAll: false,
    });
  }

  /** The same on so many members that any later write meets one of them. Gives those that have it, without this node. */
  async writeForAll(record: Record): Promise<MemberKey[]> {
    const acked = await this.#write({
      place: placeOf(record),
      records: [record],
      holders: new Set(),
      isChecked: true,
      isForAll: true,
    });
    return acked.filter((member) => member !== this.#options.membership.self);
  }

  /** Answers `record.read`. */
  answerRead(data: JsonObject): JsonObject {
    const { names } = data;
    if (!isArray(names) || names.length > LIMITS.recordNamesMax) throw malformed("names");
    return { records: names.map((entry) => this.#answerName(entry)) };
  }

  /** Answers `record.write`: resolves when the records are on disk. */
  async answerWrite(data: JsonObject): Promise<void> {
    const records = decodeRecords(data["records"], LIMITS.recordNamesMax);
    const bucket = data["bucket"] === undefined ? undefined : decodeRecord(data["bucket"]);
    await this.accept(records, bucket, data["unchecked"] !== true);
  }

  /** Takes records in on this node. Throws PeerFault "noBucket", "noUpload", "clockAhead". */
  async accept(
    records: readonly Record[],
    bucket: Record | undefined,
    isChecked: boolean,
  ): Promise<void> {
    const { clock, records: store, onRecords } = this.#options;
    const all = bucket === undefined ? records : [bucket, ...records];
    for (const record of all) {
      const version = lastVersion(record);
      if (clock.isFromTheFuture(version)) {
        throw new PeerFault("clockAhead", "a version is too far ahead of this node's clock");
      }
      clock.observe(version);
    }
    if (isChecked) { for (const record of records) this.#refuseOrphan(record, bucket); }
    const applied = store.apply(all);
    onRecords(all);
    await applied;
  }

  #open(name: RecordName): Reading {
    const readers = this.#options.membership.readers(placeOf(name));
    return { name, readers, stamps: new Map(), newest: undefined };
  }

  /** Asks as many as have to answer, and all the others too when one of those fails or takes long. */
  #ask(readings: readonly Reading[]): Promise<void> {
    const { timers } = this.#options;
    const pending = new Map<MemberKey, Reading[]>();
    const { first, rest } = this.#plan(readings);
    return new Promise((resolve, reject) => {
      const ask = (asked: ReadonlyMap<MemberKey, Reading[]>) => {
        for (const [member, names] of asked) {
          pending.set(member, [...pending.get(member) ?? [], ...names]);
          const fail = (fault: unknown) => end(() => reject(fault));
          this.#askMember(member, names).catch(ignoreSilence).catch(fail).finally(() => {
            const left = pending.get(member)?.filter((reading) => !names.includes(reading)) ?? [];
            if (left.length > 0) pending.set(member, left);
            else pending.delete(member);
            judge();
          });
        }
      };
      const askRest = () => {
        const others = new Map(rest);
        rest.clear();
        ask(others);
      };
      const judge = () => {
        if (readings.every(isAnswered)) return end(resolve);
        const short = () =>
          readings.find((reading) =>
            reading.stamps.size + countPending(reading, pending) < reading.readers.needed
          );
        if (short() !== undefined) askRest();
        const failed = short();
        if (failed !== undefined) end(() => reject(readFailure(failed)));
      };
      const cancel = timers.after(LIMITS.readHedgeMs, askRest);
      const end = (settle: () => void) => {
        cancel();
        rest.clear();
        settle();
      };
      ask(first);
      judge();
    });
  }

  /** Which names to ask of whom at first, and of whom besides. This node's own answers are taken at once. */
  #plan(readings: readonly Reading[]) {
    const { membership, records, peers } = this.#options;
    const { self } = membership;
    const first = new Map<MemberKey, Reading[]>();
    const rest = new Map<MemberKey, Reading[]>();
    for (const reading of readings) {
      // The local copy is taken into account even when it isn't asked for: it can only be newer.
      const local = records.find(reading.name);
      reading.newest = local;
      const { members, needed } = reading.readers;
      if (members.includes(self)) reading.stamps.set(self, local && stampOf(local));
      const others = members.filter((member) => member !== self);
      const sorted = [
        ...others.filter((member) => !peers.isSuspect(member)),
        ...others.filter((member) => peers.isSuspect(member)),
      ];
      const firstCount = needed - reading.stamps.size;
      for (const [index, member] of sorted.entries()) {
        listOf(index < firstCount ? first : rest, member).push(reading);
      }
    }
    return { first, rest };
  }

  async #askMember(member: MemberKey, readings: readonly Reading[]): Promise<void> {
    const { rules } = this.#options;
    for (let start = 0; start < readings.length; start += LIMITS.recordNamesMax) {
      const batch = readings.slice(start, start + LIMITS.recordNamesMax);
      const names = batch.map(({ name, newest }) => [
        encodeName(name),
        newest === undefined ? null : stampOf(newest),
      ]);
      const known = batch.map(({ newest }) => newest);
      const answers = await this.#reads.read(member, names);
      for (const [index, reading] of batch.entries()) {
        const record = decodeAnswer(answers[index], known[index]);
        if (record && nameKey(record) !== nameKey(reading.name)) {
          throw malformed("what was asked for");
        }
        reading.stamps.set(member, record && stampOf(record));
        if (record === undefined) continue;
        reading.newest = reading.newest === undefined
          ? record
          : rules.merge(reading.newest, record);
      }
    }
  }

  /** Makes sure that what was found stays found, and gives just that: answers that are later may tell of something newer. */
  async #settle({ name, newest, stamps }: Reading): Promise<Record | undefined> {
    if (newest === undefined) return undefined;
    const { membership, clock, rules, run } = this.#options;
    clock.observe(lastVersion(newest));
    const place = placeOf(name);
    const stamp = stampOf(newest);
    const holders = new Set<MemberKey>();
    for (const [member, held] of stamps) if (held === stamp) holders.add(member);
    const writers = membership.writers(place);
    const confirmed = writers.members.filter((member) => holders.has(member)).length;
    const isStale = Array.from(stamps.values()).some((held) => held !== stamp);
    const repair = () => this.#repair(place, newest, holders);
    switch (rules.writeBack(confirmed, writers.needed, isStale)) {
      case "first":
        await repair();
        break;
      case "beside":
        run("repairing a stale record", repair);
        break;
      case "never":
    }
    return newest;
  }

  async #repair(place: string, record: Record, holders: ReadonlySet<MemberKey>): Promise<void> {
    const order = { place, records: [record], holders, isChecked: false, isForAll: false };
    await this.#write(order);
  }

  #write(order: WriteOrder): Promise<MemberKey[]> {
    const { membership, peers } = this.#options;
    const message = writeMessage(order);
    const { self } = membership;
    const acked = new Set(order.holders);
    const pending = new Set([self, ...membership.others()].filter((member) => !acked.has(member)));
    const faults: unknown[] = [];
    return new Promise((resolve, reject) => {
      // Judged anew with each answer: the members may have changed meanwhile.
      const judge = () => {
        const { members, needed } = this.#terms(order);
        const count = members.filter((member) => acked.has(member)).length;
        if (count >= needed && acked.has(self)) return resolve(Array.from(acked));
        const possible = members.filter((member) => acked.has(member) || pending.has(member));
        const isLost = !acked.has(self) && !pending.has(self);
        if (isLost || possible.length < needed) {
          reject(writeFailure(faults, count, members.length, needed));
        }
      };
      for (const member of pending) {
        const sent = member === self
          ? this.accept(order.records, order.bucket, order.isChecked)
          : peers.call(member, message, LIMITS.writeCallMs);
        sent.then(() => acked.add(member), (fault) => faults.push(fault)).finally(() => {
          pending.delete(member);
          judge();
        });
      }
      judge();
    });
  }

  #terms({ place, isForAll }: WriteOrder): Readers {
    const { membership } = this.#options;
    return isForAll ? membership.allReaders() : membership.writers(place);
  }

  #answerName(entry: Json): Json {
    const [name, stamp] = isArray(entry) ? entry : [];
    const record = this.#options.records.find(decodeName(name));
    if (record === undefined) return null;
    return stampOf(record) === stamp ? 0 : encodeRecord(record);
  }

  /** What lies in a bucket or belongs to an upload that is known to be gone can't have been acknowledged before that. */
  #refuseOrphan(record: Record, context: Record | undefined): void {
    if (record.isDeleted || record.kind === "bucket") return;
    const { records, rules } = this.#options;
    const known = records.find(bucketName(record.bucket));
    const bucket = known && context ? rules.merge(known, context) : known ?? context;
    if (bucket === undefined || bucket.isDeleted) {
      if (bucket && isClosing(bucket)) throw new PeerFault("bucketClosing", "the bucket may go");
      throw new PeerFault("noBucket", "the bucket doesn't exist");
    }
    if (record.kind !== "part") return;
    const uploadId = record.sub.slice(0, record.sub.indexOf("/"));
    const upload = records.find(uploadName(record.bucket, record.key, uploadId));
    if (upload?.isDeleted) throw new PeerFault("noUpload", "the upload has ended");
  }
}

function writeMessage({ records, bucket, isChecked }: WriteOrder): Message {
  const data = {
    records: records.map(encodeRecord),
    ...(bucket && { bucket: encodeRecord(bucket) }),
    ...(!isChecked && { unchecked: true }),
  };
  return { kind: "record.write", data };
}

function isAnswered({ stamps, readers }: Reading): boolean {
  return stamps.size >= readers.needed;
}

function countPending(reading: Reading, pending: ReadonlyMap<MemberKey, readonly Reading[]>) {
  let count = 0;
  for (const readings of pending.values()) if (readings.includes(reading)) count++;
  return count;
}

function decodeAnswer(json: Json | undefined, known: Record | undefined): Record | undefined {
  if (json === null) return undefined;
  return json === 0 ? known : decodeRecord(json);
}

function readFailure({ stamps, readers }: Reading): S3Error {
  return unavailable("The read", stamps.size, readers.members.length, readers.needed);
}

function writeFailure(
  faults: readonly unknown[],
  acked: number,
  asked: number,
  needed: number,
): unknown {
  for (const fault of faults) {
    const code = fault instanceof PeerError || fault instanceof PeerFault ? fault.code : undefined;
    if (code === "noBucket") return new S3Error("NoSuchBucket");
    if (code === "noUpload") return new S3Error("NoSuchUpload");
    if (code === "bucketClosing") return closing();
    if (fault instanceof S3Error) return fault;
  }
  const fault = faults.find((fault) => !(fault instanceof PeerError || fault instanceof PeerFault));
  return fault ?? unavailable("The write", acked, asked, needed);
}

/** A peer that doesn't answer is dealt with by counting; anything else is a fault of this node. */
export function ignoreSilence(error: unknown): void {
  if (error instanceof PeerError || error instanceof PeerFault || error instanceof S3Error) return;
  throw error;
}

function placeOfAll(records: readonly Record[]): string {
  const [first] = records;
  if (first === undefined) throw new RangeError("nothing to write");
  return placeOf(first);
}

function listOf<K, V>(map: Map<K, V[]>, key: K): V[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
