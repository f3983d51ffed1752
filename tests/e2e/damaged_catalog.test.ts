/** A catalog that can't be read: the program doesn't start, and says what to do; done, every object is there. */

import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { assertEquals, assertMatch } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { patternBytes } from "../support/bytes.ts";
import { Program, runProgram } from "../support/program.ts";
import { TempDir } from "../support/temp_dir.ts";

const Bucket = "damaged";
const PAGE_BYTES = 4096;

interface Damage {
  readonly what: string;
  /** Where noise is written over the file. */
  readonly offset: number;
  readonly bytes: number;
}

const DAMAGES: readonly Damage[] = [
  { what: "its head", offset: 0, bytes: 100 },
  { what: "all but its head", offset: PAGE_BYTES, bytes: 100 * PAGE_BYTES },
];

for (const { what, offset, bytes } of DAMAGES) {
  Deno.test(`a catalog with ${what} overwritten is told in one line that says what to do`, async () => {
    await using temp = await TempDir.make();
    const dataDir = `${temp.path}/data`;
    await writeObject(dataDir);
    using file = await Deno.open(`${dataDir}/.index/catalog.db`, { write: true });
    await file.seek(offset, Deno.SeekMode.Start);
    await file.write(patternBytes(bytes));
    const { code, stdout, stderr } = await runProgram([`--data-dir=${dataDir}`, "--port=0"]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^zs3: the catalog \S+\/\.index\/catalog\.db is damaged .* move it away .*\n$/,
    );
    await Deno.rename(`${dataDir}/.index`, `${temp.path}/moved away`);
    await assertObject(dataDir);
  });
}

Deno.test("a file that SQLite can't open is named", async () => {
  await using temp = await TempDir.make();
  const path = `${temp.path}/data/.index/catalog.db`;
  await Deno.mkdir(path, { recursive: true });
  const { code, stderr } = await runProgram([`--data-dir=${temp.path}/data`, "--port=0"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^zs3: the catalog \S+\/\.index\/catalog\.db can't be used: .*\n$/);
});

async function writeObject(dataDir: string): Promise<void> {
  await using program = await Program.start({ dataDir, flags: [`--buckets=${Bucket}`] });
  using client = new AwsClient(program);
  await client.send(new PutObjectCommand({ Bucket, Key: "kept", Body: "bytes" }));
  await program.stop();
}

async function assertObject(dataDir: string): Promise<void> {
  await using program = await Program.start({ dataDir });
  using client = new AwsClient(program);
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: "kept" }));
  assertEquals(await Body?.transformToString(), "bytes");
}
