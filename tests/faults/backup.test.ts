/**
 * `zs3 backup` of a data dir that is written to, with the server killed in the middle of it: the copy is a data dir in which every
 * object is one whole version that was there, or on its way, while the copy was made. `zs3 check` beside the same load finds
 * nothing. So is what `cp` makes of it while the server is paused, which is what a snapshot of the file system is.
 * `ZS3_TEST_KILLS` raises the rounds.
 */

import { assertEquals } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { Program, runProgram, spawnProgram } from "../support/program.ts";
import { environmentNumber, SeededRandom, withSeed } from "../support/seed.ts";
import { TempDir } from "../support/temp_dir.ts";
import { inspectCopy, inspectObjects, momentOf, type Period } from "./kill/inspection.ts";
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

Deno.test({
  name: "a copy by cp of a server that is paused has whole versions only",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using temp = await TempDir.make();
    await withSeed(import.meta.url, async (random) => {
      const dataDir = `${temp.path}/data`;
      const world = await withProgram(dataDir, (client) => World.make(client));
      for (let round = 0; round < ROUNDS; round++) {
        const copy = `${temp.path}/copy-${round}`;
        const period = await withProgram(dataDir, async (client, program) => {
          await inspectObjects(world, client);
          return await copyWhilePaused(world, program, client, random, { dataDir, copy });
        });
        await inspect(world, copy, period);
      }
    });
  },
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
    await inspect(world, copy, period);
  }
}

/** A server on the copy has the objects of the time in which it was made, and a check finds nothing wrong with it. */
async function inspect(world: World, copy: string, period: Period): Promise<void> {
  await withProgram(copy, async (client, program) => {
    await inspectCopy(world, client, period);
    assertEquals((await program.stop()).code, 0);
  });
  const { code, stdout, stderr } = await runProgram(["check", `--data-dir=${copy}`]);
  assertEquals([code, stderr], [0, ""], stdout);
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
  const writers = new Writers(world, client, random);
  const words = ["backup", `--data-dir=${dataDir}`, `--to=${copy}`];
  await until(() => writers.done > 20);
  assertEquals((await runProgram(words)).code, 0);
  const checked = await runProgram(["check", `--data-dir=${dataDir}`]);
  assertEquals([checked.code, checked.stderr], [0, ""], checked.stdout);
  const from = momentOf(world);
  const child = spawnProgram(words);
  if (isKilled) {
    // Deno takes some 100 ms to start; the backup itself takes about as long.
    const delayMs = 100 + random.below(200);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    writers.isOver = true;
    program.signal("SIGKILL");
  }
  const { code, stderr } = await child.output();
  const to = momentOf(world);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  await writers.end();
  if (isKilled) await program.ended();
  return { from, to };
}

async function copyWhilePaused(
  world: World,
  program: Program,
  client: AwsClient,
  random: SeededRandom,
  { dataDir, copy }: Omit<Plan, "isKilled">,
): Promise<Period> {
  const writers = new Writers(world, client, random);
  const count = 20 + random.below(200);
  await until(() => writers.done > count);
  const from = momentOf(world);
  program.signal("SIGSTOP");
  const copied = await new Deno.Command("cp", { args: ["-a", dataDir, copy] }).output();
  program.signal("SIGCONT");
  const to = momentOf(world);
  assertEquals(copied.code, 0, new TextDecoder().decode(copied.stderr));
  await writers.end();
  return { from, to };
}

/** They write from the moment on in which they are made. */
class Writers {
  /** Set before what they can't stand. */
  isOver = false;
  /** How much they have done. */
  done = 0;
  readonly #writing: Promise<unknown>;

  constructor(world: World, client: AwsClient, random: SeededRandom) {
    this.#writing = Promise.all(Array.from({ length: WRITERS }, () => {
      const writer = new Writer(world, client, new SeededRandom(random.below(2 ** 31)));
      return writer.run(() => {
        this.done++;
        if (this.isOver) throw new Over();
      }).catch((error) => {
        if (!this.isOver && !(error instanceof Over)) throw error;
      });
    }));
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.#writing;
  }
}

class Over extends Error {}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
