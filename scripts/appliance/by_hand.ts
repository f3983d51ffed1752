/** Starts a service's command as its manager would, and sees whether it serves, takes a reload and ends well. */

import { expectCode, expectService, READY_LINE, VARIABLES } from "./expect.ts";

export interface Service {
  readonly command: readonly string[];
  /** Besides this process' own and those of all checks. */
  readonly environment: Readonly<Record<string, string>>;
  /** Asked beside the program's own health paths while it runs. */
  readonly whileRunning?: (url: string) => Promise<void>;
}

/** Throws what is wrong. Where the data are is the caller's business. */
export async function runByHand(service: Service): Promise<void> {
  const [program = "", ...args] = service.command;
  const process = new Deno.Command(program, {
    args,
    env: { ...VARIABLES, ...service.environment },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const url = await readUrl(process.stdout);
    await expectService(url);
    process.kill("SIGHUP");
    await expectService(url);
    await service.whileRunning?.(url);
    process.kill("SIGTERM");
    expectCode((await process.status).code, service.command.join(" "));
  } finally {
    await kill(process);
  }
}

async function readUrl(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let said = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    const [, url] = READY_LINE.exec(said) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`it ended before it was ready:\n${said}`);
}

async function kill(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
  await process.status;
}
