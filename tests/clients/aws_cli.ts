/** aws-cli as its users use it: a tree up and down, pipes, copies, moves, presigned URLs, and buckets emptied by force. */

import { assertEquals, assertMatch } from "@std/assert";
import { md5, patternBytes, sha256 } from "../support/bytes.ts";
import type { Program } from "../support/program.ts";
import { type Running, testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { findTool, runTool, type Tool, type ToolOptions, tryTool } from "../support/tools.ts";
import {
  assertSameTree,
  assertSameTreeSoon,
  makeTree,
  readTree,
  SMALL_TREE,
  type TreeOptions,
} from "../support/tree.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const MiB = 1024 * 1024;

/** Registers the tests of one version, over http with the tree given and over https with a small one. */
export function testAwsCli(name: string, version: RegExp, httpTree: TreeOptions): void {
  const tool = findTool("aws", ["--version"], version);
  testOverBothSchemes(name, async ({ program, isTls, step }) => {
    if (tool === undefined) return;
    await using temp = await TempDir.make();
    await makeTree(`${temp.path}/tree`, isTls ? SMALL_TREE : httpTree);
    const aws = new Aws(tool, program, temp.path);
    await syncUpAndDown(aws, program, step);
    await workOnObjects(aws, program, step);
    await removeAll(aws, step);
  }, { ignore: tool === undefined });
}

/** The command with its settings; run in the temporary folder that holds `tree`. */
class Aws {
  readonly #tool: Tool;
  readonly #url: string;
  readonly #options: ToolOptions;

  constructor(tool: Tool, program: Program, readonly dir: string) {
    this.#tool = tool;
    this.#url = program.url;
    const environment = {
      AWS_ACCESS_KEY_ID: "minioadmin",
      AWS_SECRET_ACCESS_KEY: "minioadmin",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
      ...(program.authorityFile === undefined ? {} : { AWS_CA_BUNDLE: program.authorityFile }),
    };
    this.#options = { environment, cwd: dir };
  }

  /** What it printed. */
  async run(...words: readonly string[]): Promise<string> {
    return (await runTool(this.#tool, this.#words(words), this.#options)).stdout;
  }

  async pipe(stdin: Uint8Array<ArrayBuffer>, ...words: readonly string[]): Promise<string> {
    return (await runTool(this.#tool, this.#words(words), { ...this.#options, stdin })).stdout;
  }

  async fail(...words: readonly string[]): Promise<string> {
    const { code, stderr } = await tryTool(this.#tool, this.#words(words), this.#options);
    assertEquals(code > 0, true);
    return stderr;
  }

  #words(words: readonly string[]): string[] {
    return ["--endpoint-url", this.#url, ...words];
  }
}

async function syncUpAndDown(aws: Aws, program: Program, step: Running["step"]): Promise<void> {
  const tree = `${aws.dir}/tree`;
  const stored = `${program.dataDir}/tree/up`;

  await step("sync up: the files lie on disk as they are", async () => {
    await aws.run("s3", "mb", "s3://tree");
    await aws.run("s3", "sync", "tree", "s3://tree/up", "--only-show-errors");
    await assertSameTreeSoon(stored, tree);
  });

  await step("sync up again: nothing to do", async () => {
    assertEquals(await aws.run("s3", "sync", "tree", "s3://tree/up"), "");
  });

  await step("sync down: byte for byte, and again: nothing to do", async () => {
    await aws.run("s3", "sync", "s3://tree/up", "down", "--only-show-errors");
    await assertSameTree(`${aws.dir}/down`, tree);
    assertEquals(await aws.run("s3", "sync", "s3://tree/up", "down"), "");
  });

  await step("a local change travels, a local removal with --delete", async () => {
    await Deno.writeTextFile(`${tree}/sizes/0.bin`, "changed");
    await Deno.remove(`${tree}/sizes/1.bin`);
    const said = await aws.run("s3", "sync", "tree", "s3://tree/up", "--delete", "--no-progress");
    assertEquals(said.trim().split("\n").map((line) => line.split(":")[0]).toSorted(), [
      "delete",
      "upload",
    ]);
    await assertSameTreeSoon(stored, tree);
  });

  await step("ls counts what is there", async () => {
    const { size } = await readTree(tree);
    const said = await aws.run("s3", "ls", "--recursive", "--summarize", "s3://tree/");
    assertMatch(said, new RegExp(`Total Objects: ${size}\\b`));
    assertMatch(await aws.run("s3", "ls", "s3://tree/up/"), /PRE names\/\n/);
  });
}

async function workOnObjects(aws: Aws, program: Program, step: Running["step"]): Promise<void> {
  await step("pipes", async () => {
    const bytes = patternBytes(20 * MiB + 1);
    await aws.pipe(bytes, "s3", "cp", "-", "s3://tree/piped");
    await aws.run("s3", "cp", "s3://tree/piped", "piped", "--only-show-errors");
    assertEquals(sha256(await Deno.readFile(`${aws.dir}/piped`)), sha256(bytes));
    assertEquals(
      await aws.pipe(new TextEncoder().encode("small"), "s3", "cp", "-", "s3://tree/s"),
      "",
    );
    assertEquals(await aws.run("s3", "cp", "s3://tree/s", "-"), "small");
  });

  await step("copies and moves on the server, large ones in parts", async () => {
    await aws.run("s3", "cp", "s3://tree/piped", "s3://tree/copied", "--only-show-errors");
    await aws.run("s3", "mv", "s3://tree/copied", "s3://tree/moved here", "--only-show-errors");
    assertMatch(await aws.fail("s3api", "head-object", "--bucket=tree", "--key=copied"), /404/);
    const head = await aws.run("s3api", "head-object", "--bucket=tree", "--key=moved here");
    assertEquals(JSON.parse(head).ContentLength, 20 * MiB + 1);
    await aws.run(
      "s3",
      "cp",
      "--recursive",
      "s3://tree/up/names",
      "s3://tree/n2",
      "--only-show-errors",
    );
    await assertSameTreeSoon(`${program.dataDir}/tree/n2`, `${aws.dir}/tree/names`);
  });

  await step("a presigned URL", async () => {
    using plain = openFetch(program);
    // By Signature Version 2 from aws-cli 1.
    const url = await aws.run("s3", "presign", "s3://tree/s", "--expires-in", "60");
    assertEquals(await plain.text(url.trim()), { status: 200, text: "small" });
  });

  await step("s3api", async () => {
    await Deno.writeTextFile(`${aws.dir}/body`, "hello");
    const object = ["--bucket=tree", "--key=api"];
    const put = await aws.run(
      "s3api",
      "put-object",
      ...object,
      "--body=body",
      "--metadata=a=b,c=d",
      "--content-type=text/x",
    );
    assertEquals(JSON.parse(put).ETag, `"${md5(new TextEncoder().encode("hello"))}"`);
    const got = await aws.run("s3api", "get-object", ...object, "--range=bytes=1-2", "part");
    assertEquals(JSON.parse(got).ContentRange, "bytes 1-2/5");
    assertEquals(await Deno.readTextFile(`${aws.dir}/part`), "el");
    assertEquals(JSON.parse(got).Metadata, { a: "b", c: "d" });
    await aws.run("s3api", "put-object-tagging", ...object, "--tagging=TagSet=[{Key=k,Value=v}]");
    const tags = await aws.run("s3api", "get-object-tagging", ...object);
    assertEquals(JSON.parse(tags).TagSet, [{ Key: "k", Value: "v" }]);
    assertMatch(await aws.fail("s3api", "get-bucket-policy", "--bucket=tree"), /NotImplemented/);
    assertMatch(
      await aws.fail("s3api", "get-object", "--bucket=tree", "--key=no", "x"),
      /NoSuchKey/,
    );
  });
}

async function removeAll(aws: Aws, step: Running["step"]): Promise<void> {
  await step("a bucket removed by force, with all that is in it", async () => {
    assertMatch(await aws.fail("s3", "rb", "s3://tree"), /BucketNotEmpty/);
    await aws.run("s3", "rb", "--force", "s3://tree");
    assertEquals(await aws.run("s3", "ls"), "");
  });
}
