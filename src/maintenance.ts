/** `zs3 check` and `zs3 backup`, put together: what they read, beside a server that runs or without one. */

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
import { CatalogView } from "./storage/catalog_view.ts";
import { catalogPath, DataDirLock } from "./storage/data_dir.ts";
import { FileStore } from "./storage/file_store.ts";
import { FileTree } from "./storage/file_tree.ts";
import { diskFiles } from "./storage/files.ts";
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

export function backupDataDir(_config: Config, _print: (line: string) => void): Promise<number> {
  throw new Error("backups aren't made yet");
}
