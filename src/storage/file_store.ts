/**
 * The store of the standalone server: objects as plain files, their metadata in a catalog beside them. This file puts the
 * parts together, opens and closes them; src/README.md has the way of a PUT and of a GET.
 */

import { type Clock, type Random, systemClock, systemRandom } from "../clock.ts";
import { S3Error } from "../errors.ts";
import { Md5Pool } from "../hashing/md5_pool.ts";
import { LIMITS } from "../limits.ts";
import { Catalog, type CatalogOptions, type Durability, explainFailure } from "./catalog.ts";
import { catalogPath, DataDirLock, requireStandalone } from "./data_dir.ts";
import { FileBuckets } from "./file_buckets.ts";
import { FileListing } from "./file_listing.ts";
import { FileObjects } from "./file_objects.ts";
import type { StoreParts } from "./file_parts.ts";
import { FileTree } from "./file_tree.ts";
import { FileUploads } from "./file_uploads.ts";
import { diskFiles, type Files } from "./files.ts";
import type { CommitMetrics } from "./group_commit.ts";
import { Journal } from "./journal.ts";
import { objectInfo } from "./object_row.ts";
import type * as seam from "./object_store.ts";
import { ObjectTruth } from "./object_truth.ts";
import { Room } from "./room.ts";
import { StoreSurvey, type Survey } from "./store_survey.ts";
import type { CheckPoint, CheckSummary, CheckWatch } from "./check.ts";
import { StoreCheck } from "./store_check.ts";
import { createStoreRepair } from "./store_repair.ts";

export interface FileStoreOptions {
  /** Absolute path of an existing folder. */
  readonly dataDir: string;
  readonly durability: Durability;
  /** Unfinished uploads older than this are removed. */
  readonly uploadAgeMsMax?: number;
  /** Told of what goes wrong in the background and will be tried again. */
  readonly onFault?: (what: string, error: unknown) => void;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly files?: Files;
  readonly openDatabase?: CatalogOptions["openDatabase"];
}

export class FileStore implements seam.ObjectStore {
  readonly conditionalWrites = "applied";
  readonly #parts: StoreParts;
  readonly #lock: DataDirLock;
  readonly #truth: ObjectTruth;
  readonly #buckets: FileBuckets;
  readonly #objects: FileObjects;
  readonly #uploads: FileUploads;
  readonly #listing: FileListing;
  readonly #survey: StoreSurvey;
  readonly #uploadAgeMsMax: number;
  #sweepTimer: ReturnType<typeof setInterval> | undefined;
  #sweeping: Promise<void> = Promise.resolve();

  private constructor(parts: StoreParts, lock: DataDirLock, uploadAgeMsMax: number) {
    this.#parts = parts;
    this.#lock = lock;
    this.#truth = new ObjectTruth(parts);
    this.#buckets = new FileBuckets(parts);
    this.#objects = new FileObjects(parts, this.#truth, this.#buckets);
    this.#uploads = new FileUploads(parts);
    this.#listing = new FileListing(parts, this.#truth);
    this.#survey = new StoreSurvey(parts);
    this.#uploadAgeMsMax = uploadAgeMsMax;
  }

  /**
   * Finishes what a crash left undone. Throws when another process has the data dir open, it is a cluster
   * node's, or the catalog is damaged.
   */
  static async open(options: FileStoreOptions): Promise<FileStore> {
    const { dataDir, files = diskFiles } = options;
    files.makeDirectory(`${dataDir}/.index`);
    const lock = DataDirLock.take(dataDir);
    try {
      requireStandalone(dataDir, files);
      const parts = await openParts({ ...options, files });
      const store = new FileStore(parts, lock, options.uploadAgeMsMax ?? LIMITS.uploadAgeMsMax);
      await store.#startSweeping();
      return store;
    } catch (error) {
      lock[Symbol.dispose]();
      throw explainFailure(error, catalogPath(dataDir));
    }
  }

  /** Finishes what is under way, leaves nothing waiting, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweepTimer);
    await this.#survey.idle();
    try {
      await this.#sweeping;
      await this.#parts.journal.close();
    } finally {
      this.#parts.md5s[Symbol.dispose]();
      await this.#parts.catalog.close();
      this.#lock[Symbol.dispose]();
    }
  }

  async listBuckets(): Promise<readonly seam.BucketInfo[]> {
    return await this.#buckets.list();
  }

  async findBucket(bucket: string): Promise<seam.BucketInfo | undefined> {
    return await this.#buckets.find(bucket);
  }

  async createBucket(bucket: string, init: Pick<seam.BucketInfo, "owner" | "acl">): Promise<void> {
    await this.#buckets.create(bucket, init);
  }

  async updateBucket(bucket: string, patch: seam.BucketPatch): Promise<void> {
    await this.#buckets.update(bucket, patch);
  }

  async deleteBucket(bucket: string): Promise<void> {
    const { catalog, journal, tree } = this.#parts;
    const page = await this.list(bucket, {
      prefix: "",
      delimiter: "",
      after: { kind: "start" },
      limit: 1,
    });
    if (page.entries.length > 0) throw new S3Error("BucketNotEmpty");
    await journal.flush();
    const { entry, temps } = await catalog.transact((change) => {
      const file = tree.findAnyFile(bucket);
      if (file !== undefined) {
        throw new S3Error("BucketNotEmpty", {
          message: `The bucket's folder still holds the file ${file}.`,
        });
      }
      const entry = this.#buckets.planDeletion(change, bucket);
      return { entry, temps: this.#uploads.planDeletion(change, bucket) };
    });
    journal.finish(entry);
    await tree.discard(temps);
  }

  async head(target: seam.Target): Promise<seam.ObjectInfo> {
    return (await this.#objects.find(target)).info;
  }

  async open(target: seam.Target): Promise<seam.OpenObject> {
    return await this.#objects.open(target);
  }

  async findParts(target: seam.Target): Promise<readonly seam.ObjectPart[] | undefined> {
    return await this.#objects.findParts(target);
  }

  async put(request: seam.PutRequest): Promise<seam.ObjectInfo> {
    return objectInfo(await this.#objects.put(request));
  }

  async delete(target: seam.Target, condition?: seam.WriteCondition): Promise<void> {
    await this.#objects.delete(target, condition);
  }

  async copy(request: seam.CopyRequest): Promise<seam.ObjectInfo> {
    return objectInfo(await this.#objects.copy(request));
  }

  async update(target: seam.Target, patch: seam.ObjectPatch): Promise<seam.ObjectInfo> {
    return objectInfo(await this.#objects.update(target, patch));
  }

  async list(bucket: string, query: seam.ListQuery): Promise<seam.ListPage> {
    await this.#buckets.get(bucket);
    return await this.#listing.list(bucket, query);
  }

  async createUpload(init: seam.UploadInit): Promise<seam.UploadInfo> {
    await this.#buckets.get(init.bucket);
    return await this.#uploads.create(init);
  }

  async findUpload(target: seam.UploadTarget): Promise<seam.UploadInfo> {
    await this.#buckets.get(target.bucket);
    return this.#uploads.find(target);
  }

  async putPart(request: seam.PutPartRequest): Promise<seam.PartInfo> {
    await this.#buckets.get(request.bucket);
    return await this.#uploads.putPart(request);
  }

  async listParts(
    target: seam.UploadTarget,
    after: number,
    limit: number,
  ): Promise<{ parts: readonly seam.PartInfo[]; isTruncated: boolean }> {
    await this.#buckets.get(target.bucket);
    return this.#uploads.listParts(target, after, limit);
  }

  async completeUpload(request: seam.CompleteRequest): Promise<seam.ObjectInfo> {
    const { bucket, key, condition } = request;
    await this.#objects.prepareWrite({ bucket, key });
    return await this.#uploads.complete(
      request,
      (version, also) => this.#objects.commit(version, condition, also),
    );
  }

  async abortUpload(target: seam.UploadTarget): Promise<void> {
    await this.#buckets.get(target.bucket);
    await this.#uploads.abort(target);
  }

  async listUploads(bucket: string, query: seam.UploadQuery): Promise<seam.UploadPage> {
    await this.#buckets.get(bucket);
    return this.#uploads.list(bucket, query);
  }

  /** How its commits went, what waits, and how much it holds. */
  get commits(): CommitMetrics {
    return this.#parts.catalog.commits;
  }

  get journalLoad(): { readonly entries: number; readonly bytes: number } {
    return this.#parts.journal.load;
  }

  async survey(): Promise<Survey> {
    return await this.#survey.latest();
  }

  /** As StoreCheck, and puts right what it finds: nobody else may use the store meanwhile. */
  async checkAndRepair(
    watch: CheckWatch,
    options: { readonly acceptsDamaged: boolean },
    from?: CheckPoint,
  ): Promise<CheckSummary> {
    const { catalog, tree, files, journal } = this.#parts;
    await journal.flush();
    const repair = createStoreRepair({
      parts: this.#parts,
      truth: this.#truth,
      store: this,
      ...options,
    });
    const atOnce = <T>(read: () => T) => read();
    const checked = { read: catalog.read, atOnce, tree, files, repair };
    return await new StoreCheck(checked, watch).run(from);
  }

  /** Removes uploads that nobody finished: now, and from time to time. */
  async #startSweeping(): Promise<void> {
    const { clock, onFault } = this.#parts;
    const sweep = async () => {
      try {
        await this.#uploads.expire(clock.now() - this.#uploadAgeMsMax);
      } catch (error) {
        onFault("removing old uploads", error);
      }
    };
    await sweep();
    this.#sweepTimer = setInterval(() => this.#sweeping = sweep(), LIMITS.uploadSweepIntervalMs);
  }
}

async function openParts(
  options: FileStoreOptions & { readonly files: Files },
): Promise<StoreParts> {
  const { dataDir, durability, files, clock = systemClock, random = systemRandom } = options;
  const { onFault = () => {}, openDatabase } = options;
  const tree = new FileTree({ dataDir, files, clock, random });
  files.makeDirectory(tree.tempDir);
  const isStrict = durability === "strict";
  const path = catalogPath(dataDir);
  const room = new Room(files, dataDir);
  const { logBytesMax } = room;
  const catalog = Catalog.open({
    path,
    durability,
    files,
    logBytesMax,
    ...(openDatabase && { openDatabase }),
  });
  try {
    if (isStrict) { for (const folder of [`${dataDir}/.index`, dataDir]) await files.sync(folder); }
    const journal = new Journal({ catalog, tree, files, durability, onFault });
    await journal.replay();
    const md5s = new Md5Pool();
    const parts = { catalog, journal, tree, files, room, md5s, clock, random, isStrict, onFault };
    await removeStrayTemps(parts);
    return parts;
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** Bodies that were being received when the last process ended belong to nobody. */
async function removeStrayTemps({ catalog, journal, tree, files }: StoreParts): Promise<void> {
  const wanted = new Set([...catalog.read.listPartTemps(), ...journal.temps()]);
  const strays: string[] = [];
  for await (const { name, kind } of files.readDirectory(tree.tempDir)) {
    if (kind === "file" && !wanted.has(name)) strays.push(name);
  }
  await tree.discard(strays);
}
