/**
 * What ends with something else: the parts of an upload that has ended, uploads that nobody finished, and tombstones that everybody
 * has. Each node does it for its own records, and all come to the same.
 */

import { LIMITS } from "../limits.ts";
import type { RecordStore } from "../storage/content_store.ts";
import {
  bucketName,
  type Record,
  type RecordKind,
  type RecordName,
  uploadName,
  type Version,
} from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import { versionAfter } from "./cluster_parts.ts";
import { versionAt, type VersionClock, versionMs } from "./hybrid_clock.ts";
import { bucketInfo, bucketRecord, isClosing, tombstone, uploadInfo } from "./object_record.ts";
import { ignoreSilence, type Quorum } from "./quorum.ts";
import type { ClusterRules } from "./rules.ts";
import type { Sync } from "./sync.ts";

export interface ReaperOptions {
  readonly records: RecordStore;
  readonly quorum: Quorum;
  readonly sync: Sync;
  readonly clock: VersionClock;
  readonly timers: Timers;
  readonly rules: ClusterRules;
  readonly uploadAgeMsMax: number;
  readonly tombstoneAgeMs: number;
}

export class Reaper {
  readonly #options: ReaperOptions;
  #ended: Record[] = [];
  /** Buckets whose deletion may have been cut short. */
  readonly #closing = new Set<string>();

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** Hears of records that came in. */
  note(records: readonly Record[]): void {
    for (const record of records) {
      if (record.kind === "upload" && record.isDeleted) this.#ended.push(record);
      if (record.kind === "bucket" && isClosing(record)) this.#closing.add(record.bucket);
    }
  }

  /** Removes the parts of the uploads that have ended since the last time, sees to closing buckets, and forgets tombstones. */
  async round(): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    for (const upload of ended) await this.#removeParts(upload);
    for (const bucket of this.#closing) await this.#sweepBucket(bucketName(bucket));
    await this.#forgetTombstones();
  }

  /** Looks through all uploads, parts and deleted buckets: what a restart or a late record left behind. */
  async sweep(): Promise<void> {
    for (const name of this.#names("part")) await this.#sweepPart(name);
    for (const name of this.#names("upload")) await this.#sweepUpload(name);
    for (const name of this.#names("bucket")) await this.#sweepBucket(name);
  }

  /** By the same versions on every node, so that nothing has to be told. */
  async #removeParts(upload: Record): Promise<void> {
    const { bucket, key, sub, version } = upload;
    const range = {
      kind: "part",
      bucket,
      from: { kind: "after", key, sub: `${sub}/` },
      before: key + "\0",
    } as const;
    for (;;) {
      const parts = this.#options.records.scan(range, LIMITS.reaperPage)
        .filter((part) => part.sub.startsWith(`${sub}/`));
      if (parts.length === 0) return;
      await this.#bury(parts, version);
    }
  }

  async #bury(parts: readonly Record[], version: Version): Promise<void> {
    const { records, clock } = this.#options;
    const graves = await Promise.all(
      parts.map(async (part) =>
        tombstone(part, part.version < version ? version : await versionAfter(clock, part))
      ),
    );
    await records.apply(graves);
  }

  async #sweepPart(name: RecordName): Promise<void> {
    const { records } = this.#options;
    const part = records.find(name);
    if (part === undefined || part.isDeleted) return;
    const uploadId = name.sub.slice(0, name.sub.indexOf("/"));
    const upload = records.find(uploadName(name.bucket, name.key, uploadId));
    if (upload?.isDeleted) await this.#bury([part], upload.version);
    else if (upload === undefined && this.#isOld(part.version)) {
      await this.#bury([part], part.version);
    }
  }

  async #sweepUpload(name: RecordName): Promise<void> {
    const { records, quorum, clock, timers, uploadAgeMsMax } = this.#options;
    const upload = records.find(name);
    if (upload === undefined || upload.isDeleted) return;
    const bucket = records.find(bucketName(name.bucket));
    const isOrphan = bucket?.isDeleted === true && !isClosing(bucket) &&
      upload.version < bucket.version;
    const isExpired = uploadInfo(upload).initiatedMs < timers.now() - uploadAgeMsMax;
    if (!isOrphan && !isExpired) return;
    await quorum.write([tombstone(upload, await versionAfter(clock, upload))]).catch(ignoreSilence);
  }

  /** A node died between taking a bucket away and making sure that it is empty: what came in meanwhile brings it back. */
  async #sweepBucket(name: RecordName): Promise<void> {
    const { records, quorum, clock, timers } = this.#options;
    const bucket = records.find(name);
    if (bucket === undefined || !isClosing(bucket)) {
      this.#closing.delete(name.bucket);
      return;
    }
    this.#closing.add(name.bucket);
    const isCutShort = versionMs(bucket.version) < timers.now() - LIMITS.closingMsMax;
    if (!isCutShort || !records.hasObjects(name.bucket)) return;
    const revived = bucketRecord(bucketInfo(bucket), await versionAfter(clock, bucket));
    await quorum.write([revived]).catch(ignoreSilence);
  }

  async #forgetTombstones(): Promise<void> {
    const { records, sync, timers, rules, tombstoneAgeMs } = this.#options;
    const { untilSeq, before } = rules.forgettable({
      followedSeq: sync.followedUpTo(),
      lastSeq: records.lastSeq,
      oldVersion: versionAt(timers.now() - tombstoneAgeMs),
    });
    for (let after = 0;;) {
      const page = records.tombstones(after, untilSeq, before, LIMITS.reaperPage);
      if (page.length === 0) return;
      await records.purge(page);
      after = page.at(-1)?.seq ?? Infinity;
    }
  }

  #isOld(version: Version): boolean {
    const { timers, tombstoneAgeMs } = this.#options;
    return versionMs(version) < timers.now() - tombstoneAgeMs;
  }

  *#names(kind: RecordKind): Generator<RecordName> {
    const until = { kind, bucket: "\u{10ffff}", key: "", sub: "" };
    let after: RecordName = { kind, bucket: "", key: "", sub: "" };
    for (;;) {
      const page = this.#options.records.names(after, until, LIMITS.reaperPage);
      for (const { name } of page) yield name;
      const last = page.at(-1);
      if (last === undefined || page.length < LIMITS.reaperPage) return;
      after = last.name;
    }
  }
}
