/** A Deno program as a process on a host of a test's network: awaited by its ready line, paused, killed, its clock set wrong. */

import type { Host, Network } from "./namespaces.ts";

export interface HostProgramOptions {
  readonly network: Network;
  readonly host: Host;
  /** URL or path of the program, and its words. */
  readonly script: string;
  readonly words?: readonly string[];
  /** Finds, in what it writes to stdout or stderr, that it is ready. */
  readonly readyLine: RegExp;
  /** Besides what Deno needs; nothing else of the test's own environment is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How far its clock is ahead or, negative, behind; see `findClockObstacle`. Time that has passed is measured rightly. */
  readonly clockOffsetMs?: number;
}

/** Far more than a start takes on a busy machine: only a program that hangs meets it. */
const START_MS_MAX = 60_000;
const ENVIRONMENT_KEPT = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "NO_COLOR"];
const LIBRARY_FOLDERS = "/usr/lib";
const CLOCK_LIBRARY = "faketime/libfaketimeMT.so.1";

/** Disposing kills it if it still runs. */
export class HostProgram implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: Output;

  /** Throws with what the program said when it ends instead of becoming ready. */
  static async start(options: HostProgramOptions): Promise<HostProgram> {
    const process = commandOf(options).spawn();
    const output = new Output(process, options.readyLine);
    try {
      await output.ready;
    } catch (cause) {
      const { code } = await process.status;
      const { message } = cause as Error;
      throw new Error(`it ended with ${code} before it was ready:\n${message}`, { cause });
    }
    return new HostProgram(process, output);
  }

  private constructor(process: Deno.ChildProcess, output: Output) {
    this.#process = process;
    this.#output = output;
  }

  /** Of the program itself: what sets up the namespace becomes the program. */
  get pid(): number {
    return this.#process.pid;
  }

  /** What it has said so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Resolves with its exit code when it has ended and all that it said has been read. */
  async ended(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#output.ended;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await this.ended();
  }
}

/** Why a program's clock can't be set wrong here, in words; undefined when it can. */
export function findClockObstacle(): string | undefined {
  return findClockLibrary() === undefined
    ? "libfaketime isn't installed (Debian package libfaketime)"
    : undefined;
}

function commandOf(options: HostProgramOptions): Deno.Command {
  const { network, host, script, words = [], environment = {}, clockOffsetMs = 0 } = options;
  const kept = ENVIRONMENT_KEPT.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return network.command(host, Deno.execPath(), {
    args: ["run", "-A", script, ...words],
    env: { ...Object.fromEntries(kept), ...environment, ...clockEnvironment(clockOffsetMs) },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** https://github.com/wolfcw/libfaketime: only the time of day is changed, neither monotonic clocks nor the times of files. */
function clockEnvironment(offsetMs: number): Record<string, string> {
  if (offsetMs === 0) return {};
  const library = findClockLibrary();
  if (library === undefined) throw new Error(findClockObstacle());
  return {
    LD_PRELOAD: library,
    FAKETIME: `${offsetMs < 0 ? "" : "+"}${offsetMs / 1000}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    NO_FAKE_STAT: "1",
  };
}

function findClockLibrary(): string | undefined {
  for (const { name } of Deno.readDirSync(LIBRARY_FOLDERS)) {
    const path = `${LIBRARY_FOLDERS}/${name}/${CLOCK_LIBRARY}`;
    try {
      Deno.statSync(path);
      return path;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        continue;
      }
      throw error;
    }
  }
  return undefined;
}

/** Collects both output streams to their end, and finds the ready line. */
class Output {
  stdout = "";
  stderr = "";
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;

  constructor(process: Deno.ChildProcess, readyLine: RegExp) {
    const ready = Promise.withResolvers<void>();
    const timer = setTimeout(() => process.kill("SIGKILL"), START_MS_MAX);
    this.ready = ready.promise.finally(() => clearTimeout(timer));
    const judge = () => {
      if (readyLine.test(this.stdout) || readyLine.test(this.stderr)) ready.resolve();
    };
    this.ended = Promise.all([
      eachText(process.stdout, (text) => {
        this.stdout += text;
        judge();
      }),
      eachText(process.stderr, (text) => {
        this.stderr += text;
        judge();
      }),
    ]).then(() => ready.reject(new Error(`${this.stdout}${this.stderr}`)));
  }
}

async function eachText(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
