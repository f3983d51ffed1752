import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { blake3Hex } from "../../src/blake3.ts";
import { LIMITS } from "../../src/limits.ts";
import type { CheckPoint, CheckProblem, CheckSummary } from "../../src/storage/check.ts";
import { ContentCheck } from "../../src/storage/content_check.ts";
import { ContentView } from "../../src/storage/content_view.ts";
import { type DiskContent, openDiskContent } from "../../src/storage/disk_content.ts";
import { diskFiles } from "../../src/storage/files.ts";
import { bucketName, objectName, partName } from "../../src/storage/record.ts";
import { flipByte } from "../support/flip_byte.ts";
import { TempDir } from "../support/temp_dir.ts";
import { record } from "../suites/content_store/support.ts";

const TEXTS = ["one", "two", "three", "of nobody"];
const HASHES = TEXTS.map((text) => blake3Hex(text));
const ABSENT = blake3Hex("elsewhere");

interface Outcome {
  readonly summary: CheckSummary;
  readonly problems: CheckProblem[];
  readonly points: CheckPoint[];
}

interface Options {
  readonly isRepair?: boolean;
  readonly from?: CheckPoint | undefined;
  /** Stops after so many blocks. */
  readonly blocks?: number;
}

async function check(dataDir: string, options: Options = {}): Promise<Outcome> {
  const { isRepair = false, from, blocks = Infinity } = options;
  const problems: CheckProblem[] = [];
  const points: CheckPoint[] = [];
  using view = ContentView.open(dataDir, diskFiles);
  const watch = {
    progress: () => {},
    problem: (problem: CheckProblem) => problems.push(problem),
    pace: () => Promise.resolve(),
    passed: (point: CheckPoint) => {
      points.push(point);
      if (points.length >= blocks) throw new Stopped(points);
    },
  };
  const summary = await new ContentCheck(view, watch, { isRepair }).run(from);
  return { summary, problems, points };
}

class Stopped extends Error {
  constructor(readonly points: readonly CheckPoint[]) {
    super("stopped");
  }
}

/** Objects a (one and two), b (two), a part (three), c (elsewhere) and one that was deleted. */
async function openContent(dataDir: string): Promise<DiskContent> {
  const content = await openDiskContent({ dataDir, durability: "relaxed" });
  for (const [index, text] of TEXTS.entries()) {
    await content.blocks.write(HASHES[index] ?? "", new TextEncoder().encode(text));
  }
  const [one = "", two = "", three = ""] = HASHES;
  const refs = (...hashes: string[]) => hashes.map((hash) => ({ hash, size: 5 }));
  await content.records.apply([
    record({ n: 1, ...bucketName("bucket") }),
    record({ n: 2, ...objectName("bucket", "a"), blocks: refs(one, two) }),
    record({ n: 3, ...objectName("bucket", "b"), blocks: refs(two) }),
    record({ n: 4, ...objectName("bucket", "c"), blocks: refs(ABSENT) }),
    record({ n: 5, ...objectName("bucket", "d"), isDeleted: true }),
    record({ n: 6, ...partName("bucket", "p", "upload", 1), blocks: refs(three) }),
  ]);
  return content;
}

function pathOf(dataDir: string, hash: string): string {
  return `${dataDir}/.cas/${hash.slice(0, 2)}/${hash}.blob`;
}

const bySubject = (a: CheckProblem, b: CheckProblem) => a.subject < b.subject ? -1 : 1;

Deno.test("a node's content that is sound has no problems, also beside the node", async () => {
  await using temp = await TempDir.make();
  const content = await openContent(temp.path);
  const whole = {
    kind: "content",
    blocks: 4,
    bytes: TEXTS.join("").length,
    records: 6,
    blocksElsewhere: 1,
  };
  const beside = await check(temp.path);
  assertEquals([beside.summary, beside.problems], [whole, []]);
  await content[Symbol.asyncDispose]();
  const alone = await check(temp.path);
  assertEquals([alone.summary, alone.problems], [whole, []]);
  assertEquals(alone.points.map(({ place: [hash] }) => hash), [...HASHES].sort());
});

Deno.test("blocks that are damaged or gone are told with what they are of, and left", async () => {
  await using temp = await TempDir.make();
  await using content = await openContent(temp.path);
  await content.blocks.reconciled();
  const [one = "", two = "", three = "", nobodys = ""] = HASHES;
  for (const hash of [two, three, nobodys]) await flipByte(pathOf(temp.path, hash), 1);
  await Deno.remove(pathOf(temp.path, one));
  const { summary, problems } = await check(temp.path);
  const damaged =
    "its bytes are damaged: the node drops it when it reads it, and fetches it from another";
  const gone = "its file is gone: the node fetches it from another when it runs";
  const expected = ([
    ["missing", one, `${gone}; it is of bucket/a`],
    ["damaged", two, `${damaged}; it is of bucket/a and of 1 more`],
    ["damaged", three, `${damaged}; it is of bucket/p (part)`],
    ["damaged", nobodys, `${damaged}; it is of no object`],
  ] as const).map(([kind, hash, what]) => ({
    kind,
    subject: `block ${hash}`,
    what,
    isRepaired: false,
  }));
  assertEquals(problems.sort(bySubject), expected.sort(bySubject));
  assertEquals(summary, { kind: "content", blocks: 0, bytes: 0, records: 6, blocksElsewhere: 2 });
  assertEquals((await check(temp.path)).problems.length, 4);
});

Deno.test("a repair sets damaged blocks aside: then the node lacks them, and knows it", async () => {
  await using temp = await TempDir.make();
  await (await openContent(temp.path))[Symbol.asyncDispose]();
  const [one = "", two = ""] = HASHES;
  await flipByte(pathOf(temp.path, two), 1);
  await Deno.remove(pathOf(temp.path, one));
  const { problems } = await check(temp.path, { isRepair: true });
  assertEquals(problems.map(({ kind, isRepaired }) => [kind, isRepaired]).sort(), [
    ["damaged", true],
    ["missing", true],
  ]);
  assertEquals((await check(temp.path)).problems, []);
  assertEquals(Array.from(Deno.readDirSync(`${temp.path}/.damaged`), ({ name }) => name), [
    `${two}.blob`,
  ]);
  await using content = await openDiskContent({ dataDir: temp.path, durability: "relaxed" });
  await content.blocks.reconciled();
  assertEquals([content.blocks.has(one), content.blocks.has(two)], [false, false]);
});

Deno.test("an interrupted check goes on, and tells what it had found before", async () => {
  await using temp = await TempDir.make();
  await using _content = await openContent(temp.path);
  const sorted = [...HASHES].sort();
  for (const hash of [sorted[0] ?? "", sorted[3] ?? ""]) await flipByte(pathOf(temp.path, hash), 1);
  const { points } = await assertRejects(() => check(temp.path, { blocks: 2 }), Stopped);
  const from: CheckPoint = JSON.parse(JSON.stringify(points.at(-1)));
  const { summary, problems, points: rest } = await check(temp.path, { from });
  assertEquals(rest.map(({ place: [hash] }) => hash), sorted.slice(2));
  assertEquals(problems.map(({ subject }) => subject), [
    `block ${sorted[0]}`,
    `block ${sorted[3]}`,
  ]);
  assertEquals(summary.kind === "content" && summary.blocks, 2);
});

Deno.test("a record that can't be read is told, and the others are read", async () => {
  await using temp = await TempDir.make();
  await (await openContent(temp.path))[Symbol.asyncDispose]();
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(`${temp.path}/.index/cluster.db`);
  database.exec("UPDATE records SET data = 'no JSON' WHERE data = '{\"n\":3}'");
  database.close();
  const { summary, problems } = await check(temp.path);
  assertEquals(problems.map(({ kind, subject }) => [kind, subject]), [["record", "bucket/b"]]);
  assertMatch(problems[0]?.what ?? "", /^its record can't be read: /);
  assertEquals(summary.kind === "content" && summary.records, 6);
});

Deno.test("more than a page of records is looked at", async () => {
  await using temp = await TempDir.make();
  await using content = await openDiskContent({ dataDir: temp.path, durability: "relaxed" });
  const count = LIMITS.rescanBatch + 5;
  await content.records.apply(
    Array.from({ length: count }, (_, n) =>
      record({
        n: n + 1,
        ...objectName("bucket", `${n}`),
        blocks: [{ hash: blake3Hex(`${n}`), size: 1 }],
      })),
  );
  const { summary, problems } = await check(temp.path);
  assertEquals(problems, []);
  assertEquals(summary.kind === "content" && [summary.records, summary.blocksElsewhere], [
    count,
    count,
  ]);
});
