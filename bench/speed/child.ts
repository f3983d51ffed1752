/** A server as a child process that costs its parent nothing: what it says goes into files. */

import { delay } from "./delay.ts";

export interface ChildOrder {
  readonly words: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** For its output; it is there already. */
  readonly dir: string;
}

const START_MS_MAX = 60_000;
const POLL_MS = 2;
/** Of what a program said, in the message of an error. */
const CHARS_SHOWN = 2000;
const ENVIRONMENT_KEPT = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "NO_COLOR"];

export class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #dir: string;
  #hasEnded = false;
  readonly #ended: Promise<void>;

  constructor({ words, environment = {}, dir }: ChildOrder) {
    this.#dir = dir;
    for (const stream of ["stdout", "stderr"]) Deno.writeTextFileSync(`${dir}/${stream}`, "");
    this.#process = new Deno.Command("sh", {
      args: ["-c", 'exec "$@" >"$0/stdout" 2>"$0/stderr"', dir, ...words],
      env: { ...environmentKept(), ...environment },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#ended = this.#process.status.then(() => {
      this.#hasEnded = true;
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Asks again and again until there is an answer. Throws with what the program said when it ends first, or takes too long. */
  async waitFor<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T> {
    const end = performance.now() + START_MS_MAX;
    while (!this.#hasEnded && performance.now() < end) {
      const found = await find();
      if (found !== undefined) return found;
      await delay(POLL_MS);
    }
    throw new Error(`the server isn't ready: ${this.#output()}`);
  }

  /** From a line `NAME ready URL`; undefined as long as there is none. */
  findReadyPort(): number | undefined {
    const port = /^\w+ ready \S+:(\d+)$/m.exec(this.#read("stdout"))?.[1];
    return port === undefined ? undefined : Number(port);
  }

  signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#process.kill(signal);
  }

  /** Resolves when it has ended of its own will. */
  async stop(): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  #output(): string {
    return (this.#read("stdout") + this.#read("stderr")).slice(-CHARS_SHOWN);
  }

  #read(stream: "stdout" | "stderr"): string {
    return Deno.readTextFileSync(`${this.#dir}/${stream}`);
  }
}

function environmentKept(): Record<string, string> {
  const kept = ENVIRONMENT_KEPT.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(
    kept.flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
  );
}
