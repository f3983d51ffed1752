/** restic: a backup of a tree, verified to the last byte, restored, thinned out. */

import { assertEquals, assertMatch } from "@std/assert";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool } from "../support/tools.ts";
import { assertSameTree, BIG_TREE, makeTree, SMALL_TREE } from "../support/tree.ts";

const tool = findTool("restic", ["version"]);

testOverBothSchemes("restic", async ({ program, isTls, step }) => {
  if (tool === undefined) return;
  await using temp = await TempDir.make();
  await makeTree(`${temp.path}/tree`, isTls ? SMALL_TREE : BIG_TREE);
  const environment = {
    RESTIC_REPOSITORY: `s3:${program.url}/backups/repo`,
    RESTIC_PASSWORD: "test",
    RESTIC_CACHE_DIR: `${temp.path}/cache`,
    AWS_ACCESS_KEY_ID: "minioadmin",
    AWS_SECRET_ACCESS_KEY: "minioadmin",
  };
  const trust = program.authorityFile === undefined ? [] : [`--cacert=${program.authorityFile}`];
  const restic = async (...words: readonly string[]) =>
    (await runTool(tool, [...trust, ...words], { environment, cwd: temp.path })).stdout;

  await step("backup", async () => {
    await restic("init");
    await restic("backup", "tree");
    assertMatch(await restic("check", "--read-data"), /no errors were found/);
  });

  await step("a second backup adds only what changed", async () => {
    await Deno.writeTextFile(`${temp.path}/tree/sizes/0.bin`, "changed");
    assertMatch(await restic("backup", "tree"), /Files: +0 new, +1 changed,/);
  });

  await step("restore: byte for byte", async () => {
    await restic("restore", "latest", "--target=restored");
    await assertSameTree(`${temp.path}/restored/tree`, `${temp.path}/tree`);
  });

  await step("forget and prune", async () => {
    await restic("forget", "--keep-last=1", "--prune");
    assertEquals(JSON.parse(await restic("snapshots", "--json")).length, 1);
    assertMatch(await restic("check", "--read-data", "--no-cache"), /no errors were found/);
  });
}, { ignore: tool === undefined });
