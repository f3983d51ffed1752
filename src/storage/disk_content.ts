/** All that a cluster node keeps on its disk: records in `.index/cluster.db`, blocks in `.cas`. Opens, locks and closes it. */

import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { ContentStore } from "./content_store.ts";
import { clusterPath, DataDirLock, requireClusterNode } from "./data_dir.ts";
import type { Database } from "./database.ts";
import { explainDatabaseFailure } from "./database_failure.ts";
import { DiskBlocks } from "./disk_blocks.ts";
import { DiskRecords, RECORDS_TITLE } from "./disk_records.ts";
import { diskFiles, type Files } from "./files.ts";
import type { Durability } from "./group_commit.ts";
import { Room } from "./room.ts";
import { eachLimited } from "./turns.ts";

export interface DiskContentOptions {
  /** Absolute path of an existing folder. */
  readonly dataDir: string;
  readonly durability: Durability;
  readonly files?: Files;
  readonly random?: Random;
  /** Told of what goes wrong in the background. */
  readonly onFault?: (what: string, error: unknown) => void;
  /** node:sqlite unless a test brings its own. */
  readonly openDatabase?: (path: string) => Database;
}

export class DiskContent implements ContentStore {
  readonly records: DiskRecords;
  readonly blocks: DiskBlocks;
  readonly #lock: DataDirLock;

  /** Takes over all three. */
  constructor(records: DiskRecords, blocks: DiskBlocks, lock: DataDirLock) {
    this.records = records;
    this.blocks = blocks;
    this.#lock = lock;
  }

  /** Finishes what is under way, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    using _lock = this.#lock;
    try {
      await this.blocks[Symbol.asyncDispose]();
    } finally {
      await this.records[Symbol.asyncDispose]();
    }
  }
}

/**
 * Throws when another process has the data dir open, it is a standalone server's, or the records' database is damaged.
 * Nothing is left in `.tmp`.
 */
export async function openDiskContent(options: DiskContentOptions): Promise<DiskContent> {
  const { dataDir, files = diskFiles } = options;
  files.makeDirectory(`${dataDir}/.index`);
  const lock = DataDirLock.take(dataDir);
  try {
    requireClusterNode(dataDir, files);
    return await openLocked({ ...options, files }, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw explainDatabaseFailure(error, {
      path: clusterPath(dataDir),
      title: RECORDS_TITLE,
      remedy:
        `move ${dataDir} away and start again with an empty one, as a new node of the cluster; the other nodes have ` +
        "what this one had",
    });
  }
}

async function openLocked(
  options: DiskContentOptions & { readonly files: Files },
  lock: DataDirLock,
): Promise<DiskContent> {
  const { dataDir, durability, files } = options;
  for (const folder of [".cas", ".tmp"]) files.makeDirectory(`${dataDir}/${folder}`);
  await emptyTemp(`${dataDir}/.tmp`, files);
  const path = clusterPath(dataDir);
  const room = new Room(files, dataDir);
  const { logBytesMax } = room;
  const records = await DiskRecords.open({ ...options, path, room, logBytesMax });
  try {
    if (durability === "strict") {
      // Also what an earlier run left unsynced, which needn't have been strict.
      const synced = [path, `${dataDir}/.cas`, `${dataDir}/.index`, dataDir];
      await Promise.all(synced.map((each) => files.sync(each)));
    }
    return new DiskContent(records, DiskBlocks.open({ ...options, room }), lock);
  } catch (error) {
    await records[Symbol.asyncDispose]();
    throw error;
  }
}

async function emptyTemp(path: string, files: Files): Promise<void> {
  const names: string[] = [];
  for await (const { name, kind } of files.readDirectory(path)) {
    if (kind === "file") names.push(name);
  }
  await eachLimited(names, LIMITS.discardsAtOnce, (name) => files.discard(`${path}/${name}`));
}
