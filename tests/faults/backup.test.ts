/**
 * `zs3 backup` of a data dir that is written to, with the server killed in the middle of it: the copy is a data dir in which every
 * object is one whole version that was there, or on its way, while the copy was made. `zs3 check` beside the same load finds
 * nothing. `ZS3_TEST_KILLS` raises the rounds.
 */

import { assertEquals } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program, runProgram, spawnProgram } from "../support/program.ts";
import { environmentNumber, SeededRandom, withSeed } from "../support/seed.ts";
import { TempDir } from "../support/temp_dir.ts";
import { inspectCopy, inspectObjects, momentOf } from "./kill/inspection.ts";
import { World } from "./kill/world.ts";
import { Writer } from "./kill/writer.ts";

const ROUNDS = environmentNumber("ZS3_TEST_KILLS", 4);
const WRITERS = 8;

interface Scene {
  readonly dataDir: string;
  /** Where the copies go: on the file system of the data dir, or on another. */
  readonly copies: string;
  readonly random: SeededRandom;
}

Deno.test("a backup under writers and kills has whole versions only, by second names", async () => {
  await using temp = await TempDir.make();
  await withSeed(import.meta.url, (random) =>
    backUpAgainAndAgain({
      dataDir: `${temp.path}/data`,
      copies: temp.path,
      random,
    }));
});

Deno.test("a backup under writers and kills has whole versions only, copied", async () => {
  await using temp = await TempDir.make();
  // Where there is no second file system, files are given second names here too.
  const other = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => temp.path);
  const copies = await Deno.makeTempDir({ dir: other, prefix: "zs3-test-" });
  try {
    await withSeed(import.meta.url, (random) =>
      backUpAgainAndAgain({
        dataDir: `${temp.path}/data`,
        copies,
        random,
      }));
  } finally {
    await Deno.remove(copies, { recursive: true });
  }
});

async function backUpAgainAndAgain({ dataDir, copies, random }: Scene): Promise<void> {
  const world = await withProgram(dataDir, (client) => World.make(client));
  for (let round = 0; round < ROUNDS; round++) {
    const copy = `${copies}/copy-${round}`;
    const period = await withProgram(dataDir, async (client, program) => {
      await inspectObjects(world, client);
      const plan = { dataDir, copy, isKilled: round % 2 === 1 };
      return await backUpUnderWriters(world, program, client, random, plan);
    });
    await withProgram(copy, async (client, program) => {
      await inspectCopy(world, client, period);
      assertEquals((await program.stop()).code, 0);
    });
    const { code, stdout, stderr } = await runProgram(["check", `--data-dir=${copy}`]);
    assertEquals([code, stderr], [0, ""], stdout);
  }
}

async function withProgram<T>(
  dataDir: string,
  run: (client: AwsClient, program: Program) => Promise<T>,
): Promise<T> {
  await using program = await Program.start({ dataDir, flags: ["--log=off"] });
  using client = new AwsClient(program);
  return await run(client, program);
}

interface Plan {
  readonly dataDir: string;
  readonly copy: string;
  readonly isKilled: boolean;
}

/** Makes a backup, and replaces it by a second one: of when that was made. */
async function backUpUnderWriters(
  world: World,
  program: Program,
  client: AwsClient,
  random: SeededRandom,
  { dataDir, copy, isKilled }: Plan,
) {
  let isOver = false;
  let done = 0;
  const writing = Promise.all(Array.from({ length: WRITERS }, () => {
    const writer = new Writer(world, client, new SeededRandom(random.below(2 ** 31)));
    return writer.run(() => {
      done++;
      if (isOver) throw new Over();
    }).catch((error) => {
      if (!isOver && !(error instanceof Over)) throw error;
    });
  }));
  const words = ["backup", `--data-dir=${dataDir}`, `--to=${copy}`];
  await until(() => done > 20);
  assertEquals((await runProgram(words)).code, 0);
  const checked = await runProgram(["check", `--data-dir=${dataDir}`]);
  assertEquals([checked.code, checked.stderr], [0, ""], checked.stdout);
  const from = momentOf(world);
  const child = spawnProgram(words);
  if (isKilled) {
    // Deno takes some 100 ms to start; the backup itself takes about as long.
    const delayMs = 100 + random.below(200);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    isOver = true;
    program.signal("SIGKILL");
  }
  const { code, stderr } = await child.output();
  const to = momentOf(world);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  isOver = true;
  await writing;
  if (isKilled) await program.ended();
  return { from, to };
}

class Over extends Error {}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
