/** The unit: what systemd says of it, its command by hand, and the whole of it under a systemd of its own in namespaces. */

import { runByHand } from "./by_hand.ts";
import { expectService, READY_LINE, VARIABLES } from "./expect.ts";
import { INSTALLED, type StandIn } from "./stand_in.ts";
import { runTool, Skipped } from "./tool.ts";

const UNIT = new URL("zs3.service", import.meta.url);
/** `systemd-analyze security` counts from 0, well confined, to 100. */
const EXPOSURE_MAX = 15;
const START_MS_MAX = 30_000;

/** By `systemd-analyze`; the unit's executable is the stand-in, for that must be there. */
export async function verifyUnit(standIn: StandIn): Promise<string> {
  const unit = `${standIn.dir}/zs3.service`;
  const text = await Deno.readTextFile(UNIT);
  await Deno.writeTextFile(unit, text.replaceAll(INSTALLED, standIn.program));
  const said = await runTool("systemd-analyze", ["verify", "--man=no", unit]);
  if (said !== "") throw new Error(said);
  const security = await runTool("systemd-analyze", [
    "security",
    "--no-pager",
    "--offline=true",
    `--threshold=${EXPOSURE_MAX}`,
    unit,
  ]);
  return /Overall exposure level for \S+: \S+/.exec(security)?.[0] ?? "";
}

export async function runUnitByHand(standIn: StandIn): Promise<void> {
  const text = await Deno.readTextFile(UNIT);
  const dir = await Deno.makeTempDir();
  const environment = Object.fromEntries(
    valuesOf(text, "Environment").map((pair) => pair.replace("%S", dir).split("=", 2)),
  );
  const [command = ""] = valuesOf(text, "ExecStart");
  try {
    await runByHand({
      command: command.replace(INSTALLED, standIn.program).split(" "),
      environment: environment,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function valuesOf(unit: string, name: string): string[] {
  return unit.split("\n").filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

/**
 * A systemd that has nothing but this unit, as it is: its user, its confinement, reload and stop. The network is this machine's.
 * Throws Skipped where such a one can't be started.
 */
export async function bootUnit(standIn: StandIn): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "zs3-systemd-" });
  try {
    await requireNamespaces();
    await using manager = new Manager(standIn, dir);
    const url = await manager.ready();
    await expectService(url);
    await manager.control("reload");
    await expectService(url);
    const pid = await manager.show("MainPID");
    const status = await manager.command("cat", `/proc/${pid}/status`);
    await manager.expectReadOnly(pid, "/usr/local/probe");
    await manager.control("stop");
    const result = [await manager.show("Result"), await manager.show("ExecMainStatus")];
    if (result.join() !== "success,0") throw new Error(`the service ended with ${result}`);
    return describe(status);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function requireNamespaces(): Promise<void> {
  try {
    await runTool("unshare", [
      "--mount",
      "--pid",
      "--cgroup",
      "--fork",
      "mount",
      "--make-rprivate",
      "/",
    ]);
    await Deno.stat("/lib/systemd/systemd");
  } catch (error) {
    if (error instanceof Skipped) throw error;
    throw new Skipped("namespaces or systemd can't be had here", { cause: error });
  }
}

/** Throws unless the kernel confines the process as the unit says. */
function describe(status: string): string {
  const value = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1] ?? "";
  const seen = {
    NoNewPrivs: value("NoNewPrivs"),
    Seccomp: value("Seccomp"),
    CapBnd: value("CapBnd"),
  };
  if (
    seen.NoNewPrivs !== "1" || seen.Seccomp !== "2" || /[^0]/.test(seen.CapBnd) ||
    value("Uid") === "0"
  ) {
    throw new Error(`the process isn't confined: ${JSON.stringify(seen)}`);
  }
  return `user ${value("Uid")}, no capabilities, system calls filtered`;
}

class Manager implements AsyncDisposable {
  readonly #dir: string;
  readonly #process: Deno.ChildProcess;

  constructor(standIn: StandIn, dir: string) {
    this.#dir = dir;
    const script = new URL("boot_systemd.sh", import.meta.url).pathname;
    const flags = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--mount-proc"];
    this.#process = new Deno.Command("unshare", {
      args: [...flags, "--fork", "--kill-child", "sh", script, UNIT.pathname, standIn.dir, dir],
      env: VARIABLES,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Its URL. Throws what the service has said instead. */
  async ready(): Promise<string> {
    const end = Date.now() + START_MS_MAX;
    while (Date.now() < end) {
      const [, url] = READY_LINE.exec(await readOr(`${this.#dir}/out`)) ?? [];
      if (url !== undefined) return url.replace("0.0.0.0", "127.0.0.1");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`not ready under systemd:\n${await readOr(`${this.#dir}/err`)}`);
  }

  async control(verb: string): Promise<void> {
    await this.command("systemctl", verb, "zs3.service");
  }

  async show(property: string): Promise<string> {
    return await this.command(
      "systemctl",
      "show",
      "--value",
      `--property=${property}`,
      "zs3.service",
    );
  }

  /** The service can't write there, whoever it is. */
  async expectReadOnly(pid: string, path: string): Promise<void> {
    const said = await this.command("nsenter", `--target=${pid}`, "--mount", "touch", path)
      .catch(String);
    if (!String(said).includes("Read-only file system")) throw new Error(`${path}: ${said}`);
  }

  /** Runs it inside. */
  async command(...words: readonly string[]): Promise<string> {
    const pid = (await Deno.readTextFile(
      `/proc/${this.#process.pid}/task/${this.#process.pid}/children`,
    )).trim();
    return await runTool("nsenter", [`--target=${pid}`, "--mount", "--pid", "--", ...words]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#process.status;
  }
}

async function readOr(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
