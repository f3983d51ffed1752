/** What the figures are good for: the machine, the programs, the day. */

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  /** Of the folder in which all servers keep their data. */
  readonly fileSystem: string;
  readonly deno: string;
  /** With "+" when files differ from it. */
  readonly commit: string;
  readonly date: string;
}

const ROOT = new URL("../../", import.meta.url).pathname;

export async function describeMachine(dir: string): Promise<Machine> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo");
  const commit = await outputOf("git", ["-C", ROOT, "rev-parse", "--short", "HEAD"]);
  const changes = await outputOf("git", ["-C", ROOT, "status", "--porcelain", "src", "main.ts"]);
  return {
    cpu: /^model name\s*: (.+)$/m.exec(cpuInfo)?.[1] ?? "unknown",
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    fileSystem: await outputOf("findmnt", ["-no", "FSTYPE", "-T", dir]),
    deno: Deno.version.deno,
    commit: changes === "" ? commit : `${commit}+`,
    date: new Date().toISOString(),
  };
}

async function outputOf(program: string, args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
}
