/**
 * kill -9 at random moments under concurrent writers: after the restart every acknowledged change is there, what was in
 * flight is there whole or not at all, and nothing else is left. `ZS3_TEST_KILLS` raises the number of kills.
 */

import { assertEquals } from "@std/assert";
import type { Durability } from "../../src/storage/catalog.ts";
import { AwsClient } from "../support/aws_client.ts";
import { Program, type ProgramOptions } from "../support/program.ts";
import { environmentNumber, SeededRandom, withSeed } from "../support/seed.ts";
import { TempDir } from "../support/temp_dir.ts";
import { inspectFolders, inspectObjects } from "./kill/inspection.ts";
import { World } from "./kill/world.ts";
import { Writer } from "./kill/writer.ts";

/** For each durability. */
const KILLS = environmentNumber("ZS3_TEST_KILLS", 4);
const WRITERS = 8;

for (const durability of ["strict", "relaxed"] as const) {
  Deno.test(`kill -9 under writers loses nothing acknowledged, ${durability}`, async () => {
    await withSeed(import.meta.url, (random) => killAgainAndAgain(durability, random));
  });
}

async function killAgainAndAgain(durability: Durability, random: SeededRandom): Promise<void> {
  await using temp = await TempDir.make();
  const dataDir = `${temp.path}/data`;
  const options = { dataDir, flags: [`--durability=${durability}`, "--log=off"] };
  const world = await withProgram(options, (client) => World.make(client));
  for (let kill = 0; kill < KILLS; kill++) {
    await withProgram(options, (client, program) => writeAndKill(world, client, program, random));
    await withProgram(options, async (client, program) => {
      await inspectObjects(world, client);
      assertEquals((await program.stop()).code, 0);
    });
    await inspectFolders(world, dataDir);
  }
}

async function withProgram<T>(
  options: ProgramOptions,
  run: (client: AwsClient, program: Program) => Promise<T>,
): Promise<T> {
  await using program = await Program.start(options);
  using client = new AwsClient(program);
  return await run(client, program);
}

/** The writers get some way, by their own count, and then a random moment further. */
async function writeAndKill(
  world: World,
  client: AwsClient,
  program: Program,
  random: SeededRandom,
): Promise<void> {
  let left = 1 + random.below(150);
  const delayMs = random.below(10);
  let isKilled = false;
  const onDone = () => {
    if (--left !== 0) return;
    setTimeout(() => {
      isKilled = true;
      program.signal("SIGKILL");
    }, delayMs);
  };
  const writers = Array.from(
    { length: WRITERS },
    () => new Writer(world, client, new SeededRandom(random.below(2 ** 31))),
  );
  await Promise.all(writers.map((writer) =>
    writer.run(onDone).catch((error) => {
      if (!isKilled) throw error;
    })
  ));
  await program.ended();
}
