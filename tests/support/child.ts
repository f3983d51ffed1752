/** What all programs that tests start have in common: a clean environment, their output read to its end, and a line to wait for. */

/** Far more than a start takes on a busy machine: only a program that hangs meets it. */
const START_MS_MAX = 60_000;
const ENVIRONMENT_KEPT = ["PATH", "HOME", "DENO_DIR", "TMPDIR", "NO_COLOR"];

/**
 * To run a script of Deno's. The environment is only what is given and what Deno needs: a developer's AWS_REGION must not change a
 * test.
 */
export function scriptOptions(
  script: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Deno.CommandOptions & { stdin: "null"; stdout: "piped"; stderr: "piped" } {
  const kept = ENVIRONMENT_KEPT.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    args: ["run", "-A", script, ...words],
    env: { ...Object.fromEntries(kept), ...environment },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  };
}

/** Collects both output streams to their end, and finds the ready line in either. */
export class ChildOutput {
  stdout = "";
  stderr = "";
  /** What the line matched. Rejects with all that the program said when it ends first; one that hangs is killed. */
  readonly ready: Promise<RegExpExecArray>;
  readonly ended: Promise<void>;

  constructor(process: Deno.ChildProcess, readyLine: RegExp) {
    const ready = Promise.withResolvers<RegExpExecArray>();
    const timer = setTimeout(() => process.kill("SIGKILL"), START_MS_MAX);
    this.ready = ready.promise.finally(() => clearTimeout(timer));
    const find = (text: string) => {
      const found = readyLine.exec(text);
      if (found !== null) ready.resolve(found);
    };
    this.ended = Promise.all([
      eachText(process.stdout, (text) => find(this.stdout += text)),
      eachText(process.stderr, (text) => find(this.stderr += text)),
    ]).then(() =>
      ready.reject(
        new Error(`the program ended before it was ready:\n${this.stdout}${this.stderr}`),
      )
    );
  }
}

/** Nothing happens when it has ended already. */
export function killChild(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

async function eachText(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
