/** `zs3 backup`: what becomes of its folder, and of a node's data; tests/faults/backup.test.ts has it under load. */

import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { patternBytes } from "../support/bytes.ts";
import { type Outcome, Program, runProgram } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";

const Bucket = "stuff";

function backUp(dataDir: string, to: string): Promise<Outcome> {
  return runProgram(["backup", `--data-dir=${dataDir}`, `--to=${to}`]);
}

async function put(client: AwsClient, Key: string, Body: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body, Metadata: { key: Key } }));
}

/** The body and what it says it is. */
async function get(client: AwsClient, Key: string) {
  const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return [await Body?.transformToString(), Metadata?.["key"]];
}

async function start(dataDir: string, ...flags: string[]): Promise<[Program, AwsClient]> {
  const program = await Program.start({ dataDir, flags: [`--buckets=${Bucket}`, ...flags] });
  return [program, new AwsClient(program)];
}

Deno.test("an earlier backup is replaced, but for one that was used, or is none", async () => {
  await using temp = await TempDir.make();
  const [dataDir, to] = [`${temp.path}/data`, `${temp.path}/backups/today`];
  {
    const [program, client] = await start(dataDir);
    await using _program = program;
    using _client = client;
    await put(client, "a", "one");
    const first = await backUp(dataDir, to);
    assertEquals([first.code, first.stderr], [0, ""]);
    assertMatch(first.stdout, /today has 1 object of 3 bytes in 1 bucket \(.*\)\n$/);
    await put(client, "b", "two");
    // What a run that was killed leaves behind.
    await Deno.mkdir(`${to}.partial`);
    await Deno.writeTextFile(`${to}.partial/.zs3-unfinished-backup`, "");
    await Deno.rename(to, `${to}.old`);
    const second = await backUp(dataDir, to);
    assertEquals([second.code, second.stderr], [0, ""]);
    assertMatch(second.stdout, /today has 2 objects/);
    assertEquals(namesIn(`${temp.path}/backups`), ["today"]);
    await program.stop();
  }
  const before = namesIn(temp.path);
  await Deno.mkdir(`${temp.path}/backups/precious`);
  await Deno.writeTextFile(`${temp.path}/backups/precious/file`, "");
  const refusals: readonly (readonly [to: string, reason: RegExp])[] = [
    [`${temp.path}/backups/precious`, /is no backup/],
    [`${dataDir}/inside`, /neither in the other/],
    [temp.path, /neither in the other/],
  ];
  for (const [to, reason] of refusals) {
    const { code, stdout, stderr } = await backUp(dataDir, to);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^zs3: .*\n$/);
    assertMatch(stderr, reason);
  }
  assertEquals(namesIn(`${temp.path}/backups/precious`), ["file"]);
  assertEquals(namesIn(temp.path), before);

  const [program, client] = await start(to);
  await using _program = program;
  using _client = client;
  assertEquals([await get(client, "a"), await get(client, "b")], [["one", "a"], ["two", "b"]]);
  await put(client, "c", "three");
  await program.stop();
  const used = await backUp(dataDir, to);
  assertEquals([used.code, used.stdout], [1, ""]);
  assertMatch(used.stderr, /was a backup, and a server has used it since/);
});

Deno.test("a node's backup, made while it runs, is a node's data dir", async () => {
  await using temp = await TempDir.make();
  const [dataDir, to] = [`${temp.path}/data`, `${temp.path}/copy`];
  const flags = ["--distributed", "--discovery=off"];
  const large = new TextDecoder("latin1").decode(patternBytes(3_000_000).map((byte) => byte & 127));
  {
    const [program, client] = await start(dataDir, ...flags);
    await using _program = program;
    using _client = client;
    await put(client, "small", "text");
    await put(client, "large", large);
    let isEnding = false;
    const writing = (async () => {
      for (let n = 0; !isEnding; n++) await put(client, `n/${n}`, `${n} `.repeat(3000));
    })();
    for (let round = 0; round < 2; round++) {
      const { code, stdout, stderr } = await backUp(dataDir, to);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, /copy has \d+ blocks of \d+ bytes/);
    }
    isEnding = true;
    await writing;
    await program.stop();
  }
  const checked = await runProgram(["check", `--data-dir=${to}`]);
  assertEquals([checked.code, checked.stderr], [0, ""]);
  assertMatch(checked.stdout, / records: no problems\n$/);
  const [program, client] = await start(to, ...flags);
  await using _program = program;
  using _client = client;
  assertEquals(await get(client, "small"), ["text", "small"]);
  assertEquals(await get(client, "large"), [large, "large"]);
  const { stdout: index } = await runProgram(["index", `--data-dir=${dataDir}`]);
  assertMatch(index, /^stuff\/n\/0 → /m);
  await put(client, "new", "after");
  assertEquals(await get(client, "new"), ["after", "new"]);
});

function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
}
