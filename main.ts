/**
 * The program: command line → Config → parts → an open port → drain. The only file that knows concrete classes.
 *
 * Exit codes: 0 done; 1 it could not start, or `check`, `backup` or `import` found problems; 2 the command line is wrong.
 */

import { createKeyring, type Keyring } from "./src/auth/keyring.ts";
import { createBuckets } from "./src/cli/buckets.ts";
import { findImportSource, isClusterNodes, prepareDataDir } from "./src/cli/data_dir.ts";
import { importStore } from "./src/cli/import_command.ts";
import { printIndex } from "./src/cli/index_command.ts";
import { LineWriter } from "./src/cli/line_writer.ts";
import { lineLog } from "./src/cli/log.ts";
import { ProgressBar } from "./src/cli/progress_bar.ts";
import { printLine } from "./src/cli/print.ts";
import { checkRuntime } from "./src/cli/runtime.ts";
import { serveUntil, type Service } from "./src/cli/serve.ts";
import { systemReason } from "./src/cli/start_error.ts";
import { openStopSignal } from "./src/cli/stop_signal.ts";
import { catchStrayErrors } from "./src/cli/stray_errors.ts";
import { systemClock, systemRandom } from "./src/clock.ts";
import { type Config, DEFAULT_REGION } from "./src/config.ts";
import type { ClusterConfig } from "./src/config/cluster.ts";
import { loadConfig, type Loaded } from "./src/config/load.ts";
import { helpText } from "./src/config/help.ts";
import { UsageError } from "./src/config/usage_error.ts";
import type { Log } from "./src/log.ts";
import { ServerMetrics } from "./src/metrics/server_metrics.ts";
import { exposeCommits, exposeJournal, exposeSurvey } from "./src/metrics/store_metrics.ts";
import { createServer, type ServerOptions } from "./src/server.ts";
import type { DiskContent } from "./src/storage/disk_content.ts";
import { FileStore } from "./src/storage/file_store.ts";
import type { ObjectStore } from "./src/storage/object_store.ts";
import { versionText } from "./src/version.ts";

/** Runs one command to its end; returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
  try {
    checkRuntime();
    const load = () => loadConfig(words, Deno.env.toObject());
    return await run(await load(), load);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 0; // `zs3 index | head`
    printLine(Deno.stderr, `zs3: ${systemReason(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(loaded: Loaded, load: () => Promise<Loaded>): Promise<number> {
  const { config } = loaded;
  switch (config.command) {
    case "help":
      printOut(helpText().trimEnd());
      return 0;
    case "version":
      printOut(versionText());
      return 0;
    case "serve":
      return await serve(loaded, load);
    case "check":
      return await check(config);
    case "backup":
      return await backup(config);
    case "index":
      return await index(config);
    case "import":
      return await importAll(config);
    case "config":
      return await showConfig(loaded);
    case "doctor":
      return await doctor(loaded);
  }
}

async function serve(loaded: Loaded, load: () => Promise<Loaded>): Promise<number> {
  const { config } = loaded;
  await using lines = new LineWriter(Deno.stderr);
  const metrics = new ServerMetrics();
  const log = metrics.counting(lineLog(config.log, (line) => lines.line(line), config.logLevel));
  using _strayErrors = catchStrayErrors(log);
  using stop = openStopSignal(() => Deno.exit(1));
  const keyring = createKeyring(config.keyPairs);
  const parts = { config, log, keyring };
  await using service = config.cluster === undefined
    ? await openStandalone(parts)
    : await openNode(parts, config.cluster);
  await serveUntil(stop.received, service, {
    loaded,
    load,
    keyring,
    log,
    metrics,
    print: printOut,
  });
  return 0;
}

/** What all that serve have in common. */
interface Parts {
  readonly config: Config;
  readonly log: Log;
  readonly keyring: Keyring;
}

async function openStandalone(parts: Parts): Promise<Service> {
  const { config, log } = parts;
  const store = await openStore(config, log);
  try {
    await createBuckets(store, config);
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
  return {
    handle: createServer(serverOptions(parts, store)),
    start: () => Promise.resolve(),
    expose: async (page) => {
      exposeCommits(page, store.commits);
      exposeJournal(page, store.journalLoad);
      exposeSurvey(page, await store.survey());
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

async function openNode(parts: Parts, cluster: ClusterConfig): Promise<Service> {
  const { openNodeService } = await loadNode();
  return await openNodeService({
    ...parts,
    cluster,
    dataDir: await prepareDataDir(parts.config.dataDir),
    serverOptions: (store) => serverOptions(parts, store),
  });
}

async function check(config: Config): Promise<number> {
  const { checkDataDir } = await import("./src/maintenance.ts");
  return await checkDataDir(config, commandLog(), printOut);
}

async function backup(config: Config): Promise<number> {
  const { backupDataDir } = await import("./src/maintenance.ts");
  return await backupDataDir(config, printOut);
}

async function index(config: Config): Promise<number> {
  if (await isNodes(config)) {
    const { LocalListing } = await import("./src/cluster/local_listing.ts");
    await using content = await openNodesContent(config);
    const listing = new LocalListing(content.records);
    await printIndex(listing, printOut, listing);
    return 0;
  }
  await using store = await openStore(config, commandLog());
  await printIndex(store, printOut);
  return 0;
}

async function showConfig(loaded: Loaded): Promise<number> {
  const { configLines } = await import("./src/cli/config_command.ts");
  for (const line of configLines(loaded)) printOut(line);
  return 0;
}

async function doctor(loaded: Loaded): Promise<number> {
  const { examine } = await import("./src/cli/doctor_command.ts");
  return await examine(loaded, printOut);
}

async function importAll(config: Config): Promise<number> {
  const target = await prepareDataDir(config.dataDir);
  const dataDir = await findImportSource(config.importFrom ?? "", target);
  // Nothing of the source is to go, unfinished uploads of any age included.
  const uploadAgeMsMax = Number.MAX_SAFE_INTEGER;
  await using source = await openStore({ ...config, dataDir, uploadAgeMsMax }, commandLog());
  const { OfflineNode } = await loadNode();
  await using node = await OfflineNode.open(target, config, commandLog());
  using bar = new ProgressBar(Deno.stdout);
  return await importStore(source, node.sink, bar, printOut);
}

/** Only what is about nodes loads the modules of nodes: a standalone server starts in two thirds of the time, with 7 MB less. */
function loadNode(): Promise<typeof import("./src/node_service.ts")> {
  return import("./src/node_service.ts");
}

/** Whose data dir a command that reads one is about: it looks, so that nobody has to say. */
async function isNodes({ dataDir, cluster }: Config): Promise<boolean> {
  return cluster !== undefined || await isClusterNodes(await prepareDataDir(dataDir));
}

async function openNodesContent(config: Config): Promise<DiskContent> {
  const { openContent } = await loadNode();
  return await openContent(await prepareDataDir(config.dataDir), config, commandLog());
}

async function openStore(config: Config, log: Log): Promise<FileStore> {
  return await FileStore.open({
    dataDir: await prepareDataDir(config.dataDir),
    durability: config.durability,
    uploadAgeMsMax: config.uploadAgeMsMax,
    onFault: (what, cause) => log.fault("-", new Error(what, { cause })),
  });
}

function serverOptions({ config, log, keyring }: Parts, store: ObjectStore): ServerOptions {
  return {
    services: {
      store,
      log,
      clock: systemClock,
      random: systemRandom,
      keyring,
      region: config.region ?? DEFAULT_REGION,
      signedRegion: config.region,
    },
    domains: config.domains,
    bodyMemoryBytesMax: config.bodyMemoryBytesMax,
    bodyIdleMsMax: config.bodyIdleMsMax,
  };
}

/** What a command other than `serve` has to say of faults in the background. */
function commandLog(): Log {
  return lineLog("text", (line) => printLine(Deno.stderr, line));
}

function printOut(line: string): void {
  printLine(Deno.stdout, line);
}

// A worker started from this same file has `import.meta.main` too (Deno 2.9): it must not become a second server.
if (import.meta.main && !("DedicatedWorkerGlobalScope" in globalThis)) {
  // Not awaited here: a module of the bundled program that is loaded later imports this one, and would wait for its end.
  Deno.exitCode = 1;
  main(Deno.args).then(Deno.exit);
}
