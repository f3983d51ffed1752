/**
 * A backup of plain files and their catalog, made beside a server that writes: a data dir in which every object is one whole
 * version with its metadata, and nothing is left to be done.
 *
 * It begins with the catalog of one moment, and brings each object to rest in it: the row and the journal's entry as they are
 * now, the bytes that belong to them, and a second look at the row once the file is held. If that is still the same, the file was
 * the row's: a change is committed before its file shows. What was replaced meanwhile is taken in its newer version.
 */

import { LIMITS } from "../limits.ts";
import type { BackupFiles, BackupSummary, BackupWatch } from "./backup.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import { CatalogSession } from "./catalog_session.ts";
import type { CatalogView } from "./catalog_view.ts";
import type { Database } from "./database.ts";
import type { Files } from "./files.ts";
import { type FileTree, join, type TreeChange } from "./file_tree.ts";
import { directoryToPrefix, pathToKey } from "./key_path.ts";
import { objectId } from "./names.ts";
import { isSameLook, lookAt, type ObjectLook } from "./object_look.ts";
import { describesFile } from "./object_row.ts";
import { Statements } from "./statements.ts";
import { eachLimited } from "./turns.ts";

export interface StoreBackupOptions {
  readonly source: { readonly view: CatalogView; readonly tree: FileTree };
  readonly target: {
    /** A copy of the source's catalog that nobody else uses. */
    readonly database: Database;
    /** Of folders that are empty but for `.index` and `.tmp`. */
    readonly tree: FileTree;
  };
  /** An earlier backup on the file system of this one. */
  readonly previous?: { readonly view: CatalogView; readonly tree: FileTree } | undefined;
  readonly files: Files;
  readonly placing: BackupFiles;
  readonly watch: BackupWatch;
}

interface Look extends ObjectLook {
  /** Of an entry that has it. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
}

/** What an object turned out to be, with the temp file of the backup that has its bytes. */
type Outcome = "again" | "absent" | {
  /** undefined: a file that was put there or changed by hand; what is recorded of it follows when somebody asks for it. */
  readonly row: ObjectRow | undefined;
  readonly parts: string | undefined;
  readonly temp: string;
  readonly size: number;
};

const LOOK_PAUSE_MS = 20;

export class StoreBackup {
  readonly #options: StoreBackupOptions;
  readonly #write: CatalogSession;
  readonly #folders = new Set<string>();
  /** Objects that were never at rest. */
  readonly #leftOut = new Set<string>();
  #objects = 0;
  #bytes = 0;
  #bytesTotal = 0;

  constructor(options: StoreBackupOptions) {
    this.#options = options;
    this.#write = new CatalogSession(new Statements(options.target.database));
  }

  async run(): Promise<BackupSummary> {
    const { target: { database }, placing } = this.#options;
    database.exec("BEGIN");
    database.exec("DELETE FROM journal; DELETE FROM directories");
    const buckets = await this.#takeBuckets();
    this.#bytesTotal = buckets.reduce((sum, name) => sum + this.#write.sumSizes(name), 0);
    for (const bucket of buckets) {
      await this.#takeRecorded(bucket);
      await this.#takeUnrecorded(bucket);
    }
    await this.#takeUploads();
    database.exec("COMMIT");
    await this.#syncFolders();
    const { linked, copied } = placing;
    const counts = { buckets: buckets.length, objects: this.#objects, bytes: this.#bytes };
    return { kind: "files", ...counts, linked, copied };
  }

  /** Those with a row and those with a folder; a row whose folder was removed by hand goes. */
  async #takeBuckets(): Promise<string[]> {
    const { source, target } = this.#options;
    const folders = new Set(await source.tree.listBuckets());
    const buckets: string[] = [];
    const rows = this.#write.listBuckets().map((row) => row.name);
    for (const name of [...new Set([...rows, ...folders])].sort()) {
      if (folders.has(name) || source.tree.findBucket(name) || this.#isBeingMade(name)) {
        this.#note(target.tree.makeBucket(name));
        buckets.push(name);
      } else {
        this.#write.deleteBucket(name);
        while (this.#write.deleteBucketContents(name, LIMITS.rescanBatch)) { /* the rest */ }
      }
    }
    return buckets;
  }

  #isBeingMade(name: string): boolean {
    return this.#options.source.view.read.findJournal(name, "")?.action === "makeBucket";
  }

  async #takeRecorded(bucket: string): Promise<void> {
    for (const keys of this.#write.scanKeys(bucket, "", LIMITS.rescanBatch)) {
      await eachLimited(keys, LIMITS.backupsAtOnce, (key) => this.#take(bucket, key));
    }
  }

  /** Files without a row: put there by hand, or written since. */
  async #takeUnrecorded(bucket: string): Promise<void> {
    for await (const keys of this.#fileKeys(bucket, "")) {
      const unknown = keys.filter((key) => !this.#isTaken(bucket, key));
      await eachLimited(unknown, LIMITS.backupsAtOnce, (key) => this.#take(bucket, key));
    }
  }

  #isTaken(bucket: string, key: string): boolean {
    return this.#leftOut.has(objectId(bucket, key)) ||
      this.#write.findObject(bucket, key) !== undefined ||
      this.#options.target.tree.findFile(bucket, key) !== undefined;
  }

  /** Of the files of one folder after the other, none below a link. */
  async *#fileKeys(bucket: string, path: string): AsyncGenerator<string[]> {
    const { files, source } = this.#options;
    const keys: string[] = [];
    const folders: string[] = [];
    const folder = join(source.tree.bucketPath(bucket), path);
    for await (const { name, kind } of files.readDirectory(folder)) {
      const below = join(path, name);
      if (kind === "directory") folders.push(below);
      else {
        const key = pathToKey(below)?.key;
        if (key !== undefined) keys.push(key);
      }
    }
    yield keys;
    for (const below of folders) yield* this.#fileKeys(bucket, below);
  }

  async #take(bucket: string, key: string): Promise<void> {
    const { watch, target } = this.#options;
    watch.progress(this.#bytes, this.#bytesTotal, `${bucket}/${key}`);
    await watch.pace(0);
    for (let round = 0; round < LIMITS.backupRoundsMax; round++) {
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_PAUSE_MS));
      const outcome = await this.#find(bucket, key);
      if (outcome === "again") continue;
      if (outcome === "absent") return this.#write.deleteObject(bucket, key);
      const { row, parts, temp, size } = outcome;
      const change = target.tree.move(bucket, key, target.tree.tempPath(temp));
      this.#note(change);
      if (row === undefined) this.#leaveUnrecorded(bucket, key, change);
      else this.#write.putObject(row, parts ?? null);
      this.#objects++;
      this.#bytes += size;
      return;
    }
    this.#write.deleteObject(bucket, key);
    this.#leftOut.add(objectId(bucket, key));
    watch.problem(`${bucket}/${key}`, "it is being changed all the time, and isn't in the backup");
  }

  /** Has its folder looked at by the first listing. */
  #leaveUnrecorded(bucket: string, key: string, { file = "" }: TreeChange): void {
    this.#write.deleteObject(bucket, key);
    const path = file.slice(this.#options.target.tree.bucketPath(bucket).length + 1);
    const prefix = directoryToPrefix(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    if (prefix !== undefined) this.#write.setDirectoryMtime(bucket, prefix, null);
  }

  async #find(bucket: string, key: string): Promise<Outcome> {
    const { source, files, target, placing } = this.#options;
    const look = this.#look(bucket, key);
    const { row, parts, entry } = look;
    const temp = target.tree.newTempName();
    const to = target.tree.tempPath(temp);
    if (row !== undefined && look.body !== undefined) {
      await placing.write(look.body, to, row.mtime);
      return { row, parts, temp, size: row.size };
    }
    const isSame = () => isSameLook(look, this.#look(bucket, key));
    if (row !== undefined && typeof entry?.temp === "string") {
      const path = source.tree.tempPath(entry.temp);
      if (await placing.place(path, to, row.mtime, isSame)) {
        return { row, parts, temp, size: row.size };
      }
    }
    const found = entry?.action !== "remove" && source.tree.isReachable(bucket, key)
      ? source.tree.findFile(bucket, key)
      : undefined;
    if (found === undefined) {
      return isSame() && entry === undefined ? "absent" : absentOrAgain(look);
    }
    const { path, stat } = found;
    const isRow = row !== undefined && row.etag !== null && describesFile(row, stat);
    if (isRow && await this.#takePrevious(row, to)) return { row, parts, temp, size: row.size };
    // The file of an entry is on its way; one that was changed by hand is what it is.
    if (entry !== undefined && !isRow) return "again";
    const isStill = () => {
      const now = files.stat(path);
      return isSame() && now?.size === stat.size && now.mtimeMs === stat.mtimeMs;
    };
    if (!await placing.place(path, to, stat.mtimeMs, isStill)) return "again";
    if (isRow) return { row, parts, temp, size: row.size };
    if (isStill()) return { row: undefined, parts: undefined, temp, size: stat.size };
    files.remove(to);
    return "again";
  }

  /** A second name of the file in an earlier backup, when it is of the same version. */
  async #takePrevious(row: ObjectRow, to: string): Promise<boolean> {
    const { previous, placing } = this.#options;
    const known = previous?.view.read.findObject(row.bucket, row.key);
    if (previous === undefined || known?.etag !== row.etag) return false;
    const found = previous.tree.findFile(row.bucket, row.key);
    if (found === undefined || !describesFile(row, found.stat)) return false;
    return await placing.place(found.path, to, row.mtime, () => true);
  }

  #look(bucket: string, key: string): Look {
    const { view } = this.#options.source;
    return view.atOnce(() => {
      const look = lookAt(view.read, bucket, key);
      const { entry } = look;
      const body = entry?.action === "write" ? view.read.findJournalBody(entry.seq) : undefined;
      return { ...look, body };
    });
  }

  /** The parts of unfinished uploads: files that may be written to still are copied, never given a second name. */
  async #takeUploads(): Promise<void> {
    for (const { name } of this.#write.listBuckets()) {
      for (const { id } of this.#write.listUploadsOfBucket(name)) await this.#takeUpload(id);
    }
  }

  async #takeUpload(id: string): Promise<void> {
    const { source: { view, tree }, target, files, placing } = this.#options;
    for (let round = 0; round < LIMITS.backupRoundsMax; round++) {
      const upload = view.read.findUpload(id);
      const parts = view.read.listParts(id, 0, LIMITS.partNumberMax);
      this.#write.deleteUpload(id);
      // It was completed or aborted meanwhile: what it became was taken, or came too late.
      if (upload === undefined) return;
      const placed: string[] = [];
      for (const temp of new Set(parts.map((part) => part.temp))) {
        const mtimeMs = files.stat(tree.tempPath(temp))?.mtimeMs ?? 0;
        const isThere = await placing.placeCopy(
          tree.tempPath(temp),
          target.tree.tempPath(temp),
          mtimeMs,
        );
        if (!isThere) break;
        placed.push(temp);
      }
      if (placed.length === new Set(parts.map((part) => part.temp)).size) {
        this.#write.putUpload(upload);
        for (const part of parts) this.#write.putPart(part);
        return;
      }
      await target.tree.discard(placed);
    }
    this.#options.watch.problem(`upload ${id}`, "its parts change all the time");
  }

  #note(change: TreeChange): void {
    for (const folder of change.made) {
      this.#write.putDirectory(folder);
    }
    for (const path of change.touched) this.#folders.add(path);
    if (change.trash.length > 0) void this.#options.target.tree.discard(change.trash);
  }

  async #syncFolders(): Promise<void> {
    const { files } = this.#options;
    await eachLimited(
      [...this.#folders],
      LIMITS.settleSyncsAtOnce,
      (path) => files.sync(path),
    );
  }
}

/** There is no file. An object whose bytes are on their way to it isn't absent. */
function absentOrAgain({ row, entry }: Look): Outcome {
  return row === undefined && entry?.action === "remove" ? "absent" : "again";
}
