/**
 * The folders of the buckets as plain files: where a key's file lies, and how it gets there. Knows no catalog; what it
 * does is finished when it returns and durable when the folders it names have been synced.
 *
 * Changes of its own leave the modification times of folders as they were. So a folder whose time has moved was changed
 * by somebody else: that is how directory_check.ts notices files that were dropped in or removed by hand.
 */

import type { Clock, Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Files, FileStat } from "./files.ts";
import { directoryToPrefix, keyToAliasPath, keyToPath, pathToKey } from "./key_path.ts";
import { isOperatorBucketName } from "./names.ts";
import { eachLimited } from "./turns.ts";

/** A regular file that holds an object's bytes. */
export interface FoundFile {
  readonly path: string;
  readonly stat: FileStat;
  /** The same path, unless it is the key's alias or was reached through a link. */
  readonly plainPath: string | undefined;
}

/** A folder that was made, with the modification time that it was given. */
export interface MadeDirectory {
  readonly bucket: string;
  readonly prefix: string;
  readonly path: string;
  readonly mtime: number;
}

/** What a change did to the folders. */
export interface TreeChange {
  /** Absolute path of the file that was written or moved into place. */
  readonly file?: string;
  /** Absolute paths of the folders whose entries changed: to be synced. */
  readonly touched: readonly string[];
  readonly made: readonly MadeDirectory[];
  /** Names in the temp folder of files that were replaced or removed: to be discarded. */
  readonly trash: readonly string[];
}

interface Changes extends TreeChange {
  readonly touched: string[];
  readonly made: MadeDirectory[];
  readonly trash: string[];
}

export interface FileTreeOptions {
  readonly dataDir: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
}

export class FileTree {
  /** Where bodies are received: same file system, so that a rename lays them out. */
  readonly tempDir: string;
  readonly #dataDir: string;
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: FileTreeOptions) {
    this.#dataDir = options.dataDir;
    this.#files = options.files;
    this.#clock = options.clock;
    this.#random = options.random;
    this.tempDir = `${options.dataDir}/.tmp`;
  }

  bucketPath(bucket: string): string {
    return `${this.#dataDir}/${bucket}`;
  }

  tempPath(name: string): string {
    return `${this.tempDir}/${name}`;
  }

  /** A name in the temp folder that nobody else has. */
  newTempName(): string {
    return this.#random.bytes(16).toHex();
  }

  /** Removes files in the temp folder that nobody needs, off the thread. What can't be removed now is removed by the next start. */
  async discard(trash: readonly string[]): Promise<void> {
    await eachLimited(trash, LIMITS.discardsAtOnce, async (name) => {
      try {
        await this.#files.discard(this.tempPath(name));
      } catch {
        // It takes up room, and nothing else.
      }
    });
  }

  /**
   * A modification time for something written now that no later write by anybody can give it: in the past, and on a whole
   * second so that coarse file systems and copies keep it.
   */
  quietMtime(nowMs = this.#clock.now()): number {
    const CLOCK_TICK_MS = 20;
    return Math.floor((nowMs - CLOCK_TICK_MS) / 1000) * 1000;
  }

  /** Names of the folders that are buckets. */
  async listBuckets(): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of this.#files.readDirectory(this.#dataDir)) {
      if (entry.kind === "directory" && isOperatorBucketName(entry.name)) names.push(entry.name);
    }
    return names.sort();
  }

  findBucket(bucket: string): FileStat | undefined {
    const stat = this.#files.statExpected(this.bucketPath(bucket));
    return stat?.kind === "directory" ? stat : undefined;
  }

  /**
   * The key's file under its plain name, else under its alias. Files reached through a link must lie in the bucket's folder.
   * `knownPath` is the `plainPath` of last time, if it is known.
   */
  findFile(bucket: string, key: string, knownPath?: string): FoundFile | undefined {
    const plainPath = knownPath ?? this.#absolute(bucket, keyToPath(key));
    const plain = this.#regularFile(bucket, plainPath, knownPath !== undefined);
    if (plain !== undefined) {
      return { ...plain, plainPath: plain.path === plainPath ? plainPath : undefined };
    }
    const alias = this.#regularFile(bucket, this.#absolute(bucket, keyToAliasPath(key)));
    return alias && { ...alias, plainPath: undefined };
  }

  /** Whether the folder of the key's file, as far as it exists, is reached without a link: only such files are objects. */
  isReachable(bucket: string, key: string): boolean {
    for (const path of parentsOf(keyToPath(key))) {
      const kind = this.#files.stat(this.#absolute(bucket, path))?.kind;
      if (kind === undefined) return true;
      if (kind === "symlink") return false;
    }
    return true;
  }

  /** Absolute paths of the folders above the key's file, wherever it lies. */
  foldersOf(bucket: string, key: string): string[] {
    const parents = new Set([...parentsOf(keyToPath(key)), ...parentsOf(keyToAliasPath(key))]);
    return [
      this.bucketPath(bucket),
      ...Array.from(parents, (path) => this.#absolute(bucket, path)),
    ];
  }

  /** Writes `body` as the key's file. */
  write(bucket: string, key: string, body: Uint8Array, mtime: number): TreeChange {
    const temp = this.newTempName();
    try {
      using file = this.#files.create(this.tempPath(temp));
      file.writeSync(body);
      file.setMtime(mtime);
    } catch (error) {
      this.#removeSmall(temp);
      throw error;
    }
    return this.move(bucket, key, this.tempPath(temp));
  }

  #removeSmall(temp: string): void {
    try {
      this.#files.remove(this.tempPath(temp));
    } catch {
      // As in `discard`.
    }
  }

  /** Makes the file at the absolute path `temp`, which has its modification time already, the key's file. */
  move(bucket: string, key: string, temp: string): TreeChange {
    const change: Changes = { touched: [], made: [], trash: [] };
    const plain = keyToPath(key);
    const alias = keyToAliasPath(key);
    this.#makeParents(bucket, plain, change);
    const isTaken = this.#files.stat(this.#absolute(bucket, plain))?.kind === "directory";
    if (isTaken) this.#makeParents(bucket, alias, change);
    this.#rename(temp, this.#absolute(bucket, isTaken ? alias : plain), change);
    if (!isTaken) this.#removeFile(bucket, alias, change);
    return { ...change, file: this.#absolute(bucket, isTaken ? alias : plain) };
  }

  /** Removes the key's file, and the folders that this leaves empty. */
  remove(bucket: string, key: string): TreeChange {
    const change: Changes = { touched: [], made: [], trash: [] };
    this.#removeFile(bucket, keyToPath(key), change);
    this.#removeFile(bucket, keyToAliasPath(key), change);
    return change;
  }

  makeBucket(bucket: string): TreeChange {
    const path = this.bucketPath(bucket);
    const made: MadeDirectory[] = [];
    if (this.#files.makeDirectory(path)) made.push(this.#settleNew(bucket, ""));
    return { touched: [this.#dataDir], made, trash: [] };
  }

  /** Removes the bucket's folder with the empty folders in it. Leaves it, and what is in it, when there is a file. */
  removeBucket(bucket: string): TreeChange {
    this.#removeEmptyTree(this.bucketPath(bucket));
    return { touched: [this.#dataDir], made: [], trash: [] };
  }

  /** Relative path of something in the bucket's folder that isn't a folder, whether or not it is an object. */
  findAnyFile(bucket: string, path = ""): string | undefined {
    for (const entry of this.#files.readDirectorySync(join(this.bucketPath(bucket), path))) {
      const name = join(path, entry.name);
      if (entry.kind !== "directory") return name;
      const below = this.findAnyFile(bucket, name);
      if (below !== undefined) return below;
    }
    return undefined;
  }

  #absolute(bucket: string, path: string): string {
    return join(this.bucketPath(bucket), path);
  }

  #regularFile(
    bucket: string,
    path: string,
    isExpected = false,
  ): Pick<FoundFile, "path" | "stat"> | undefined {
    const stat = isExpected ? this.#files.statExpected(path) : this.#files.stat(path);
    if (stat?.kind === "file") return { path, stat };
    if (stat?.kind !== "symlink") return undefined;
    const root = this.#files.realPath(this.bucketPath(bucket));
    const target = this.#files.realPath(path);
    if (target === undefined || !target.startsWith(`${root}/`)) return undefined;
    const targetStat = this.#files.stat(target);
    return targetStat?.kind === "file" ? { path: target, stat: targetStat } : undefined;
  }

  /** Makes the folders that a file at the relative path needs. */
  #makeParents(bucket: string, path: string, change: Changes): void {
    const parents = parentsOf(path);
    if (this.#isDirectory(bucket, parents.at(-1) ?? "")) return;
    for (const path of ["", ...parents]) {
      if (this.#isDirectory(bucket, path)) continue;
      const absolute = this.#absolute(bucket, path);
      this.#moveAside(bucket, path, change);
      this.#quietly(absolute, () => this.#files.makeDirectory(absolute));
      change.made.push(this.#settleNew(bucket, path));
      change.touched.push(parentOf(absolute));
    }
  }

  #isDirectory(bucket: string, path: string): boolean {
    return this.#files.stat(this.#absolute(bucket, path))?.kind === "directory";
  }

  /** A file that has the name of a folder-to-be takes its alias. */
  #moveAside(bucket: string, path: string, change: Changes): void {
    const absolute = this.#absolute(bucket, path);
    if (this.#files.stat(absolute) === undefined) return;
    const placed = pathToKey(path);
    if (placed === undefined) {
      throw new Error(`a file stands where a folder is needed: ${absolute}`);
    }
    const alias = keyToAliasPath(placed.key);
    this.#makeParents(bucket, alias, change);
    this.#rename(absolute, this.#absolute(bucket, alias), change);
  }

  /**
   * A file that stands at `to` is moved away first: renaming over it makes ext4 write the new file out at once, which costs
   * ten times as much and holds up the thread. Who reads meanwhile finds the object in the journal.
   */
  #rename(from: string, to: string, change: Changes): void {
    this.#quietly(to, () => {
      if (this.#files.stat(to) !== undefined) this.#moveToTrash(to, change);
      this.#files.rename(from, to);
    });
    change.touched.push(parentOf(to));
  }

  #moveToTrash(path: string, change: Changes): void {
    const name = this.newTempName();
    this.#files.rename(path, this.tempPath(name));
    change.trash.push(name);
  }

  #settleNew(bucket: string, path: string): MadeDirectory {
    const mtime = this.quietMtime();
    this.#files.setMtime(join(this.bucketPath(bucket), path), mtime);
    const prefix = directoryToPrefix(path);
    if (prefix === undefined) throw new Error(`no key can lie in the folder ${path}`);
    return { bucket, prefix, path, mtime };
  }

  #removeFile(bucket: string, path: string, change: Changes): void {
    const absolute = this.#absolute(bucket, path);
    const kind = this.#files.stat(absolute)?.kind;
    if (kind !== "file" && kind !== "symlink") return;
    this.#quietly(absolute, () => this.#moveToTrash(absolute, change));
    change.touched.push(parentOf(absolute));
    for (const parent of parentsOf(path).reverse()) {
      const folder = this.#absolute(bucket, parent);
      let isRemoved = false;
      this.#quietly(folder, () => isRemoved = this.#files.removeDirectory(folder));
      if (!isRemoved) return;
      change.touched.push(parentOf(folder));
    }
  }

  #removeEmptyTree(path: string): void {
    for (const entry of this.#files.readDirectorySync(path)) {
      if (entry.kind === "directory") this.#removeEmptyTree(`${path}/${entry.name}`);
    }
    this.#files.removeDirectory(path);
  }

  /** Changes the entry at `path` and puts its folder's modification time back. */
  #quietly(path: string, change: () => void): void {
    const parent = parentOf(path);
    const before = this.#files.statExpected(parent);
    change();
    try {
      if (before !== undefined) this.#files.setMtime(parent, before.mtimeMs);
    } catch {
      // The change counts. A folder whose time has moved is only looked at once more.
    }
  }
}

/** The folders above a relative path, outermost first, without the root. */
export function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    parents.push(path.slice(0, slash));
  }
  return parents;
}

/** Joins a folder and a path below it; "" stands for nothing. */
export function join(folder: string, path: string): string {
  return folder === "" || path === "" ? folder + path : `${folder}/${path}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
