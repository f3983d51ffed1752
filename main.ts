/**
 * The program: command line → Config → parts → Deno.serve → drain. The only file that knows concrete classes.
 *
 * Exit codes: 0 done; 1 it could not start, or `check` found problems; 2 the command line is wrong.
 */

import { createKeyring } from "./src/auth/keyring.ts";
import { bannerLines, baseUrl, readyLine } from "./src/cli/banner.ts";
import { createBuckets } from "./src/cli/buckets.ts";
import { checkStore } from "./src/cli/check_command.ts";
import { prepareDataDir } from "./src/cli/data_dir.ts";
import { drain, Gate } from "./src/cli/drain.ts";
import { printIndex } from "./src/cli/index_command.ts";
import { LineWriter } from "./src/cli/line_writer.ts";
import { listen } from "./src/cli/listen.ts";
import { lineLog } from "./src/cli/log.ts";
import { ProgressBar } from "./src/cli/progress_bar.ts";
import { printLine } from "./src/cli/print.ts";
import { systemReason } from "./src/cli/start_error.ts";
import { openStopSignal } from "./src/cli/stop_signal.ts";
import { catchStrayErrors } from "./src/cli/stray_errors.ts";
import { systemClock, systemRandom } from "./src/clock.ts";
import { type Config, DEFAULT_REGION, parseConfig } from "./src/config.ts";
import { helpText } from "./src/config/help.ts";
import { UsageError } from "./src/config/usage_error.ts";
import { LIMITS } from "./src/limits.ts";
import type { Log } from "./src/log.ts";
import { createServer } from "./src/server.ts";
import { FileStore } from "./src/storage/file_store.ts";
import { VERSION } from "./src/version.ts";

/** Runs one command to its end; returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
  try {
    return await run(parseConfig(words, Deno.env.toObject()));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 0; // `zs3 index | head`
    printLine(Deno.stderr, `zs3: ${systemReason(error)}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(config: Config): Promise<number> {
  switch (config.command) {
    case "help":
      printLine(Deno.stdout, helpText().trimEnd());
      return 0;
    case "version":
      printLine(Deno.stdout, `zs3 ${VERSION}`);
      return 0;
    case "serve":
      return await serve(config);
    case "check":
      return await check(config);
    case "index":
      return await index(config);
  }
}

async function serve(config: Config): Promise<number> {
  await using lines = new LineWriter(Deno.stderr);
  const log = lineLog(config.log, (line) => lines.line(line));
  using _strayErrors = catchStrayErrors(log);
  using stop = openStopSignal(() => Deno.exit(1));
  await using store = await openStore(config, log);
  await createBuckets(store, config);
  const gate = new Gate(createHandler(config, store, log));
  const server = await listen(config, gate.handle, (error) => log.fault("-", error));
  announce(config, baseUrl(config, server.addr.port));
  await stop.received;
  if (!await drain(server, gate, LIMITS.drainMsMax)) {
    log.fault("-", new Error(`requests were cut off ${LIMITS.drainMsMax} ms after the signal`));
  }
  return 0;
}

async function check(config: Config): Promise<number> {
  await using store = await openStore(config, commandLog());
  using bar = new ProgressBar(Deno.stdout);
  return await checkStore(store, bar, (line) => printLine(Deno.stdout, line));
}

async function index(config: Config): Promise<number> {
  await using store = await openStore(config, commandLog());
  await printIndex(store, (line) => printLine(Deno.stdout, line));
  return 0;
}

async function openStore(config: Config, log: Log): Promise<FileStore> {
  return await FileStore.open({
    dataDir: await prepareDataDir(config.dataDir),
    durability: config.durability,
    uploadAgeMsMax: config.uploadAgeMsMax,
    onFault: (what, cause) => log.fault("-", new Error(what, { cause })),
  });
}

function createHandler(
  config: Config,
  store: FileStore,
  log: Log,
): (request: Request) => Promise<Response> {
  return createServer({
    services: {
      store,
      log,
      clock: systemClock,
      random: systemRandom,
      keyring: createKeyring(config.keyPairs),
      region: config.region ?? DEFAULT_REGION,
      signedRegion: config.region,
    },
    domains: config.domains,
  });
}

/** What a command other than `serve` has to say of faults in the background. */
function commandLog(): Log {
  return lineLog("text", (line) => printLine(Deno.stderr, line));
}

function announce(config: Config, url: string): void {
  for (const line of bannerLines(config, url)) printLine(Deno.stdout, line);
  printLine(Deno.stdout, readyLine(url));
}

// A worker started from this same file has `import.meta.main` too (Deno 2.9): it must not become a second server.
if (import.meta.main && !("DedicatedWorkerGlobalScope" in globalThis)) {
  Deno.exit(await main(Deno.args));
}
