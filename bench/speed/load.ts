/** Many prepared requests over many connections, by a program apart: wrk, or for HEAD a loader of our own. */

import { UsageError } from "../../src/config/usage_error.ts";
import { writeRequests } from "./request_file.ts";

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly requests: readonly Uint8Array[];
  /** Each request once, or round robin for some whole seconds. HEAD is never sent once. */
  readonly pace: { readonly kind: "once" } | { readonly kind: "timed"; readonly seconds: number };
  readonly program: "wrk" | "loader";
}

export interface LoadResult {
  readonly requests: number;
  /** Received, with heads. */
  readonly bytes: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How a load can go wrong, and how often it did. */
type LoadErrors = Readonly<Record<"status" | "connect" | "read" | "write" | "timeout", number>>;

const ONCE_SECONDS_MAX = 120;
const TIMEOUT_SECONDS = 30;
/** Writing the requests themselves must not keep the disk busy. */
const MEMORY_DIR = "/dev/shm";
const LUA = `${import.meta.dirname}/wrk.lua`;
const LOADER = `${import.meta.dirname}/loader.ts`;

/** Aborted, it ends the load generators that run, and all that are to come. */
export const loads = new AbortController();

/** Throws UsageError when wrk isn't there. */
export async function checkWrk(): Promise<void> {
  try {
    await new Deno.Command("wrk", { args: ["-v"], stdout: "null", stderr: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UsageError("wrk isn't installed: apt-get install wrk");
  }
}

/** Throws when any request fails. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const file = await Deno.makeTempFile({ dir: MEMORY_DIR, prefix: "zs3-bench-" });
  try {
    await writeRequests(file, load.requests);
    const { program, words } = commandFor(load, file);
    const result = parseResult(await outputOf(program, words));
    if (load.pace.kind === "once" && result.requests !== load.requests.length) {
      throw new Error(`${result.requests} of ${load.requests.length} requests were answered`);
    }
    return result;
  } finally {
    await Deno.remove(file);
  }
}

function commandFor({ port, connections, pace, program }: Load, file: string) {
  const seconds = pace.kind === "once" ? ONCE_SECONDS_MAX : pace.seconds;
  if (program === "loader") {
    const words = ["run", "-A", LOADER, String(port), String(connections), String(seconds), file];
    return { program: Deno.execPath(), words };
  }
  const flags = ["-t1", `-c${connections}`, `-d${seconds}s`, `--timeout=${TIMEOUT_SECONDS}s`];
  const words = [...flags, `-s${LUA}`, `http://127.0.0.1:${port}/`, "--", file, pace.kind];
  return { program: "wrk", words };
}

async function outputOf(program: string, words: readonly string[]): Promise<string> {
  const options = { args: [...words], signal: loads.signal };
  const { code, stdout, stderr } = await new Deno.Command(program, options).output();
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  throw new Error(`the load generator ended with ${code}: ${decoder.decode(stderr).trim()}`);
}

function parseResult(output: string): LoadResult {
  const line = output.trimEnd().split("\n").at(-1) ?? "";
  const { errors, ...result }: LoadResult & { errors: LoadErrors } = JSON.parse(line);
  const found = Object.entries(errors).filter(([, count]) => count > 0);
  if (result.requests === 0) throw new Error("no request was answered");
  if (found.length === 0) return result;
  const counts = found.map(([kind, count]) => `${count} ${kind}`).join(", ");
  throw new Error(`of ${result.requests} requests some failed (errors: ${counts})`);
}
