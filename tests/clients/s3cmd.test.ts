/** s3cmd: one request at a time, `x-amz-acl: private` on each PUT, MD5 against ETag. */

import { assertEquals, assertMatch } from "@std/assert";
import type { Program } from "../support/program.ts";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool } from "../support/tools.ts";
import { assertSameTree, assertSameTreeSoon, makeTree, SMALL_TREE } from "../support/tree.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const tool = findTool("s3cmd");

testOverBothSchemes("s3cmd", async ({ program, step }) => {
  if (tool === undefined) return;
  await using temp = await TempDir.make();
  const tree = `${temp.path}/tree`;
  await makeTree(tree, SMALL_TREE);
  await Deno.writeTextFile(`${temp.path}/s3cfg`, configuration(program));
  const s3cmd = async (...words: readonly string[]) =>
    (await runTool(tool, [`--config=${temp.path}/s3cfg`, ...words], { cwd: temp.path })).stdout;

  await step("sync up: the files lie on disk as they are", async () => {
    await s3cmd("mb", "s3://tree");
    assertMatch(await s3cmd("info", "s3://tree"), /Location: +us-east-1/);
    await s3cmd("sync", "--quiet", "tree/", "s3://tree/up/");
    await assertSameTreeSoon(`${program.dataDir}/tree/up`, tree);
  });

  await step("sync up again: nothing to do", async () => {
    assertEquals(await s3cmd("sync", "tree/", "s3://tree/up/"), "");
  });

  await step("sync down: byte for byte, and again: nothing to do", async () => {
    await s3cmd("sync", "--quiet", "s3://tree/up/", "down/");
    await assertSameTree(`${temp.path}/down`, tree);
    assertEquals(await s3cmd("sync", "s3://tree/up/", "down/"), "");
  });

  await step("copies, moves, metadata, access", async () => {
    const [from, to] = ["s3://tree/up/names/plus+plus.txt", "s3://tree/copied ü"];
    await s3cmd("cp", from, to);
    await s3cmd("mv", to, "s3://tree/moved");
    await s3cmd("modify", "--add-header=x-amz-meta-a:b", "s3://tree/moved");
    assertMatch(await s3cmd("info", "s3://tree/moved"), /x-amz-meta-a: +b/);
    using plain = openFetch(program);
    assertEquals((await plain.text(`${program.url}/tree/moved`)).status, 403);
    await s3cmd("setacl", "--acl-public", "s3://tree/moved");
    assertEquals((await plain.text(`${program.url}/tree/moved`)).text, "plus+plus.txt");
    await s3cmd("setacl", "--acl-private", "s3://tree/moved");
    assertEquals((await plain.text(`${program.url}/tree/moved`)).status, 403);
  });

  await step("a signed URL, by Signature Version 2", async () => {
    using plain = openFetch(program);
    const url = await s3cmd("signurl", "s3://tree/up/names/plus+plus.txt", "+60");
    assertEquals((await plain.text(url.trim())).text, "plus+plus.txt");
  });

  await step("all removed", async () => {
    assertMatch(await s3cmd("du", "s3://tree"), /^ *\d+ +\d+ objects/);
    await s3cmd("rb", "--recursive", "--force", "s3://tree");
    assertEquals(await s3cmd("ls"), "");
  });
}, { ignore: tool === undefined });

function configuration(program: Program): string {
  const { host } = new URL(program.url);
  const isTls = program.authorityFile === undefined ? "False" : "True";
  return [
    "[default]",
    "access_key = minioadmin",
    "secret_key = minioadmin",
    `host_base = ${host}`,
    `host_bucket = ${host}`,
    `use_https = ${isTls}`,
    `signurl_use_https = ${isTls}`,
    `ca_certs_file = ${program.authorityFile ?? ""}`,
    "",
  ].join("\n");
}
