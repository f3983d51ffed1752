/**
 * rclone, as the provider "Other" (path-style addresses, lists by v1, unencoded) and as "AWS" (virtual-host addresses, v2, encoded).
 * "AWS" speaks to bucket.localhost, which it reaches through a proxy: over http that is the server itself, so targets are absolute.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { patternBytes, sha256 } from "../support/bytes.ts";
import { ConnectProxy } from "../support/connect_proxy.ts";
import type { Program } from "../support/program.ts";
import { type Running, testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool, type Tool } from "../support/tools.ts";
import {
  assertSameTree,
  assertSameTreeSoon,
  BIG_TREE,
  makeTree,
  SMALL_TREE,
} from "../support/tree.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MiB = 1024 * 1024;
const DEEP_FILE = `deep${"/d".repeat(40)}/end`;
const found = findTool("rclone", ["version"]);

for (const provider of ["Other", "AWS"] as const) {
  testOverBothSchemes(`rclone as ${provider}`, async ({ program, isTls, step }) => {
    if (found === undefined) return;
    await using temp = await TempDir.make();
    await using proxy = new ConnectProxy();
    const isBig = isTls === (provider === "Other");
    await makeTree(`${temp.path}/tree`, isBig ? BIG_TREE : SMALL_TREE);
    const environment = provider === "Other" ? pathStyle(program) : virtualHosts(program, proxy);
    const rclone = new Rclone(found, temp.path, { ...settings(program), ...environment });
    await syncUpAndDown(rclone, program, step);
    await workOnFiles(rclone, step);
    if (provider === "Other") await shareLink(rclone, program, step);
    await removeAll(rclone, step);
  }, { ignore: found === undefined, flags: ["--domain=localhost"] });
}

/** The command, run in a temporary folder that holds `tree`. */
class Rclone {
  readonly #tool: Tool;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(tool: Tool, readonly dir: string, environment: Readonly<Record<string, string>>) {
    this.#tool = tool;
    this.#environment = environment;
  }

  /** What it printed. */
  async run(...words: readonly string[]): Promise<string> {
    const options = { environment: this.#environment, cwd: this.dir };
    return (await runTool(this.#tool, words, options)).stdout;
  }

  async pipe(stdin: Uint8Array<ArrayBuffer>, ...words: readonly string[]): Promise<void> {
    const options = { environment: this.#environment, cwd: this.dir, stdin };
    await runTool(this.#tool, words, options);
  }

  /** Number of files that it says it has copied. */
  async sync(from: string, to: string): Promise<number> {
    const options = { environment: this.#environment, cwd: this.dir };
    const { stderr } = await runTool(this.#tool, ["sync", "-v", from, to], options);
    return stderr.match(/: (Multi-thread )?Copied /g)?.length ?? 0;
  }
}

function settings(program: Program): Record<string, string> {
  return {
    RCLONE_CONFIG: "/dev/null",
    RCLONE_CONFIG_Z_TYPE: "s3",
    RCLONE_CONFIG_Z_ACCESS_KEY_ID: "minioadmin",
    RCLONE_CONFIG_Z_SECRET_ACCESS_KEY: "minioadmin",
    RCLONE_S3_UPLOAD_CUTOFF: "10Mi",
    RCLONE_RETRIES: "1",
    RCLONE_LOW_LEVEL_RETRIES: "1",
    ...(program.authorityFile === undefined ? {} : { RCLONE_CA_CERT: program.authorityFile }),
  };
}

function pathStyle(program: Program): Record<string, string> {
  return { RCLONE_CONFIG_Z_PROVIDER: "Other", RCLONE_CONFIG_Z_ENDPOINT: program.url };
}

function virtualHosts(program: Program, proxy: ConnectProxy): Record<string, string> {
  return {
    RCLONE_CONFIG_Z_PROVIDER: "AWS",
    RCLONE_CONFIG_Z_REGION: "us-east-1",
    RCLONE_CONFIG_Z_ENDPOINT: program.url.replace("127.0.0.1", "localhost"),
    HTTP_PROXY: program.url,
    HTTPS_PROXY: proxy.url,
  };
}

async function syncUpAndDown(
  rclone: Rclone,
  program: Program,
  step: Running["step"],
): Promise<void> {
  const tree = `${rclone.dir}/tree`;
  const stored = `${program.dataDir}/tree/up`;

  await step("sync up: the files lie on disk as they are", async () => {
    await rclone.run("sync", "tree", "z:tree/up");
    await assertSameTreeSoon(stored, tree);
  });

  await step("check: by hash, and by reading every byte", async () => {
    await rclone.run("check", "tree", "z:tree/up");
    await rclone.run("check", "--download", "tree/names", "z:tree/up/names");
  });

  await step("sync down: byte for byte", async () => {
    await rclone.run("sync", "z:tree/up", "down");
    await assertSameTree(`${rclone.dir}/down`, tree);
  });

  await step("sync again, up and down: nothing to do", async () => {
    assertEquals(await rclone.sync("tree", "z:tree/up"), 0);
    assertEquals(await rclone.sync("z:tree/up", "down"), 0);
  });

  await step("a local change travels, and a local removal", async () => {
    await Deno.writeTextFile(`${tree}/sizes/0.bin`, "changed");
    await Deno.remove(`${tree}/sizes/1.bin`);
    assertEquals(await rclone.sync("tree", "z:tree/up"), 1);
    await assertSameTreeSoon(stored, tree);
  });
}

async function workOnFiles(rclone: Rclone, step: Running["step"]): Promise<void> {
  await step("a pipe, and back", async () => {
    const bytes = patternBytes(12 * MiB);
    await rclone.pipe(bytes, "rcat", "z:tree/piped");
    await rclone.run("copyto", "z:tree/piped", "piped");
    assertEquals(sha256(await Deno.readFile(`${rclone.dir}/piped`)), sha256(bytes));
  });

  await step("parts of a file", async () => {
    const file = "z:tree/up/names/with space.txt";
    assertEquals(await rclone.run("cat", "--offset=5", "--count=5", file), "space");
    assertEquals(await rclone.run("cat", "--tail=4", file), ".txt");
  });

  await step("a move and a new time", async () => {
    await rclone.run("moveto", "z:tree/piped", "z:tree/sub folder/moved");
    await rclone.run("touch", "-t", "2020-02-03T04:05:06", "z:tree/sub folder/moved");
    const [file] = JSON.parse(await rclone.run("lsjson", "z:tree/sub folder"));
    assertEquals([file.Name, file.Size], ["moved", 12 * MiB]);
    assertMatch(file.ModTime, /^2020-02-03T04:05:06/);
  });
}

async function shareLink(
  rclone: Rclone,
  program: Program,
  step: Running["step"],
): Promise<void> {
  await step("a link for those without keys", async () => {
    using plain = openFetch(program);
    const link = await rclone.run("link", "--expire=1m", `z:tree/up/${DEEP_FILE}`);
    assertEquals(await plain.text(link.trim()), { status: 200, text: "deep" });
  });
}

async function removeAll(rclone: Rclone, step: Running["step"]): Promise<void> {
  await step("folders are listed, deleted and purged", async () => {
    assertEquals(await rclone.run("lsf", "z:tree/up"), "deep/\nnames/\nreal/\nsizes/\n");
    await rclone.run("delete", "z:tree/up/names");
    assertEquals(await rclone.run("lsf", "z:tree/up"), "deep/\nreal/\nsizes/\n");
    await rclone.run("cleanup", "z:tree");
    await rclone.run("purge", "z:tree");
    assertEquals(await rclone.run("lsf", "z:"), "");
  });
}
