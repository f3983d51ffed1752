/** The real program as a child process: started on a free port of 127.0.0.1, awaited by its ready line, stopped by signal. */

import { PERMISSIONS } from "../../scripts/build/compile.ts";
import { makeCertificate, type TestCertificate } from "./certificate.ts";
import { ChildOutput, killChild, scriptOptions } from "./child.ts";
import { TempDir } from "./temp_dir.ts";

const MAIN = new URL("../../main.ts", import.meta.url).href;
/** Another program to test than the sources: a bundle (`….js`), run with no more permissions than an executable has, or an executable. */
const OTHER_PROGRAM = Deno.env.get("ZS3_TEST_PROGRAM") ?? "";
const READY_LINE = /^zs3 ready (\S+)\n/m;

export interface ProgramOptions {
  /** Besides --host, --port and --data-dir, which may be given here to replace the usual ones. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Stays when the program is disposed. Without it a temporary one is made and removed. */
  readonly dataDir?: string;
  readonly isTls?: boolean;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end, with a clean environment. */
export async function runProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await command(words, environment).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The program, left to the caller. */
export function spawnProgram(words: readonly string[]): Deno.ChildProcess {
  return command(words, {}).spawn();
}

/** A running server. Disposing kills it if it still runs, and removes its temporary data dir. */
export class Program implements AsyncDisposable {
  /** Where it listens, from its ready line. */
  readonly url: string;
  readonly dataDir: string;
  /** PEM file of the authority to trust, when it was started with TLS. */
  readonly authorityFile: string | undefined;
  readonly #process: Deno.ChildProcess;
  readonly #output: ChildOutput;
  readonly #temp: TempDir;

  /** Throws with what the program said when it ends instead of becoming ready. */
  static async start(options: ProgramOptions = {}): Promise<Program> {
    const temp = await TempDir.make();
    const dataDir = options.dataDir ?? `${temp.path}/data`;
    const tlsFlags = options.isTls ? await writeCertificate(temp.path, makeCertificate()) : [];
    const words = withDefaults([`--data-dir=${dataDir}`, ...tlsFlags], options.flags ?? []);
    const process = command(words, options.environment ?? {}).spawn();
    const output = new ChildOutput(process, READY_LINE);
    try {
      const [, url = ""] = await output.ready;
      return new Program(
        process,
        output,
        temp,
        dataDir,
        url,
        options.isTls === true,
      );
    } catch (error) {
      await process.status;
      await temp[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    process: Deno.ChildProcess,
    output: ChildOutput,
    temp: TempDir,
    dataDir: string,
    url: string,
    isTls: boolean,
  ) {
    this.url = url;
    this.dataDir = dataDir;
    this.authorityFile = isTls ? `${temp.path}/authority.pem` : undefined;
    this.#process = process;
    this.#output = output;
    this.#temp = temp;
  }

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

  /** Resolves when it has ended and all that it said has been read. */
  async ended(): Promise<Outcome> {
    const { code } = await this.#process.status;
    await this.#output.ended;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Outcome> {
    this.signal(signal);
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    killChild(this.#process);
    await this.ended();
    await this.#temp[Symbol.asyncDispose]();
  }
}

/** The flags given, after those of the usual ones that they don't replace. */
function withDefaults(usual: readonly string[], given: readonly string[]): string[] {
  const names = new Set(given.map((flag) => flag.replace(/=.*/s, "")));
  const all = ["--host=127.0.0.1", "--port=0", ...usual];
  return [...all.filter((flag) => !names.has(flag.replace(/=.*/s, ""))), ...given];
}

function command(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Deno.Command {
  const options = scriptOptions(MAIN, words, environment);
  if (OTHER_PROGRAM === "") return new Deno.Command(Deno.execPath(), options);
  if (!OTHER_PROGRAM.endsWith(".js")) {
    return new Deno.Command(OTHER_PROGRAM, { ...options, args: [...words] });
  }
  const args = ["run", ...PERMISSIONS, OTHER_PROGRAM, ...words];
  return new Deno.Command(Deno.execPath(), { ...options, args });
}

async function writeCertificate(dir: string, certificate: TestCertificate): Promise<string[]> {
  await Deno.writeTextFile(`${dir}/authority.pem`, certificate.authority);
  await Deno.writeTextFile(`${dir}/cert.pem`, certificate.certificate);
  await Deno.writeTextFile(`${dir}/key.pem`, certificate.privateKey);
  return [`--tls-cert=${dir}/cert.pem`, `--tls-key=${dir}/key.pem`];
}
