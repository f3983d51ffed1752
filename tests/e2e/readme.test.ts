/** README's chapter for operators is true: its commands are run as they stand there, beside a running server. */

import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool } from "../support/tools.ts";

const ROOT = new URL("../../", import.meta.url);
const CHAPTER = "Operating";
/** How README calls the server. */
const ADDRESS = "localhost:9000";

/** The shell commands of the chapter, one text for each block. */
async function readBlocks(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("README.md", ROOT));
  const [, chapter = ""] = text.split(`\n## ${CHAPTER}\n`);
  const [own = ""] = chapter.split("\n## ");
  return Array.from(own.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = ""]) => block);
}

/** A folder for PATH in which `zs3` is this program. */
async function makeShim(dir: string): Promise<string> {
  const bin = `${dir}/bin`;
  await Deno.mkdir(bin);
  const main = new URL("main.ts", ROOT).pathname;
  await Deno.writeTextFile(
    `${bin}/zs3`,
    `#!/bin/sh\nexec "${Deno.execPath()}" run -A "${main}" "$@"\n`,
  );
  await Deno.chmod(`${bin}/zs3`, 0o755);
  return bin;
}

Deno.test("the operator's commands in README do what it says", async (t) => {
  const blocks = await readBlocks();
  assert(blocks.length >= 6, `${blocks.length} blocks of commands`);
  await using temp = await TempDir.make();
  const bin = await makeShim(temp.path);
  const config = `${temp.path}/served.json`;
  await Deno.writeTextFile(config, '{ "acl": ["reader:r:its-long-secret"] }');
  await using program = await Program.start({
    dataDir: `${temp.path}/data`,
    flags: ["--buckets=photos", `--config=${config}`],
  });
  const { port } = new URL(program.url);
  await Deno.writeTextFile(`${temp.path}/data/photos/hello.txt`, "hello");
  const hasCurl = findTool("curl") !== undefined;
  for (const block of blocks) {
    const [name = ""] = block.split("\n");
    await t.step({ name, ignore: !hasCurl && block.includes("curl "), fn: () => run(block) });
  }
  assertEquals(await Deno.readTextFile(`${temp.path}/backup/photos/hello.txt`), "hello");
  assertEquals((await program.stop()).code, 0);

  async function run(block: string): Promise<void> {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", block.replaceAll(ADDRESS, `127.0.0.1:${port}`)],
      cwd: temp.path,
      env: {
        PATH: `${bin}:${Deno.env.get("PATH") ?? ""}`,
        ZS3_PID: String(program.pid),
        ZS3_PORT: port,
      },
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, 0, said);
    assert(!said.includes("a-long-secret") && !said.includes("its-long-secret"), said);
  }
});
