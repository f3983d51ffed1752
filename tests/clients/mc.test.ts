/** mc, MinIO's command-line client: a tree mirrored up and down, pipes, copies, tags, shares, and a bucket removed by force. */

import { assertEquals, assertMatch } from "@std/assert";
import { patternBytes, sha256 } from "../support/bytes.ts";
import type { Program } from "../support/program.ts";
import { type Running, testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findOptionalTool, runTool, type Tool } from "../support/tools.ts";
import { assertSameTree, assertSameTreeSoon, makeTree, SMALL_TREE } from "../support/tree.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MiB = 1024 * 1024;
const found = findOptionalTool("mc", ["--version"], /RELEASE|DEVELOPMENT/);

testOverBothSchemes("mc", async ({ program, step }) => {
  if (found === undefined) return;
  await using temp = await TempDir.make();
  await makeTree(`${temp.path}/tree`, SMALL_TREE);
  await trust(program, temp.path);
  const mc = new Mc(found, program, temp.path);
  await mirrorUpAndDown(mc, program, step);
  await workOnObjects(mc, program, step);
}, { ignore: found === undefined });

/** The command, run in a temporary folder that holds `tree`; the server is `z`. */
class Mc {
  readonly #tool: Tool;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(tool: Tool, program: Program, readonly dir: string) {
    this.#tool = tool;
    this.#environment = { MC_HOST_z: program.url.replace("://", "://minioadmin:minioadmin@") };
  }

  /** What it printed. */
  async run(...words: readonly string[]): Promise<string> {
    return (await runTool(this.#tool, this.#words(words), this.#options())).stdout;
  }

  async pipe(stdin: Uint8Array<ArrayBuffer>, ...words: readonly string[]): Promise<void> {
    await runTool(this.#tool, this.#words(words), { ...this.#options(), stdin });
  }

  #options() {
    return { environment: this.#environment, cwd: this.dir };
  }

  #words(words: readonly string[]): string[] {
    return [`--config-dir=${this.dir}/mc`, ...words];
  }
}

async function trust({ authorityFile }: Program, dir: string): Promise<void> {
  if (authorityFile === undefined) return;
  await Deno.mkdir(`${dir}/mc/certs/CAs`, { recursive: true });
  await Deno.copyFile(authorityFile, `${dir}/mc/certs/CAs/authority.pem`);
}

async function mirrorUpAndDown(mc: Mc, program: Program, step: Running["step"]): Promise<void> {
  await step("mirror up: the files lie on disk as they are", async () => {
    await mc.run("mb", "z/tree");
    await mc.run("mirror", "--quiet", "tree", "z/tree/up");
    await assertSameTreeSoon(`${program.dataDir}/tree/up`, `${mc.dir}/tree`);
  });

  await step("mirror down: byte for byte", async () => {
    await mc.run("mirror", "--quiet", "z/tree/up", "down");
    await assertSameTree(`${mc.dir}/down`, `${mc.dir}/tree`);
  });

  await step("mirror again, up and down: nothing to do", async () => {
    for (const [from, to] of [["tree", "z/tree/up"], ["z/tree/up", "down"]] as const) {
      const said = await mc.run("mirror", "--json", from, to);
      assertEquals(said.match(/"source"/g), null, said);
    }
  });
}

async function workOnObjects(mc: Mc, program: Program, step: Running["step"]): Promise<void> {
  await step("a pipe, and back", async () => {
    const bytes = patternBytes(18 * MiB);
    await mc.pipe(bytes, "pipe", "z/tree/piped");
    await mc.run("cp", "--quiet", "z/tree/piped", "piped");
    assertEquals(sha256(await Deno.readFile(`${mc.dir}/piped`)), sha256(bytes));
  });

  await step("copies, moves and facts", async () => {
    await mc.run("cp", "--quiet", "z/tree/piped", "z/tree/copied");
    await mc.run("mv", "--quiet", "z/tree/copied", "z/tree/moved");
    const stat = JSON.parse(await mc.run("stat", "--json", "z/tree/moved"));
    assertEquals(stat.size, 18 * MiB);
    await mc.run("tag", "set", "z/tree/moved", "a=b&c=d");
    const tags = JSON.parse(await mc.run("tag", "list", "--json", "z/tree/moved"));
    assertEquals(tags.tagset, { a: "b", c: "d" });
  });

  await step("a share for those without keys", async () => {
    using plain = openFetch(program);
    const said = await mc.run("share", "download", "--json", "z/tree/up/names/with space.txt");
    assertEquals(await plain.text(JSON.parse(said).share), { status: 200, text: "with space.txt" });
  });

  await step("a bucket removed by force", async () => {
    assertMatch(await mc.run("ls", "z"), / tree\/\n$/);
    await mc.run("rb", "--force", "z/tree");
    assertEquals(await mc.run("ls", "z"), "");
  });
}
