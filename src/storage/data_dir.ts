/** Whose a data dir is: one process has it open, and it is a standalone server's or a cluster node's. */

import type { Files } from "./files.ts";

/** Relative to the data dir. */
const CATALOG = ".index/catalog.db";
const CLUSTER = ".index/cluster.db";

export function catalogPath(dataDir: string): string {
  return `${dataDir}/${CATALOG}`;
}

/** Of the database of a cluster node's records. */
export function clusterPath(dataDir: string): string {
  return `${dataDir}/${CLUSTER}`;
}

/** Throws when the data dir is a cluster node's. */
export function requireStandalone(dataDir: string, files: Files): void {
  if (files.stat(clusterPath(dataDir)) === undefined) return;
  throw new Error(
    `the data dir ${dataDir} belongs to a cluster node (it has ${CLUSTER}): start it with --distributed`,
  );
}

/** Throws when the data dir is a standalone server's. */
export function requireClusterNode(dataDir: string, files: Files): void {
  if (files.stat(clusterPath(dataDir)) !== undefined) return;
  if (files.stat(catalogPath(dataDir)) === undefined) return;
  throw new Error(
    `the data dir ${dataDir} belongs to a standalone zs3 (it has ${CATALOG}): bring its objects into a new one with ` +
      `zs3 import --from=${dataDir} --data-dir=<new dir>`,
  );
}

/** Held until it is disposed of, and by no two processes. */
export class DataDirLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** `.index` exists. Throws when another process has it. */
  static take(dataDir: string): DataDirLock {
    const file = openLock(`${dataDir}/.index/lock`);
    if (file.tryLockSync(true)) return new DataDirLock(file);
    file.close();
    throw new Error(`the data dir ${dataDir} is in use by another zs3 process`);
  }

  [Symbol.dispose](): void {
    // Closing alone may come late: a child process that is being started shares the lock until it runs its own program.
    this.#file.unlockSync();
    this.#file.close();
  }
}

function openLock(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { create: true, write: true, read: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new Error(`${path} can't be written: this user may not`, { cause });
  }
}
