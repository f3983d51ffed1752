/**
 * A backup of a node's content, made beside the node: its records as they were at one moment, and every block that it held
 * before, at, or just after it. Blocks are never changed: those that come during the backup are looked for once more, and those
 * that go stay long enough (`--gc-grace`).
 */

import { LIMITS } from "../limits.ts";
import type { BackupFiles, BackupSummary, BackupWatch } from "./backup.ts";
import { FOLDERS } from "./block_files.ts";
import type { ContentView } from "./content_view.ts";
import type { Files } from "./files.ts";
import { eachLimited } from "./turns.ts";

export interface ContentBackupOptions {
  readonly view: ContentView;
  /** Absolute paths; the target has `.index` and `.cas`. */
  readonly source: string;
  readonly target: string;
  /** An earlier backup on the file system of this one. */
  readonly previous?: string | undefined;
  readonly files: Files;
  readonly placing: BackupFiles;
  readonly watch: BackupWatch;
}

export class ContentBackup {
  readonly #options: ContentBackupOptions;
  #blocks = 0;
  #bytes = 0;

  constructor(options: ContentBackupOptions) {
    this.#options = options;
  }

  /** The records' database is at `recordsPath` then, not synced. */
  async run(recordsPath: string): Promise<BackupSummary> {
    const { view, files, target, placing } = this.#options;
    await this.#takeBlocks(0);
    await view.copyRecordsTo(recordsPath);
    await this.#takeBlocks(FOLDERS.length);
    const folders = FOLDERS.map((folder) => `${target}/.cas/${folder}`);
    await eachLimited(
      [...folders, `${target}/.cas`],
      LIMITS.settleSyncsAtOnce,
      (path) => files.sync(path),
    );
    const { linked, copied } = placing;
    return { kind: "content", blocks: this.#blocks, bytes: this.#bytes, linked, copied };
  }

  /** Those that aren't in the backup yet. */
  async #takeBlocks(done: number): Promise<void> {
    const { view, files, target, watch } = this.#options;
    for (const [index, folder] of FOLDERS.entries()) {
      const hashes = view.listFolder(folder);
      if (hashes.length > 0) files.makeDirectory(`${target}/.cas/${folder}`);
      await eachLimited(hashes, LIMITS.backupsAtOnce, async (hash) => {
        watch.progress(done + index, 2 * FOLDERS.length, `block ${hash}`);
        await watch.pace(0);
        await this.#takeBlock(`.cas/${folder}/${hash}.blob`);
      });
    }
  }

  async #takeBlock(path: string): Promise<void> {
    const { files, source, target, previous, placing } = this.#options;
    const to = `${target}/${path}`;
    const stat = files.stat(`${source}/${path}`);
    if (stat === undefined || files.stat(to) !== undefined) return;
    const old = previous === undefined ? undefined : `${previous}/${path}`;
    const isOld = old !== undefined && files.stat(old)?.size === stat.size;
    const isTaken = isOld && await placing.place(old, to, stat.mtimeMs, () => true) ||
      await placing.place(`${source}/${path}`, to, stat.mtimeMs, () => true);
    if (!isTaken) return;
    this.#blocks++;
    this.#bytes += stat.size;
  }
}
