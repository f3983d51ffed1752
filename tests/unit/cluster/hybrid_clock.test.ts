/** Versions only ever go up, on one node and between nodes, whatever the system's clock does, and over restarts. */

import { assert, assertEquals } from "@std/assert";
import { HybridClock, isVersion, versionAt, versionMs } from "../../../src/cluster/hybrid_clock.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { Json } from "../../../src/storage/record.ts";
import { withSeed } from "../../support/seed.ts";
import { contactOf, version } from "./bench.ts";

class Disk {
  ceiling: Json | undefined;
  /** Resolves when what is written is durable. */
  gate: () => Promise<void> = () => Promise.resolve();
  getValue = () => this.ceiling;
  setValue = async (_: string, value: Json) => {
    await this.gate();
    this.ceiling = value;
  };
}

class WallClock {
  ms = 1_800_000_000_000;
  now = () => this.ms;
  elapsed = () => 0;
  after = () => () => {};
}

function clockOf(wall: WallClock, disk: Disk, node = 0): HybridClock {
  return new HybridClock(wall, contactOf(node).id, disk);
}

Deno.test("clock: versions rise over nodes, jumps of their clocks, and restarts", async () => {
  await withSeed(import.meta.url, async (random) => {
    for (let history = 0; history < 20; history++) {
      const walls = [new WallClock(), new WallClock(), new WallClock()];
      const disks = walls.map(() => new Disk());
      const clocks = walls.map((wall, node) => clockOf(wall, disks[node] as Disk, node));
      const given = new Set<string>();
      let last = "";
      for (let step = 0; step < 300; step++) {
        const node = random.below(3);
        const wall = walls[node] as WallClock;
        if (random.oneIn(3)) wall.ms += random.below(200_000) - 100_000;
        if (random.oneIn(20)) clocks[node] = clockOf(wall, disks[node] as Disk, node);
        const clock = clocks[node] as HybridClock;
        // Each has heard of the last one, by either way.
        const isTold = last === "" || random.oneIn(2);
        if (!isTold) clock.observe(last);
        const next = await clock.next(isTold && last !== "" ? last : undefined);
        assert(isVersion(next) && next > last, `${next} after ${last}`);
        assert(!given.has(next));
        given.add(next);
        last = next;
      }
    }
  });
});

Deno.test("clock: no version is given that a restart could give again", async () => {
  const [wall, disk] = [new WallClock(), new Disk()];
  const durable = Promise.withResolvers<void>();
  disk.gate = () => durable.promise;
  let isGiven = false;
  const giving = clockOf(wall, disk).next().then((next) => (isGiven = true, next));
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert(!isGiven);
  durable.resolve();
  const next = await giving;
  assert(versionMs(next) < Number(disk.ceiling));
  wall.ms -= 3_600_000;
  assert(await clockOf(wall, disk).next() > next);
});

Deno.test("clock: versions at once are all different, also while the ceiling is raised", async () => {
  const clock = clockOf(new WallClock(), new Disk());
  const all = await Promise.all(Array.from({ length: 2000 }, () => clock.next()));
  assertEquals(new Set(all).size, all.length);
  assertEquals([...all].sort(), all);
});

Deno.test("clock: a ceiling that can't be raised fails the version, and the next may have more luck", async () => {
  const disk = new Disk();
  const clock = clockOf(new WallClock(), disk);
  disk.gate = () => Promise.reject(new Error("disk"));
  assertEquals(await clock.next().then(() => "given", (error) => error.message), "disk");
  disk.gate = () => Promise.resolve();
  assert(isVersion(await clock.next()));
});

Deno.test("clock: more than the bound ahead is the future, and the past never is", () => {
  const wall = new WallClock();
  const clock = clockOf(wall, new Disk());
  const bound = wall.ms + LIMITS.clockAheadMsMax;
  const cases = [[0, false], [wall.ms, false], [bound, false], [bound + 1, true], [
    2 ** 48 - 1,
    true,
  ]];
  for (const [ms, isFuture] of cases) {
    assertEquals(clock.isFromTheFuture(version(Number(ms))), isFuture, `${ms}`);
  }
});

Deno.test("clock: versionAt lies below all versions of its time, and above those before", () => {
  assert(versionAt(5) < version(5) && versionAt(5) > version(4));
  assertEquals(versionMs(version(1234)), 1234);
  assert(versionAt(-1) <= version(0));
});
