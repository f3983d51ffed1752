import { assertEquals, assertRejects } from "@std/assert";
import { systemClock, systemRandom } from "../../src/clock.ts";
import { CatalogView } from "../../src/storage/catalog_view.ts";
import type { CheckPoint, CheckProblem, CheckSummary } from "../../src/storage/check.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import { FileTree } from "../../src/storage/file_tree.ts";
import { diskFiles } from "../../src/storage/files.ts";
import { StoreCheck } from "../../src/storage/store_check.ts";
import { flipByte } from "../support/flip_byte.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  at,
  BUCKET,
  createBucket,
  pattern,
  put,
  readText,
} from "../suites/object_store/support.ts";

interface Outcome {
  readonly summary: CheckSummary;
  /** Kind, subject and whether it was repaired. */
  readonly problems: [CheckProblem["kind"], string, boolean][];
  readonly points: CheckPoint[];
}

class Stopped extends Error {
  constructor(readonly outcome: Omit<Outcome, "summary">) {
    super("stopped");
  }
}

/** Stops after so many points. */
function watching(pointsMax = Infinity) {
  const problems: Outcome["problems"] = [];
  const points: CheckPoint[] = [];
  const watch = {
    progress: () => {},
    problem: ({ kind, subject, isRepaired }: CheckProblem) =>
      problems.push([kind, subject, isRepaired]),
    pace: () => Promise.resolve(),
    passed: (point: CheckPoint) => {
      points.push(point);
      if (points.length >= pointsMax) throw new Stopped({ problems, points });
    },
  };
  return { watch, problems, points };
}

/** As a process of its own does it, whoever has the data dir open. */
async function check(dataDir: string, from?: CheckPoint, pointsMax?: number): Promise<Outcome> {
  using view = CatalogView.open(`${dataDir}/.index/catalog.db`);
  const files = diskFiles;
  const tree = new FileTree({ dataDir, files, clock: systemClock, random: systemRandom });
  const atOnce = <T>(read: () => T) => view.atOnce(read);
  const { watch, ...outcome } = watching(pointsMax);
  const checked = { read: view.read, atOnce, tree, files, repair: undefined };
  return { summary: await new StoreCheck(checked, watch).run(from), ...outcome };
}

async function repair(store: FileStore, acceptsDamaged = false): Promise<Outcome> {
  const { watch, ...outcome } = watching();
  return { summary: await store.checkAndRepair(watch, { acceptsDamaged }), ...outcome };
}

const open = (dataDir: string) => FileStore.open({ dataDir, durability: "relaxed" });

/** Closes the store once it is filled: files and catalog are at rest. */
async function filled(dataDir: string, keys: readonly string[]): Promise<void> {
  await using store = await open(dataDir);
  await createBucket(store, BUCKET);
  for (const key of keys) await put(store, key, `the bytes of ${key}`);
}

Deno.test("beside a store that is written to, nothing looks wrong", async () => {
  await using temp = await TempDir.make();
  await using store = await open(temp.path);
  await createBucket(store, BUCKET);
  let isEnding = false;
  let writes = 0;
  const write = async (n: number) => {
    for (let round = 0; !isEnding; round++) {
      const key = `${n}/${round % 7}`;
      if (round % 5 === 4) await store.delete(at(key));
      else await put(store, key, pattern(round % 3 === 2 ? 100_000 : 100 + round, round + 1));
      writes++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const writers = Array.from({ length: 6 }, (_, n) => write(n));
  try {
    while (writes < 1500) assertEquals((await check(temp.path)).problems, []);
  } finally {
    isEnding = true;
    await Promise.all(writers);
  }
});

Deno.test("damage, changes by hand and loss are told apart, and only read", async () => {
  await using temp = await TempDir.make();
  const keys = ["edited", "gone", "other", "rotten", "sound", "truncated", "untimely"];
  await filled(temp.path, keys);
  {
    await using store = await open(temp.path);
    await createBucket(store, "vanished");
  }
  const path = (key: string) => `${temp.path}/${BUCKET}/${key}`;
  await flipByte(path("rotten"), 3);
  await Deno.writeTextFile(path("edited"), "THE BYTES OF edited");
  await Deno.truncate(path("truncated"), 4);
  await Deno.utime(path("untimely"), 1_600_000_000, 1_600_000_000);
  await Deno.remove(path("gone"));
  await Deno.remove(`${temp.path}/vanished`);
  await Deno.writeTextFile(path("dropped in"), "by hand");
  const expected: Outcome["problems"] = [
    ["changed", `${BUCKET}/edited`, false],
    ["missing", `${BUCKET}/gone`, false],
    ["damaged", `${BUCKET}/rotten`, false],
    ["changed", `${BUCKET}/truncated`, false],
    ["touched", `${BUCKET}/untimely`, false],
    ["missing", "vanished", false],
  ];
  for (let round = 0; round < 2; round++) {
    const { summary, problems } = await check(temp.path);
    assertEquals(problems, expected);
    assertEquals(summary.kind === "files" && [summary.objects, summary.unrecorded], [7, 1]);
  }

  await using store = await open(temp.path);
  const { problems } = await repair(store);
  assertEquals(
    problems,
    expected.map(([kind, subject]) => [kind, subject, kind !== "damaged"]),
  );
  const { problems: rest, summary } = await check(temp.path);
  assertEquals(rest, [["damaged", `${BUCKET}/rotten`, false]]);
  assertEquals(summary.kind === "files" && [summary.objects, summary.unrecorded], [7, 0]);
});

Deno.test("a wrong time alone costs no metadata; rotten bytes count when the operator says so", async () => {
  await using temp = await TempDir.make();
  {
    await using store = await open(temp.path);
    await createBucket(store, BUCKET);
    const meta = { user: { colour: "red" } };
    await put(store, "untimely", "text", { meta });
    await put(store, "rotten", "text", { meta });
  }
  const path = (key: string) => `${temp.path}/${BUCKET}/${key}`;
  await Deno.utime(path("untimely"), 1_600_000_000, 1_600_000_000);
  await flipByte(path("rotten"), 0);
  await using store = await open(temp.path);
  await repair(store, true);
  assertEquals((await check(temp.path)).problems, []);
  for (const key of ["untimely", "rotten"]) {
    assertEquals((await store.head(at(key))).meta.user, { colour: "red" });
  }
  assertEquals(await readText(store, "untimely"), "text");
});

Deno.test("what isn't laid out as a file yet is verified where it is", async () => {
  await using temp = await TempDir.make();
  const files = { ...diskFiles };
  await using store = await FileStore.open({ dataDir: temp.path, durability: "relaxed", files });
  await createBucket(store, BUCKET);
  files.rename = () => {
    throw new Error("not now");
  };
  await put(store, "small", "text");
  await put(store, "large", pattern(100_000));
  const sound = await check(temp.path);
  assertEquals(sound.problems, []);
  assertEquals(sound.summary.kind === "files" && sound.summary.bytes, 100_004);
  for (const { name } of Deno.readDirSync(`${temp.path}/.tmp`)) {
    if (Deno.statSync(`${temp.path}/.tmp/${name}`).size === 100_000) {
      await flipByte(`${temp.path}/.tmp/${name}`, 7);
    }
  }
  assertEquals((await check(temp.path)).problems, [["damaged", `${BUCKET}/large`, false]]);
  files.rename = diskFiles.rename;
});

Deno.test("an interrupted check goes on at the next object, wherever it was", async () => {
  await using temp = await TempDir.make();
  await filled(temp.path, ["a", "b", "c"]);
  await Deno.writeTextFile(`${temp.path}/${BUCKET}/by hand`, "");
  await flipByte(`${temp.path}/${BUCKET}/a`, 0);
  await flipByte(`${temp.path}/${BUCKET}/c`, 0);
  const whole = await check(temp.path);
  for (let points = 1; points <= whole.points.length; points++) {
    const { outcome } = await assertRejects(() => check(temp.path, undefined, points), Stopped);
    const from: CheckPoint = JSON.parse(JSON.stringify(outcome.points.at(-1)));
    const rest = await check(temp.path, from);
    assertEquals([...outcome.problems, ...rest.problems], whole.problems);
    assertEquals([...outcome.points, ...rest.points], whole.points);
    assertEquals(rest.summary, whole.summary);
  }
});
