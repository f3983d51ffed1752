/** `check` and `index` on a data dir that a server has filled. */

import { PutObjectCommand } from "@aws-sdk/client-s3";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { flipByte } from "../support/flip_byte.ts";
import { Program, runProgram } from "../support/program.ts";
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

Deno.test("check finds bytes that rotted, and is content when a good copy is put back", async () => {
  await using temp = await TempDir.make();
  await fill(temp.path);
  const check = () => runProgram(["check", `--data-dir=${temp.path}`]);
  const sound = "checked 3 objects of 3000010 bytes in 1 bucket: no problems\n";
  assertEquals(await check(), { code: 0, stdout: sound, stderr: "" });

  await flipByte(`${temp.path}/stuff/big`, 1_000_000);
  const damaged = await check();
  assertEquals([damaged.code, damaged.stderr], [1, ""]);
  assertMatch(damaged.stdout, /^stuff\/big: .*damaged.*\n/);
  assertMatch(damaged.stdout, /\nchecked 3 objects .*: 1 problem, 0 repaired\n$/);

  await Deno.writeFile(`${temp.path}/stuff/big`, BODIES.big);
  await check();
  assertEquals(await check(), { code: 0, stdout: sound, stderr: "" });
});
