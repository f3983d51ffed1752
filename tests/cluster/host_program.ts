/** A Deno program as a process on a host of a test's network: awaited by its ready line, paused, killed, its clock set wrong. */

import { ChildOutput, killChild, scriptOptions } from "../support/child.ts";
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

const LIBRARY_FOLDERS = "/usr/lib";
const CLOCK_LIBRARY = "faketime/libfaketimeMT.so.1";

/** Disposing kills it if it still runs. */
export class HostProgram implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #output: ChildOutput;

  /** Throws with what the program said when it ends instead of becoming ready. */
  static async start(options: HostProgramOptions): Promise<HostProgram> {
    const process = commandOf(options).spawn();
    const output = new ChildOutput(process, options.readyLine);
    try {
      await output.ready;
    } catch (cause) {
      const { code } = await process.status;
      const { message } = cause as Error;
      throw new Error(`it ended with ${code}: ${message}`, { cause });
    }
    return new HostProgram(process, output);
  }

  private constructor(process: Deno.ChildProcess, output: ChildOutput) {
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
    killChild(this.#process);
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
  const all = { ...environment, ...clockEnvironment(clockOffsetMs) };
  return network.command(host, Deno.execPath(), scriptOptions(script, words, all));
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
