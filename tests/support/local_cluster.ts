/** Nodes of one cluster as processes on 127.0.0.1, apart from all other clusters there. */

import { Program, type ProgramOptions } from "./program.ts";

export interface LocalClusterOptions {
  readonly nodes: number;
  readonly flags?: readonly string[];
}

const LOG_CHARS_SHOWN = 20_000;

/** Disposing kills them and removes their data. */
export class LocalCluster implements AsyncDisposable {
  readonly programs: readonly Program[];

  private constructor(programs: readonly Program[]) {
    this.programs = programs;
  }

  /** Resolves when all have joined. */
  static async start({ nodes, flags = [] }: LocalClusterOptions): Promise<LocalCluster> {
    await using started = new AsyncDisposableStack();
    const environment = { ZS3_CLUSTER_SECRET: crypto.randomUUID() };
    const start = async (bootstrap: readonly string[]) => {
      const options: ProgramOptions = {
        flags: ["--distributed", "--discovery=off", ...bootstrap, ...flags],
        environment,
      };
      return started.use(await Program.start(options));
    };
    const first = await start([]);
    const bootstrap = [`--bootstrap=${new URL(first.url).host}`];
    const others = Array.from({ length: nodes - 1 }, () => start(bootstrap));
    const joined = await Promise.allSettled(others);
    for (const result of joined) if (result.status === "rejected") throw result.reason;
    const programs = [first, ...await Promise.all(others)];
    started.move();
    return new LocalCluster(programs);
  }

  /** From 1. Throws for a number that there isn't. */
  node(number: number): Program {
    const program = this.programs[number - 1];
    if (program === undefined) throw new RangeError(`there is no node ${number}`);
    return program;
  }

  /** The end of what each has said, for the reader of a failure. */
  logs(): string {
    return this.programs.map(({ stderr }, index) =>
      `--- node ${index + 1}\n${stderr.slice(-LOG_CHARS_SHOWN)}`
    ).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.programs) await program[Symbol.asyncDispose]();
  }
}
