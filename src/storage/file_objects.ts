/** The objects of the FileStore: read, written, copied and deleted one key at a time. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CatalogChange } from "./catalog.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import { checkCondition } from "./condition.ts";
import { copyDigest, digested, keptMeta } from "./copy_plan.ts";
import type { FileBuckets } from "./file_buckets.ts";
import { openBytes, openFileObject, readWhole } from "./file_object.ts";
import type { StoreParts } from "./file_parts.ts";
import type { HotObject } from "./hot_objects.ts";
import type { PlannedAction } from "./journal.ts";
import { decodeParts, encodeMeta, objectInfo } from "./object_row.ts";
import type * as seam from "./object_store.ts";
import type { ObjectTruth } from "./object_truth.ts";
import { receiveBody, type Received } from "./receive.ts";

/** What a new version of an object is made of. A temp file belongs to whoever holds this until it is committed. */
export interface Version {
  readonly row: Omit<ObjectRow, "modified">;
  /** JSON of the parts of a multipart upload. */
  readonly parts: string | null;
  readonly source: Source;
}

export type Source =
  | { readonly action: "write"; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly action: "move"; readonly temp: string };

type ConditionalTarget = seam.Target & { readonly condition?: seam.WriteCondition };

export class FileObjects {
  readonly #parts: StoreParts;
  readonly #truth: ObjectTruth;
  readonly #buckets: FileBuckets;

  constructor(parts: StoreParts, truth: ObjectTruth, buckets: FileBuckets) {
    this.#parts = parts;
    this.#truth = truth;
    this.#buckets = buckets;
  }

  /** Throws NoSuchBucket, NoSuchKey. */
  async find({ bucket, key }: seam.Target): Promise<HotObject> {
    const located = await this.#truth.find(bucket, key);
    if (located.kind === "absent") throw await this.#absence(bucket);
    return located.hot;
  }

  async open({ bucket, key }: seam.Target): Promise<seam.OpenObject> {
    const located = await this.#truth.find(bucket, key);
    if (located.kind === "absent") throw await this.#absence(bucket);
    // Nothing was awaited since it was located: the row and what is opened are of one version.
    const { info } = located.hot;
    if (located.kind === "bytes") return openBytes(info, located.bytes);
    const file = this.#parts.files.open(located.path);
    if (file === undefined) throw await this.#absence(bucket);
    if (info.size > LIMITS.readWholeBytesMax) return openFileObject(info, file);
    const bytes = readWhole(info, file);
    this.#parts.catalog.read.hot.keepBytes(located.hot, bytes);
    return openBytes(info, bytes);
  }

  async findParts(target: seam.Target): Promise<seam.ObjectPart[] | undefined> {
    const { row } = await this.find(target);
    if (row.part_count === null) return undefined;
    const parts = this.#parts.catalog.read.findObjectParts(target.bucket, target.key);
    return parts === undefined ? undefined : decodeParts(parts);
  }

  async put(request: seam.PutRequest): Promise<ObjectRow> {
    await this.prepareWrite(request);
    const mtime = this.#parts.tree.quietMtime();
    const received = await this.#receive(request.body, mtime);
    const source = sourceOf(received);
    const meta = await this.#sealed(source, () => request.seal(received.digest));
    const version = { row: this.#row(request, received.digest, mtime, meta), parts: null, source };
    return await this.commit(version, request.condition);
  }

  /** Says what can be said before the first byte of a body is read, and waits while too much is under way. */
  async prepareWrite({ bucket, key, condition }: ConditionalTarget): Promise<void> {
    await this.#buckets.get(bucket);
    if (!this.#parts.tree.isReachable(bucket, key)) {
      const message =
        "A folder in the path of this key is a symbolic link; zs3 doesn't write through links.";
      throw new S3Error("AccessDenied", { message });
    }
    if (condition !== undefined) {
      const located = await this.#truth.find(bucket, key);
      checkCondition(located.kind === "absent" ? undefined : located.hot.info, condition);
    }
    const { journal, room } = this.#parts;
    await journal.admit();
    if (room.isShort) await journal.emptied();
  }

  /**
   * Makes the version the current one, with what `also` adds to the same transaction, and lays it out. Its temp file is
   * gone when this throws, unless what failed is the wait for the disk.
   */
  async commit(
    version: Version,
    condition: seam.WriteCondition | undefined,
    also?: (change: CatalogChange, row: ObjectRow) => void,
  ): Promise<ObjectRow> {
    const { journal, clock, room } = this.#parts;
    const { bucket, key, mtime } = version.row;
    const step = (change: CatalogChange) => {
      if (change.findBucket(bucket) === undefined) throw new S3Error("NoSuchBucket");
      const row = { ...version.row, modified: clock.now() };
      change.putObject(row, version.parts);
      also?.(change, row);
      return {
        row,
        entry: journal.plan(change, { ...version.source, bucket, key, mtime } as PlannedAction),
      };
    };
    let isCommitted = false;
    const watched = (change: CatalogChange) => {
      const done = step(change);
      change.onCommit(() => isCommitted = true);
      return done;
    };
    try {
      // A body in the journal is a row first and a file later; one in a temp file has its room already.
      room.require(version.source.action === "write" ? 2 * version.source.body.length : 0);
      const { row, entry } = condition === undefined
        ? await this.#parts.catalog.transact(watched)
        : await this.#knowing(version.row, (change, current) => {
          checkCondition(current && objectInfo(current), condition);
          return watched(change);
        });
      journal.finish(entry);
      return row;
    } catch (error) {
      if (!isCommitted) await this.#discard(version.source);
      throw error;
    }
  }

  async delete(target: seam.Target, condition: seam.WriteCondition | undefined): Promise<void> {
    const { bucket, key } = target;
    await this.#buckets.get(bucket);
    const { catalog, journal } = this.#parts;
    const step = (change: CatalogChange) => {
      // A stale file is there to be deleted too: what it holds need not be known.
      if (this.#truth.locateIn(change, bucket, key) === undefined) return undefined;
      change.deleteObject(bucket, key);
      return journal.plan(change, { bucket, key, action: "remove" });
    };
    const entry = condition === undefined
      ? await catalog.transact(step)
      : await this.#knowing(target, (change, current) => {
        checkCondition(current && objectInfo(current), condition);
        return step(change);
      });
    if (entry !== undefined) journal.finish(entry);
  }

  async update(target: seam.Target, patch: seam.ObjectPatch): Promise<ObjectRow> {
    const { bucket, key } = target;
    await this.find(target);
    return await this.#knowing(target, (change, current) => {
      if (current === undefined) throw new S3Error("NoSuchKey");
      const { meta } = objectInfo(current);
      const changed = encodeMeta({
        ...meta,
        tags: patch.tags ?? meta.tags,
        acl: patch.acl ?? meta.acl,
      });
      change.setObjectMeta(bucket, key, changed);
      return { ...current, meta: changed };
    });
  }

  /** Without moving bytes where that is possible, else in the kernel, else through the program with new hashes. */
  async copy(request: seam.CopyRequest): Promise<ObjectRow> {
    const { from, to, condition } = request;
    using source = await this.open(from);
    const plan = request.plan(source.info);
    await this.prepareWrite({ ...to, ...(condition && { condition }) });
    const meta = keptMeta(source.info, plan);
    const isSelf = from.bucket === to.bucket && from.key === to.key;
    const row = meta === undefined
      ? undefined
      : isSelf
      ? await this.#redescribe(source.info, meta, condition)
      : await this.#copyInKernel(source.info, to, meta, condition);
    return row ?? await this.#copyThrough(source, request, plan);
  }

  /** A new version with the bytes that are there; undefined when those are no longer the source's. */
  async #redescribe(
    source: seam.ObjectInfo,
    meta: seam.ObjectMeta,
    condition: seam.WriteCondition | undefined,
  ): Promise<ObjectRow | undefined> {
    const { bucket, key } = source;
    return await this.#knowing(source, (change, current) => {
      checkCondition(current && objectInfo(current), condition);
      if (current === undefined || !isVersion(current, source)) return undefined;
      const row = { ...current, meta: encodeMeta(meta), modified: this.#parts.clock.now() };
      change.putObject(row, change.findObjectParts(bucket, key) ?? null);
      return row;
    });
  }

  /** undefined when the source is small, or was replaced while it was copied. */
  async #copyInKernel(
    source: seam.ObjectInfo,
    to: seam.Target,
    meta: seam.ObjectMeta,
    condition: seam.WriteCondition | undefined,
  ): Promise<ObjectRow | undefined> {
    const { files, room, tree, isStrict } = this.#parts;
    const path = this.#pathOf(source);
    if (source.size <= LIMITS.inlineBodyBytesMax || path === undefined) return undefined;
    room.require(source.size);
    const mtime = tree.quietMtime();
    const copied = { action: "move", temp: tree.newTempName() } as const;
    const temp = tree.tempPath(copied.temp);
    try {
      await files.copy(path, temp);
      files.setMtime(temp, mtime);
      if (isStrict) await Promise.all([files.sync(temp), files.sync(tree.tempDir)]);
    } catch (error) {
      await this.#discard(copied);
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    if (this.#pathOf(source) !== path || files.stat(temp)?.size !== source.size) {
      await this.#discard(copied);
      return undefined;
    }
    const row = this.#row(to, { md5: source.etag, size: source.size }, mtime, meta);
    return await this.commit({ row, parts: null, source: copied }, condition);
  }

  async #copyThrough(
    source: seam.OpenObject,
    { to, condition }: seam.CopyRequest,
    plan: seam.CopyPlan,
  ): Promise<ObjectRow> {
    const mtime = this.#parts.tree.quietMtime();
    const digest = copyDigest(source.info, plan);
    const received = await this.#receive(digested(source.body(), digest.digest), mtime);
    const meta = { ...plan.meta, checksum: digest.checksum() };
    const row = this.#row(to, received.digest, mtime, meta);
    return await this.commit({ row, parts: null, source: sourceOf(received) }, condition);
  }

  /** Where the bytes of just this version are; undefined when they are in memory or it isn't current any more. */
  #pathOf(version: seam.ObjectInfo): string | undefined {
    const located = this.#truth.locate(version.bucket, version.key);
    return located.kind === "file" && isVersion(located.hot.row, version)
      ? located.path
      : undefined;
  }

  /** A transaction that knows what the object is now, with files that were changed by hand taken into account. */
  async #knowing<T>(
    { bucket, key }: seam.Target,
    step: (change: CatalogChange, current: ObjectRow | undefined) => T,
  ): Promise<T> {
    for (;;) {
      const outcome = await this.#parts.catalog.transact((change) => {
        const current = this.#truth.locateIn(change, bucket, key);
        return current === "stale" ? undefined : { value: step(change, current) };
      });
      if (outcome !== undefined) return outcome.value;
      await this.#truth.find(bucket, key);
    }
  }

  #row(
    { bucket, key }: seam.Target,
    { md5, size }: seam.BodyDigest,
    mtime: number,
    meta: seam.ObjectMeta,
  ): Omit<ObjectRow, "modified"> {
    return { bucket, key, etag: md5, size, mtime, part_count: null, meta: encodeMeta(meta) };
  }

  #receive(body: seam.Body, mtime: number): Promise<Received> {
    const { tree, files, room, md5s, isStrict } = this.#parts;
    return receiveBody(body, {
      tree,
      files,
      room,
      md5s,
      mtime,
      isSynced: isStrict,
      bytesMax: LIMITS.inlineBodyBytesMax,
    });
  }

  async #sealed<T>(source: Source, seal: () => T): Promise<T> {
    try {
      return seal();
    } catch (error) {
      await this.#discard(source);
      throw error;
    }
  }

  async #discard(source: Source): Promise<void> {
    const { tree } = this.#parts;
    if (source.action === "move") await tree.discard([source.temp]);
  }

  async #absence(bucket: string): Promise<S3Error> {
    return new S3Error(
      await this.#buckets.find(bucket) === undefined ? "NoSuchBucket" : "NoSuchKey",
    );
  }
}

function sourceOf(received: Received): Source {
  return received.kind === "bytes"
    ? { action: "write", body: received.bytes }
    : { action: "move", temp: received.temp };
}

function isVersion(row: ObjectRow, info: seam.ObjectInfo): boolean {
  return row.etag === info.etag && row.modified === info.modifiedMs && row.size === info.size;
}
