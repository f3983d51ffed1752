/**
 * `zs3 check` over files: every object's bytes against its recorded hash, and the catalog against the folders. It only reads,
 * so it may run beside a server that writes: what looks wrong is looked at again, and only what stays wrong is told. Repairs
 * are for whoever holds the data dir alone.
 */

import { LIMITS } from "../limits.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import type { CatalogSession } from "./catalog_session.ts";
import type { CheckPoint, CheckSummary, CheckWatch, ProblemKind } from "./check.ts";
import { EtagHash } from "./etag_hash.ts";
import type { Files } from "./files.ts";
import { type FileTree, join } from "./file_tree.ts";
import { pathToKey } from "./key_path.ts";
import { isSameLook, lookAt, type ObjectLook } from "./object_look.ts";
import { decodeParts, describesFile } from "./object_row.ts";
import { unreadEtag } from "./object_truth.ts";
import { nextTurn } from "./turns.ts";

export interface CheckedStore {
  readonly read: CatalogSession;
  /** What `read` reads meanwhile is of one moment. */
  atOnce<T>(read: () => T): T;
  readonly tree: FileTree;
  readonly files: Files;
  readonly repair: StoreRepair | undefined;
}

/** What can be put right, by whom nobody else disturbs. */
export interface StoreRepair {
  /** Makes the row agree with the key's file, as the server does when somebody asks for it. */
  refresh(bucket: string, key: string): Promise<void>;
  /** Gives the file the time that the row says. */
  retime(row: ObjectRow, path: string): void;
  /** Takes the bytes for the object's from now on. False when the operator didn't say so. */
  accept(row: ObjectRow, path: string): Promise<boolean>;
  /** Forgets a bucket whose folder is gone. */
  forgetBucket(name: string): Promise<void>;
  /** Records the files of the bucket that have no row. */
  adopt(bucket: string): Promise<void>;
}

interface Look extends ObjectLook {
  readonly row: ObjectRow;
}

interface Fault {
  readonly kind: ProblemKind;
  readonly what: string;
  readonly path?: string | undefined;
  readonly etag?: string | undefined;
}

type Counts = { buckets: number; objects: number; bytes: number; unrecorded: number };

/** Second piece of a place, after the bucket; the last key looked at follows. */
type Stage = "rows" | "files" | "done";

const LOOKS_MAX = 20;
const LOOK_PAUSE_MS = 50;

export class StoreCheck {
  readonly #store: CheckedStore;
  readonly #watch: CheckWatch;
  readonly #counts: Counts = { buckets: 0, objects: 0, bytes: 0, unrecorded: 0 };
  #bytesTotal = 0;

  constructor(store: CheckedStore, watch: CheckWatch) {
    this.#store = store;
    this.#watch = watch;
  }

  /** Goes on from a point that `watch.passed` was told, or begins. */
  async run(from?: CheckPoint): Promise<CheckSummary> {
    const [fromBucket = "", stage = "rows", fromKey = ""] = from?.place ?? [];
    Object.assign(this.#counts, from?.counts);
    const buckets = await this.#listBuckets();
    this.#bytesTotal = buckets.reduce((sum, name) => sum + this.#store.read.sumSizes(name), 0);
    for (const bucket of buckets) {
      if (bucket < fromBucket || (bucket === fromBucket && stage === "done")) continue;
      const isBegun = bucket === fromBucket;
      if (await this.#isThere(bucket)) {
        if (!isBegun || stage === "rows") await this.#checkRows(bucket, isBegun ? fromKey : "");
        await this.#countUnrecorded(bucket);
        this.#counts.buckets++;
      }
      this.#passed(bucket, "done");
    }
    return { kind: "files", ...this.#counts };
  }

  async #listBuckets(): Promise<string[]> {
    const folders = await this.#store.tree.listBuckets();
    const rows = this.#store.read.listBuckets().map((row) => row.name);
    return [...new Set([...folders, ...rows])].sort();
  }

  async #checkRows(bucket: string, after: string): Promise<void> {
    for (const keys of this.#store.read.scanKeys(bucket, after, LIMITS.rescanBatch)) {
      for (const key of keys) {
        const size = await this.#verify(bucket, key);
        if (size !== undefined) {
          this.#counts.objects++;
          this.#counts.bytes += size;
        }
        this.#passed(bucket, "rows", key);
      }
    }
    this.#passed(bucket, "files");
  }

  /** Whether the bucket has a folder, or will. */
  async #isThere(bucket: string): Promise<boolean> {
    for (let isAgain = false;; isAgain = true) {
      const { row, entry } = this.#store.atOnce(() => ({
        row: this.#store.read.findBucket(bucket),
        entry: this.#store.read.findJournal(bucket, ""),
      }));
      if (entry !== undefined) return entry.action === "makeBucket";
      if (this.#store.tree.findBucket(bucket) !== undefined) return true;
      if (row === undefined) return false;
      if (isAgain) break;
      await pause();
    }
    await this.#store.repair?.forgetBucket(bucket);
    this.#tell(bucket, { kind: "missing", what: "its folder is gone" }, true);
    return false;
  }

  /** Tells what is wrong, once that is certain. The object's size; undefined when there is no such object any more. */
  async #verify(bucket: string, key: string): Promise<number | undefined> {
    let last: { readonly look: Look; readonly fault: Fault } | undefined;
    for (let round = 0;; round++) {
      const look = this.#look(bucket, key);
      if (look === undefined) return undefined;
      this.#watch.progress(this.#counts.bytes, this.#bytesTotal, `${bucket}/${key}`);
      const fault = await this.#findFault(look);
      if (fault === undefined) return look.row.size;
      const isSame = last !== undefined && isSameLook(last.look, look) &&
        last.fault.kind === fault.kind && last.fault.etag === fault.etag;
      if (isSame || round >= LOOKS_MAX) {
        // What never is the same twice is being written all the time, which is no damage.
        if (isSame) await this.#settle(look.row, fault);
        return look.row.size;
      }
      last = { look, fault };
      await pause();
    }
  }

  #look(bucket: string, key: string): Look | undefined {
    const { row, ...look } = this.#store.atOnce(() => lookAt(this.#store.read, bucket, key));
    return row && { row, ...look };
  }

  /** undefined: nothing that can be seen is wrong. */
  async #findFault(look: Look): Promise<Fault | undefined> {
    try {
      return look.entry?.action === "write" ? this.#checkBody(look) : await this.#checkFile(look);
    } catch (error) {
      if (!isReadError(error)) throw error;
      return { kind: "unreadable", what: `its file can't be read: ${error.message}` };
    }
  }

  /** Of an object whose bytes are in the catalog still. */
  #checkBody({ row, entry }: Look): Fault | undefined {
    const body = this.#store.read.findJournalBody(entry?.seq ?? 0);
    if (body === undefined) return { kind: "missing", what: "its bytes aren't in the catalog" };
    const hash = new EtagHash(undefined);
    hash.update(body);
    const etag = hash.digest();
    return etag === row.etag ? undefined : damage(row, etag, "bytes in the catalog");
  }

  async #checkFile(look: Look): Promise<Fault | undefined> {
    const { row, entry } = look;
    const { tree, files } = this.#store;
    const temp = typeof entry?.temp === "string" ? tree.tempPath(entry.temp) : undefined;
    const waiting = temp === undefined ? undefined : files.stat(temp);
    const found = temp !== undefined && waiting !== undefined
      ? { path: temp, stat: waiting }
      : tree.findFile(row.bucket, row.key);
    if (found === undefined) return { kind: "missing", what: "its file is gone" };
    const { path, stat } = found;
    const isDescribed = describesFile(row, stat);
    if (row.etag === null) return undefined; // found in a folder, and read by nobody yet
    const { size, mtime: mtimeMs } = row;
    if (row.etag === unreadEtag(row.bucket, row.key, { kind: "file", size, mtimeMs })) {
      return isDescribed ? undefined : changed();
    }
    if (stat.size !== size) return changed(path);
    const etag = await this.#hash(look, path);
    if (etag === row.etag) {
      return isDescribed ? undefined : {
        kind: "touched",
        what: "its file has another time than recorded, and the bytes that are",
        path,
      };
    }
    return isDescribed ? { ...damage(row, etag, "bytes"), path } : changed(path);
  }

  /** What the ETag of the bytes is; undefined when they end too early. */
  async #hash({ row, parts }: Look, path: string): Promise<string | undefined> {
    using file = this.#store.files.open(path);
    if (file === undefined) return undefined;
    const sizes = parts === undefined ? undefined : decodeParts(parts).map(({ size }) => size);
    const hash = new EtagHash(sizes);
    const buffer = new Uint8Array(Math.min(row.size, LIMITS.readBytesAtOnce));
    for (let done = 0; done < row.size;) {
      const piece = buffer.subarray(0, Math.min(row.size - done, buffer.length));
      const count = await file.read(piece);
      if (count === 0) return undefined;
      hash.update(buffer.subarray(0, count));
      done += count;
      this.#watch.progress(
        this.#counts.bytes + done,
        this.#bytesTotal,
        `${row.bucket}/${row.key}`,
      );
      await this.#watch.pace(count);
    }
    return hash.digest();
  }

  /** Repairs what can be, and tells. Rotten bytes are never made right by writing down another hash, unless somebody says so. */
  async #settle(row: ObjectRow, fault: Fault): Promise<void> {
    const { repair } = this.#store;
    const { bucket, key } = row;
    let isRepaired = false;
    switch (fault.kind) {
      case "missing":
      case "changed":
        await repair?.refresh(bucket, key);
        isRepaired = true;
        break;
      case "touched":
        if (fault.path !== undefined) repair?.retime(row, fault.path);
        isRepaired = true;
        break;
      case "damaged":
        if (fault.path !== undefined) {
          isRepaired = await repair?.accept(row, fault.path) ?? false;
        }
    }
    this.#tell(`${bucket}/${key}`, fault, isRepaired);
  }

  #tell(subject: string, { kind, what }: Fault, isRepaired: boolean): void {
    const isDone = isRepaired && this.#store.repair !== undefined;
    this.#watch.problem({ kind, subject, what, isRepaired: isDone });
  }

  /** Files that are objects as soon as somebody lists their folder. */
  async #countUnrecorded(bucket: string): Promise<void> {
    let found = 0;
    for await (const key of this.#fileKeys(bucket, "")) {
      if (!this.#isRecorded(bucket, key) && this.#store.tree.findFile(bucket, key)) found++;
    }
    this.#counts.unrecorded += found;
    if (found > 0) await this.#store.repair?.adopt(bucket);
  }

  #isRecorded(bucket: string, key: string): boolean {
    const { read } = this.#store;
    return this.#store.atOnce(() =>
      read.findObject(bucket, key) !== undefined || read.findJournal(bucket, key) !== undefined
    );
  }

  /** Keys of the files in a folder and below; folders behind links aren't the bucket's. */
  async *#fileKeys(bucket: string, path: string): AsyncGenerator<string> {
    const folder = join(this.#store.tree.bucketPath(bucket), path);
    for await (const entry of this.#store.files.readDirectory(folder)) {
      const name = join(path, entry.name);
      if (entry.kind === "directory") yield* this.#fileKeys(bucket, name);
      else {
        const placed = pathToKey(name);
        if (placed !== undefined) yield placed.key;
      }
    }
  }

  #passed(bucket: string, stage: Stage, key = ""): void {
    this.#watch.passed({ place: [bucket, stage, key], counts: { ...this.#counts } });
  }
}

/** `what`: of the object. */
function damage(row: ObjectRow, etag: string | undefined, what: string): Fault {
  const found = etag === undefined ? "end too early" : `have the hash ${etag}`;
  return {
    kind: "damaged",
    what: `its ${what} are damaged: they ${found}, recorded is ${row.etag}; restore a copy`,
    etag,
  };
}

function changed(path?: string): Fault {
  return {
    kind: "changed",
    what: "its file is another one than recorded: changed by hand, or by a crash",
    path,
  };
}

/** What the system says of a file, not what this program got wrong or `watch` threw. */
function isReadError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code !== "ERR_SQLITE_ERROR";
}

async function pause(): Promise<void> {
  await nextTurn();
  await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
}
