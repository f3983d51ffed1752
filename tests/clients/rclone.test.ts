/** rclone, as the provider "Other" (lists by v1, unencoded) and as "AWS". */

import { assertEquals, assertMatch } from "@std/assert";
import { patternBytes, sha256 } from "../support/bytes.ts";
import type { Program } from "../support/program.ts";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool, type Tool, type ToolRun } from "../support/tools.ts";
import {
  assertSameTree,
  assertSameTreeSoon,
  BIG_TREE,
  makeTree,
  SMALL_TREE,
} from "../support/tree.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MiB = 1024 * 1024;
const tool = findTool("rclone", ["version"]);

for (const provider of ["Other", "AWS"]) {
  testOverBothSchemes(`rclone as ${provider}`, async ({ program, isTls, step }) => {
    if (tool === undefined) return;
    await using temp = await TempDir.make();
    const tree = `${temp.path}/tree`;
    await makeTree(tree, isTls === (provider === "Other") ? BIG_TREE : SMALL_TREE);
    const rclone = remote(tool, program, provider, temp.path);

    await step("sync up: the files lie on disk as they are", async () => {
      await rclone("sync", "tree", "z:tree/up");
      await assertSameTreeSoon(`${program.dataDir}/tree/up`, tree);
    });

    await step("sync up again: nothing to do", async () => {
      assertEquals(transfers(await rclone("sync", "-v", "tree", "z:tree/up")), 0);
    });

    await step("check: by hash, and by reading every byte", async () => {
      await rclone("check", "tree", "z:tree/up");
      await rclone("check", "--download", "tree/names", "z:tree/up/names");
    });

    await step("sync down: byte for byte, and again: nothing to do", async () => {
      await rclone("sync", "z:tree/up", "down");
      await assertSameTree(`${temp.path}/down`, tree);
      assertEquals(transfers(await rclone("sync", "-v", "z:tree/up", "down")), 0);
    });

    await step("a local change travels, and a local removal", async () => {
      await Deno.writeTextFile(`${tree}/sizes/0.bin`, "changed");
      await Deno.remove(`${tree}/sizes/1.bin`);
      assertEquals(transfers(await rclone("sync", "-v", "tree", "z:tree/up")), 1);
      await assertSameTreeSoon(`${program.dataDir}/tree/up`, tree);
    });

    await step("pipes, parts of a file, times, moves and links", async () => {
      const bytes = patternBytes(12 * MiB);
      await runTool(tool, ["rcat", "z:tree/piped"], {
        ...settings(program, provider, temp.path),
        stdin: bytes,
      });
      await rclone("copyto", "z:tree/piped", "piped");
      assertEquals(sha256(await Deno.readFile(`${temp.path}/piped`)), sha256(bytes));
      await rclone("moveto", "z:tree/piped", "z:tree/sub folder/moved");
      await rclone("touch", "-t", "2020-02-03T04:05:06", "z:tree/sub folder/moved");
      const [file] = JSON.parse((await rclone("lsjson", "z:tree/sub folder")).stdout);
      assertEquals([file.Name, file.Size], ["moved", bytes.length]);
      assertMatch(file.ModTime, /^2020-02-03T04:05:06/);
      const part = await rclone(
        "cat",
        "--offset=100",
        "--count=3",
        "z:tree/up/names/with space.txt",
      );
      assertEquals(part.stdout, "");
      const tail = await rclone("cat", "--tail=4", "z:tree/up/names/with space.txt");
      assertEquals(tail.stdout, ".txt");
      using plain = openFetch(program);
      const link =
        (await rclone("link", "--expire=1m", "z:tree/up/deep" + "/d".repeat(40) + "/end"))
          .stdout.trim();
      assertEquals(await plain.text(link), { status: 200, text: "deep" });
    });

    await step("folders are listed, deleted and purged", async () => {
      assertMatch(
        (await rclone("lsf", "z:tree/up")).stdout,
        /^deep\/\nnames\/\nreal\/\nsizes\/\n$/,
      );
      await rclone("delete", "z:tree/up/names");
      await rclone("cleanup", "z:tree");
      await rclone("purge", "z:tree");
      assertEquals((await rclone("lsf", "z:")).stdout, "");
    });
  }, { ignore: tool === undefined });
}

function remote(
  tool: Tool,
  program: Program,
  provider: string,
  dir: string,
): (...words: readonly string[]) => Promise<ToolRun> {
  return (...words) => runTool(tool, words, settings(program, provider, dir));
}

function settings(program: Program, provider: string, cwd: string) {
  const environment = {
    RCLONE_CONFIG: "/dev/null",
    RCLONE_CONFIG_Z_TYPE: "s3",
    RCLONE_CONFIG_Z_PROVIDER: provider,
    RCLONE_CONFIG_Z_ENDPOINT: program.url,
    RCLONE_CONFIG_Z_ACCESS_KEY_ID: "minioadmin",
    RCLONE_CONFIG_Z_SECRET_ACCESS_KEY: "minioadmin",
    RCLONE_CONFIG_Z_FORCE_PATH_STYLE: "true",
    RCLONE_S3_UPLOAD_CUTOFF: "10Mi",
    RCLONE_RETRIES: "1",
    RCLONE_LOW_LEVEL_RETRIES: "1",
    ...(program.authorityFile === undefined ? {} : { RCLONE_CA_CERT: program.authorityFile }),
  };
  return { environment, cwd };
}

/** Files that a verbose run says it has moved. */
function transfers({ stderr }: ToolRun): number {
  return stderr.match(/: (Copied|Multi-thread Copied|Updated|Deleted) /g)?.filter((said) =>
    !said.includes("Deleted")
  ).length ?? 0;
}
