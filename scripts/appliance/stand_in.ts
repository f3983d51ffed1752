/** A program for the checks at the place of the executable: the bundle, run by Deno with the executable's permissions. */

import { bundle } from "../build/bundle.ts";
import { PERMISSIONS } from "../build/compile.ts";
import { Stage } from "../build/stage.ts";

/** Where the appliances have the executable. */
export const INSTALLED = "/usr/local/bin/zs3";

/** A folder with `zs3`, which starts the program, and what that needs. */
export class StandIn implements AsyncDisposable {
  readonly dir: string;

  /** Of the program that ZS3_TEST_PROGRAM names, else of a bundle that is made for it. */
  static async make(): Promise<StandIn> {
    const standIn = new StandIn(await Deno.makeTempDir({ prefix: "zs3-appliance-" }));
    try {
      await Deno.chmod(standIn.dir, 0o755);
      await standIn.#fill(Deno.env.get("ZS3_TEST_PROGRAM") ?? "");
    } catch (error) {
      await standIn[Symbol.asyncDispose]();
      throw error;
    }
    return standIn;
  }

  private constructor(dir: string) {
    this.dir = dir;
  }

  get program(): string {
    return `${this.dir}/zs3`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  async #fill(program: string): Promise<void> {
    if (program !== "" && !program.endsWith(".js")) {
      await Deno.copyFile(program, this.program);
      return;
    }
    if (program === "") await this.#bundle();
    else await Deno.copyFile(program, `${this.dir}/zs3.js`);
    // A copy, for the original may be in a home folder, which services don't see.
    await Deno.copyFile(Deno.execPath(), `${this.dir}/deno`);
    const line = `exec "$here/deno" run ${PERMISSIONS.join(" ")} "$here/zs3.js" "$@"`;
    await Deno.writeTextFile(this.program, `#!/bin/sh\nhere="\${0%/*}"\n${line}\n`, {
      mode: 0o755,
    });
    await Deno.chmod(this.program, 0o755);
  }

  async #bundle(): Promise<void> {
    await using stage = await Stage.make();
    await bundle(stage.dir, `${this.dir}/zs3.js`);
    await Deno.chmod(`${this.dir}/zs3.js`, 0o644);
  }
}
