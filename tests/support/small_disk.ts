/** A file system with little room, mounted for a test where that is allowed. */

import { TempDir } from "./temp_dir.ts";

export type DiskKind = "tmpfs" | "ext4";

export class SmallDisk implements AsyncDisposable {
  readonly #temp: TempDir;

  private constructor(temp: TempDir) {
    this.#temp = temp;
  }

  /** Throws what the system says when it refuses. */
  static async mount(kind: DiskKind, sizeMiB: number): Promise<SmallDisk> {
    const temp = await TempDir.make();
    const disk = new SmallDisk(temp);
    try {
      await Deno.mkdir(disk.path);
      if (kind === "tmpfs") {
        await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "zs3-test", disk.path]);
      } else {
        const image = `${temp.path}/image`;
        await run("truncate", ["-s", `${sizeMiB}M`, image]);
        await run("mkfs.ext4", ["-q", "-m", "0", image]);
        await run("mount", ["-o", "loop", image, disk.path]);
      }
    } catch (error) {
      await temp[Symbol.asyncDispose]();
      throw error;
    }
    return disk;
  }

  get path(): string {
    return `${this.#temp.path}/disk`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a program that was just killed may still hold it for a moment.
    await run("umount", ["-l", this.path]);
    await this.#temp[Symbol.asyncDispose]();
  }
}

/** Whether such a disk can be mounted here. When it can't, prints why the tests of it are skipped. */
export async function isMountable(kind: DiskKind): Promise<boolean> {
  try {
    await using _disk = await SmallDisk.mount(kind, 16);
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`SKIPPED: no ${kind} disk: ${reason}\n`));
    return false;
  }
}

async function run(program: string, words: readonly string[]): Promise<void> {
  const command = new Deno.Command(program, { args: [...words], stdin: "null" });
  const { code, stderr } = await command.output();
  if (code === 0) return;
  throw new Error(`${program} ended with ${code}: ${new TextDecoder().decode(stderr).trim()}`);
}
