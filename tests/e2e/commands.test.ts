/** `check`, `index` and `import` on a data dir that a server has filled. */

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { flipByte } from "../support/flip_byte.ts";
import { Program, runProgram, spawnProgram } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";

const BODIES = {
  "a/small.txt": patternBytes(10),
  "big": patternBytes(3_000_000),
  "ü b": patternBytes(0),
};

async function fill(dataDir: string): Promise<void> {
  await using program = await Program.start({ dataDir, flags: ["--buckets=stuff"] });
  using client = new AwsClient(program);
  for (const [Key, Body] of Object.entries(BODIES)) {
    await client.send(new PutObjectCommand({ Bucket: "stuff", Key, Body }));
  }
  await program.stop();
}

Deno.test("index prints every object with its ETag and size", async () => {
  await using temp = await TempDir.make();
  await fill(temp.path);
  const { code, stdout, stderr } = await runProgram(["index", `--data-dir=${temp.path}`]);
  const lines = Object.entries(BODIES).map(([key, body]) =>
    `stuff/${key} → ${md5(body)}, ${body.length}\n`
  );
  assertEquals([code, stdout, stderr], [0, lines.join(""), ""]);
});

const SOUND = "checked 3 objects of 3000010 bytes in 1 bucket: no problems\n";

Deno.test("check finds bytes that rotted, and is content when a good copy is put back", async () => {
  await using temp = await TempDir.make();
  await fill(temp.path);
  const check = (...flags: string[]) => runProgram(["check", `--data-dir=${temp.path}`, ...flags]);
  assertEquals(await check(), { code: 0, stdout: SOUND, stderr: "" });

  await flipByte(`${temp.path}/stuff/big`, 1_000_000);
  const report = `${temp.path}/report.json`;
  const damaged = await check(`--report=${report}`, "--repair");
  assertEquals([damaged.code, damaged.stderr], [1, ""]);
  assertMatch(damaged.stdout, /^stuff\/big: .*damaged.*\n/);
  assertMatch(damaged.stdout, /\nchecked 3 objects .*: 1 problem, 0 repaired\n$/);
  const { isSound, problems } = JSON.parse(await Deno.readTextFile(report));
  assertEquals([isSound, problems[0].kind, problems[0].subject], [false, "damaged", "stuff/big"]);

  await Deno.writeFile(`${temp.path}/stuff/big`, BODIES.big);
  assertEquals((await check("--repair")).code, 1);
  assertEquals(await check(), { code: 0, stdout: SOUND, stderr: "" });
});

Deno.test("check runs beside the server, and goes on where it was stopped", async () => {
  await using temp = await TempDir.make();
  await using program = await Program.start({ dataDir: temp.path, flags: ["--buckets=stuff"] });
  using client = new AwsClient(program);
  for (const [Key, Body] of Object.entries(BODIES)) {
    await client.send(new PutObjectCommand({ Bucket: "stuff", Key, Body }));
  }
  const state = `${temp.path}/state.json`;
  const words = ["check", `--data-dir=${temp.path}`, `--check-state=${state}`];
  const child = spawnProgram([...words, "--check-rate=1"]);
  while (!await exists(state)) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGINT");
  const { code, stdout } = await child.output();
  const told = new TextDecoder().decode(stdout);
  assertEquals([code, told], [
    1,
    "interrupted, no problems so far: the next check goes on here\n",
  ]);
  const resumed = await runProgram(words);
  assertEquals([resumed.code, resumed.stderr], [0, ""]);
  assertMatch(resumed.stdout, new RegExp(`^going on with the check that began at .*\\n${SOUND}$`));
  assertEquals(await exists(state), false);
  const json = await runProgram([...words, "--json"]);
  assertEquals([json.code, JSON.parse(json.stdout).summary.objects], [0, 3]);
});

Deno.test("check of a folder that is no data dir says so, and makes nothing", async () => {
  await using temp = await TempDir.make();
  for (const path of [temp.path, `${temp.path}/none`]) {
    const { code, stdout, stderr } = await runProgram(["check", `--data-dir=${path}`]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^zs3: .*(no data dir|can't be read).*\n$/);
  }
  assertEquals(Array.from(Deno.readDirSync(temp.path)), []);
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("import makes a node's data dir of it, and leaves it as it was", async () => {
  await using temp = await TempDir.make();
  const [old, fresh] = [`${temp.path}/old`, `${temp.path}/new`];
  await fill(old);
  const parts = await addParts(old);
  const words = ["import", `--from=${old}`, `--data-dir=${fresh}`];
  const all = "imported 4 objects of 3000015 bytes into 1 bucket: no problems\n";
  assertEquals(await runProgram(words), { code: 0, stdout: all, stderr: "" });
  const again =
    "imported 0 objects of 0 bytes into 1 bucket, 4 objects there already: no problems\n";
  assertEquals(await runProgram(words), { code: 0, stdout: again, stderr: "" });

  const check = await runProgram(["check", `--data-dir=${fresh}`]);
  assertEquals([check.code, check.stderr], [0, ""]);
  assertMatch(check.stdout, /^checked \d+ blocks? of \d+ bytes and 5 records: no problems\n$/);
  const { stdout: index } = await runProgram(["index", `--data-dir=${fresh}`]);
  assertMatch(index, /^stuff\/a\/small\.txt → [0-9a-f]{64}, 10$/m);
  const { stdout: oldIndex } = await runProgram(["index", `--data-dir=${old}`]);
  assertEquals(oldIndex.includes(`stuff/parts → ${parts.ETag?.replaceAll('"', "")}, 5\n`), true);

  const flags = ["--distributed", "--discovery=off"];
  await using node = await Program.start({ dataDir: fresh, flags });
  using client = new AwsClient(node);
  for (const [Key, body] of Object.entries(BODIES)) {
    const { Body, ETag } = await client.send(new GetObjectCommand({ Bucket: "stuff", Key }));
    assertEquals([ETag, await Body?.transformToByteArray()], [`"${md5(body)}"`, body]);
  }
  const { ETag, LastModified, Metadata } = await client.send(new HeadObjectCommand(PARTS));
  assertEquals({ ETag, LastModified, Metadata }, parts);
});

Deno.test("neither mode takes the other's data dir", async () => {
  await using temp = await TempDir.make();
  const [old, fresh] = [`${temp.path}/old`, `${temp.path}/new`];
  await fill(old);
  const usual = ["--host=127.0.0.1", "--port=0", "--discovery=off", "--distributed"];
  const misread = await runProgram([...usual, `--data-dir=${old}`]);
  assertEquals([misread.code, misread.stdout], [1, ""]);
  assertMatch(misread.stderr, /^zs3: the data dir .* standalone .*zs3 import --from=.*\n$/);
  assertEquals((await runProgram(["import", `--from=${old}`, `--data-dir=${fresh}`])).code, 0);
  for (
    const words of [["--host=127.0.0.1", "--port=0"], ["import", `--data-dir=${temp.path}/third`]]
  ) {
    const from = words[0] === "import" ? `--from=${fresh}` : `--data-dir=${fresh}`;
    const { code, stdout, stderr } = await runProgram([...words, from]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^zs3: the data dir .* --distributed\n$/);
  }
});

const PARTS = { Bucket: "stuff", Key: "parts" };

/** Adds an object made of parts; returns what a client sees of it. */
async function addParts(dataDir: string) {
  await using program = await Program.start({ dataDir });
  using client = new AwsClient(program);
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...PARTS, Metadata: { colour: "red" } }),
  );
  const part = { PartNumber: 7, Body: patternBytes(5) };
  const { ETag: partETag } = await client.send(
    new UploadPartCommand({ ...PARTS, UploadId, ...part }),
  );
  const MultipartUpload = { Parts: [{ PartNumber: 7, ETag: partETag }] };
  await client.send(new CompleteMultipartUploadCommand({ ...PARTS, UploadId, MultipartUpload }));
  const { ETag, LastModified, Metadata } = await client.send(new HeadObjectCommand(PARTS));
  await program.stop();
  assertMatch(ETag ?? "", /-1"$/);
  return { ETag, LastModified, Metadata };
}
