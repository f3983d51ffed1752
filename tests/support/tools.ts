/** Command-line clients: found where installed, run to their end, and missed loudly where not. */

export interface Tool {
  readonly path: string;
  /** First line that it says about itself. */
  readonly version: string;
}

export interface ToolRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array<ArrayBuffer> | string;
  readonly cwd?: string;
}

const ENVIRONMENT = {
  PATH: Deno.env.get("PATH") ?? "",
  HOME: Deno.env.get("HOME") ?? "/",
  LC_ALL: "C.UTF-8",
} as const;

/**
 * The first program of this name on the PATH whose version fits. When there is none the tests of that client are skipped, with a line
 * that says so; where `ZS3_CLIENTS=required` (as in CI) it throws.
 */
export function findTool(
  name: string,
  versionWords: readonly string[] = ["--version"],
  versionPattern: RegExp = /./,
): Tool | undefined {
  const tool = findOptionalTool(name, versionWords, versionPattern);
  if (tool === undefined && Deno.env.get("ZS3_CLIENTS") === "required") {
    throw new Error(`${name} is not installed, in the version that the tests are for`);
  }
  return tool;
}

/** As `findTool`, for a client that not every machine can have: never throws. */
export function findOptionalTool(
  name: string,
  versionWords: readonly string[],
  versionPattern: RegExp,
): Tool | undefined {
  for (const dir of (Deno.env.get("PATH") ?? "").split(":")) {
    const version = findVersion(`${dir}/${name}`, versionWords);
    if (version !== undefined && versionPattern.test(version)) {
      return { path: `${dir}/${name}`, version };
    }
  }
  const line = `SKIPPED: ${name} (version ${versionPattern.source}) is not installed\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
  return undefined;
}

/** Runs a tool with nothing in its environment but PATH, HOME and what is given. Throws what it said unless it ends with 0. */
export async function runTool(
  tool: Tool,
  words: readonly string[],
  options: ToolOptions = {},
): Promise<ToolRun> {
  const run = await tryTool(tool, words, options);
  if (run.code === 0) return run;
  throw new Error(`${tool.path} ${words.join(" ")} ended with ${run.code}:\n${tail(run)}`);
}

/** As `runTool`, whatever its exit code. */
export async function tryTool(
  tool: Tool,
  words: readonly string[],
  options: ToolOptions = {},
): Promise<ToolRun> {
  const process = new Deno.Command(tool.path, {
    args: [...words],
    env: { ...ENVIRONMENT, ...options.environment },
    clearEnv: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).spawn();
  const fed = options.stdin === undefined ? undefined : feed(process.stdin, options.stdin);
  const { code, stdout, stderr } = await process.output();
  await fed;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function findVersion(path: string, words: readonly string[]): string | undefined {
  try {
    const { code, stdout, stderr } = new Deno.Command(path, { args: [...words] }).outputSync();
    if (code !== 0) return undefined;
    const said = new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
    return said.trim().split("\n")[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function feed(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  data: Uint8Array<ArrayBuffer> | string,
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await new Blob([bytes]).stream().pipeTo(stdin);
}

/** The end of what a tool said: where it failed. */
function tail({ stdout, stderr }: ToolRun): string {
  const charsMax = 3000;
  return `${stdout.slice(-charsMax)}\n${stderr.slice(-charsMax)}`;
}
