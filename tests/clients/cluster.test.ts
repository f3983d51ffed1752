/** Ready-made clients on a cluster: what each wrote over one node it finds over another, with that one killed. */

import { assertEquals, assertMatch } from "@std/assert";
import { LocalCluster } from "../support/local_cluster.ts";
import type { Program } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool, type Tool } from "../support/tools.ts";
import { assertSameTree, makeTree, SMALL_TREE } from "../support/tree.ts";

const BOTO3_SCRIPT = new URL("boto3_session.py", import.meta.url).pathname;
const AWS_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: "minioadmin",
  AWS_SECRET_ACCESS_KEY: "minioadmin",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  AWS_EC2_METADATA_DISABLED: "true",
};

interface World {
  readonly nodes: readonly [Program, Program, Program];
  /** Holds `tree`. */
  readonly dir: string;
  /** Runs a tool at a node's endpoint in `dir`; gives what it printed. */
  readonly run: (node: Program, ...words: readonly string[]) => Promise<string>;
}

function testClient(
  name: string,
  tool: Tool | undefined,
  environmentOf: (node: Program, dir: string) => Record<string, string>,
  test: (world: World) => Promise<void>,
): void {
  Deno.test({ name: `${name} on three nodes`, ignore: tool === undefined }, async () => {
    if (tool === undefined) return;
    await using temp = await TempDir.make();
    const { path: dir } = temp;
    await makeTree(`${dir}/tree`, SMALL_TREE);
    await using cluster = await LocalCluster.start({
      nodes: 3,
      flags: ["--gossip-interval-ms=500"],
    });
    const run = async (node: Program, ...words: readonly string[]) =>
      (await runTool(tool, words, { environment: environmentOf(node, dir), cwd: dir })).stdout;
    try {
      await test({ nodes: [cluster.node(1), cluster.node(2), cluster.node(3)], dir, run });
    } catch (cause) {
      throw new Error(`${cause}\n${cluster.logs()}`, { cause });
    }
  });
}

async function kill(node: Program): Promise<void> {
  await node.stop("SIGKILL");
}

testClient(
  "aws-cli",
  findTool("aws"),
  () => ({ ...AWS_ENVIRONMENT, AWS_PAGER: "" }),
  async ({ nodes: [first, second, third], dir, run }) => {
    // The version 2 that Debian has doesn't read AWS_ENDPOINT_URL yet.
    const s3 = (node: Program, ...words: readonly string[]) =>
      run(node, "--endpoint-url", node.url, "s3", ...words);
    await s3(first, "mb", "s3://tree");
    await s3(first, "sync", "tree", "s3://tree/up", "--only-show-errors");
    assertEquals(await s3(second, "sync", "tree", "s3://tree/up"), "");
    await s3(second, "rm", "s3://tree/up/sizes/2.bin", "--only-show-errors");
    await Deno.remove(`${dir}/tree/sizes/2.bin`);
    await kill(first);
    await s3(third, "sync", "s3://tree/up", "down", "--only-show-errors");
    await assertSameTree(`${dir}/down`, `${dir}/tree`);
    await s3(second, "rb", "--force", "s3://tree");
    assertEquals(await s3(third, "ls"), "");
  },
);

testClient(
  "rclone",
  findTool("rclone", ["version"]),
  ({ url }) => ({
    RCLONE_CONFIG: "/dev/null",
    RCLONE_CONFIG_Z_TYPE: "s3",
    RCLONE_CONFIG_Z_PROVIDER: "Other",
    RCLONE_CONFIG_Z_ENDPOINT: url,
    RCLONE_CONFIG_Z_ACCESS_KEY_ID: "minioadmin",
    RCLONE_CONFIG_Z_SECRET_ACCESS_KEY: "minioadmin",
    RCLONE_S3_UPLOAD_CUTOFF: "10Mi",
    RCLONE_RETRIES: "1",
    RCLONE_LOW_LEVEL_RETRIES: "1",
  }),
  async ({ nodes: [first, second, third], dir, run }) => {
    await run(first, "sync", "tree", "z:tree/up");
    await run(second, "check", "tree", "z:tree/up");
    await kill(second);
    await run(third, "check", "--download", "tree", "z:tree/up");
    await run(third, "sync", "z:tree/up", "down");
    await assertSameTree(`${dir}/down`, `${dir}/tree`);
    await run(first, "purge", "z:tree");
    assertEquals(await run(third, "lsf", "z:"), "");
  },
);

testClient(
  "restic",
  findTool("restic", ["version"]),
  ({ url }, dir) => ({
    RESTIC_REPOSITORY: `s3:${url}/backups/repo`,
    RESTIC_PASSWORD: "test",
    RESTIC_CACHE_DIR: `${dir}/cache`,
    AWS_ACCESS_KEY_ID: "minioadmin",
    AWS_SECRET_ACCESS_KEY: "minioadmin",
  }),
  async ({ nodes: [first, second, third], dir, run }) => {
    await run(first, "init");
    await run(second, "backup", "tree");
    await Deno.writeTextFile(`${dir}/tree/sizes/0.bin`, "changed");
    assertMatch(await run(third, "backup", "tree"), /Files: +0 new, +1 changed,/);
    await kill(third);
    await run(first, "forget", "--keep-last=1", "--prune");
    assertMatch(
      await run(second, "check", "--read-data", "--no-cache"),
      /no errors were found/,
    );
    await run(second, "restore", "latest", "--target=restored");
    await assertSameTree(`${dir}/restored/tree`, `${dir}/tree`);
  },
);

testClient(
  "boto3",
  findTool("python3", ["-c", "import boto3; print('boto3', boto3.__version__)"]),
  ({ url }) => ({ ...AWS_ENVIRONMENT, ENDPOINT: url, CONDITIONS: "refused" }),
  async ({ nodes: [first, second], run }) => {
    await run(first, decodeURIComponent(BOTO3_SCRIPT));
    await kill(first);
    await run(second, decodeURIComponent(BOTO3_SCRIPT));
  },
);
