/** `zs3 check` and `zs3 backup`, put together: what they read, beside a server that runs or without one. */

import { makeBackup } from "./cli/backup_command.ts";
import { BackupFolder } from "./cli/backup_folder.ts";
import { type Checkable, checkStore } from "./cli/check_command.ts";
import { CheckStateFile } from "./cli/check_state.ts";
import { findDataDir, isClusterNodes } from "./cli/data_dir.ts";
import { ProgressBar } from "./cli/progress_bar.ts";
import { ReadPace } from "./cli/read_pace.ts";
import { StartError } from "./cli/start_error.ts";
import { openStopSignal } from "./cli/stop_signal.ts";
import { systemClock, systemRandom } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import { explainFailure } from "./storage/catalog.ts";
import { BackupFiles, type BackupSummary, type BackupWatch } from "./storage/backup.ts";
import { CatalogView } from "./storage/catalog_view.ts";
import { catalogPath, clusterPath, DataDirLock } from "./storage/data_dir.ts";
import { openDatabase } from "./storage/database.ts";
import { FileStore } from "./storage/file_store.ts";
import { FileTree } from "./storage/file_tree.ts";
import { diskFiles } from "./storage/files.ts";
import { StoreBackup } from "./storage/store_backup.ts";
import { StoreCheck } from "./storage/store_check.ts";

type OpenCheckable = Checkable & AsyncDisposable;

/** Returns the exit code. Throws StartError when there is nothing to check. */
export async function checkDataDir(
  config: Config,
  log: Log,
  print: (line: string) => void,
): Promise<number> {
  const dataDir = await findDataDir(config.dataDir);
  const { check } = config;
  using stop = openStopController();
  using bar = new ProgressBar(Deno.stdout);
  await using store = await openCheckable(dataDir, config, log);
  const { reportFile } = check;
  return await checkStore(store, {
    bar,
    print,
    dataDir,
    stop: stop.signal,
    clock: systemClock,
    pace: new ReadPace(check.bytesPerSecondMax, systemClock),
    state: new CheckStateFile(check.stateFile ?? `${dataDir}/.index/check.json`),
    isRepair: check.isRepair,
    isRestart: check.isRestart,
    isJson: check.isJson,
    writeReport: reportFile === undefined
      ? undefined
      : (text) => Deno.writeTextFile(reportFile, text),
  });
}

async function openCheckable(dataDir: string, config: Config, log: Log): Promise<OpenCheckable> {
  if (config.check.isRepair) requireStopped(dataDir);
  if (await isClusterNodes(dataDir)) return await openNodesCheck(dataDir, config.check.isRepair);
  return config.check.isRepair
    ? await openRepair(dataDir, config, log)
    : openReadOnlyCheck(dataDir);
}

function requireStopped(dataDir: string): void {
  try {
    DataDirLock.take(dataDir)[Symbol.dispose]();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new StartError(`${reason}: stop it first, --repair changes what it works with`, {
      cause,
    });
  }
}

function openReadOnlyCheck(dataDir: string): OpenCheckable {
  const view = openCatalog(dataDir);
  const store = {
    read: view.read,
    atOnce: <T>(read: () => T) => view.atOnce(read),
    tree: openTree(dataDir),
    files: diskFiles,
    repair: undefined,
  };
  return {
    check: (watch, from) => new StoreCheck(store, watch).run(from),
    [Symbol.asyncDispose]: () => Promise.resolve(view[Symbol.dispose]()),
  };
}

async function openRepair(dataDir: string, config: Config, log: Log): Promise<OpenCheckable> {
  const { durability, uploadAgeMsMax, check: { acceptsDamaged } } = config;
  const store = await FileStore.open({
    dataDir,
    durability,
    uploadAgeMsMax,
    onFault: (what, cause) => log.fault("-", new Error(what, { cause })),
  });
  return {
    check: (watch, from) => store.checkAndRepair(watch, { acceptsDamaged }, from),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Standalone servers need nothing of this: it is loaded for nodes only. */
async function openNodesCheck(dataDir: string, isRepair: boolean): Promise<OpenCheckable> {
  const { ContentCheck } = await import("./storage/content_check.ts");
  const { ContentView } = await import("./storage/content_view.ts");
  const lock = isRepair ? DataDirLock.take(dataDir) : undefined;
  try {
    const view = ContentView.open(dataDir, diskFiles);
    return {
      check: (watch, from) => new ContentCheck(view, watch, { isRepair }).run(from),
      [Symbol.asyncDispose]: () => {
        view[Symbol.dispose]();
        return Promise.resolve(lock?.[Symbol.dispose]());
      },
    };
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw error;
  }
}

function openCatalog(dataDir: string): CatalogView {
  const path = catalogPath(dataDir);
  try {
    return CatalogView.open(path);
  } catch (error) {
    throw explainFailure(error, path);
  }
}

function openTree(dataDir: string): FileTree {
  return new FileTree({ dataDir, files: diskFiles, clock: systemClock, random: systemRandom });
}

/** Aborted at the first signal to stop; the second ends the program. */
function openStopController(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = openStopSignal(() => Deno.exit(1));
  void stop.received.then(() => controller.abort());
  return { signal: controller.signal, [Symbol.dispose]: () => stop[Symbol.dispose]() };
}

/** Returns the exit code. Throws StartError when there is nothing to copy, or something is in the way. */
export async function backupDataDir(
  config: Config,
  print: (line: string) => void,
): Promise<number> {
  const dataDir = await findDataDir(config.dataDir);
  using stop = openStopController();
  using bar = new ProgressBar(Deno.stdout);
  const folder = await BackupFolder.open(config.backupTo ?? "", dataDir);
  const isNode = await isClusterNodes(dataDir);
  const options = { bar, print, stop: stop.signal, to: folder.path };
  try {
    return await makeBackup(async (watch) => {
      const placing = new BackupFiles(diskFiles, watch);
      const job = { dataDir, folder, placing, watch };
      const summary = isNode ? await backupNode(job) : await backupStore(job);
      stop.signal.throwIfAborted();
      await folder.finish(dataDir, isNode ? NODE_DATABASE : STORE_DATABASE);
      return summary;
    }, options);
  } catch (error) {
    await folder.discard();
    if (error === stop.signal.reason) throw new StartError("stopped: no backup was made");
    throw error;
  }
}

const STORE_DATABASE = "catalog.db";
const NODE_DATABASE = "cluster.db";

interface BackupJob {
  readonly dataDir: string;
  readonly folder: BackupFolder;
  readonly placing: BackupFiles;
  readonly watch: BackupWatch;
}

async function backupStore(job: BackupJob): Promise<BackupSummary> {
  const { dataDir, folder, placing, watch } = job;
  using view = openCatalog(dataDir);
  const path = catalogPath(folder.partial);
  await view.copyTo(path);
  using previous = folder.hasPrevious ? openCatalog(folder.path) : undefined;
  const database = openDatabase(path);
  try {
    const summary = await new StoreBackup({
      source: { view, tree: openTree(dataDir) },
      target: { database, tree: openTree(folder.partial) },
      previous: previous && { view: previous, tree: openTree(folder.path) },
      files: diskFiles,
      placing,
      watch,
    }).run();
    return summary;
  } finally {
    database.close();
    await diskFiles.sync(path);
  }
}

async function backupNode(job: BackupJob): Promise<BackupSummary> {
  const { ContentBackup } = await import("./storage/content_backup.ts");
  const { ContentView } = await import("./storage/content_view.ts");
  const { dataDir, folder, placing, watch } = job;
  using view = ContentView.open(dataDir, diskFiles);
  diskFiles.makeDirectory(`${folder.partial}/.cas`);
  const path = clusterPath(folder.partial);
  const summary = await new ContentBackup({
    view,
    source: dataDir,
    target: folder.partial,
    previous: folder.hasPrevious ? folder.path : undefined,
    files: diskFiles,
    placing,
    watch,
  }).run(path);
  const database = openDatabase(path);
  try {
    // Others remember how far they have followed this node's changes: those of the backup are a feed of their own.
    database.prepare("UPDATE feed SET id = ?").run(systemRandom.bytes(16).toHex());
  } finally {
    database.close();
  }
  await Deno.copyFile(`${dataDir}/.node_id`, `${folder.partial}/.node_id`);
  for (const each of [path, `${folder.partial}/.node_id`]) await diskFiles.sync(each);
  return summary;
}
