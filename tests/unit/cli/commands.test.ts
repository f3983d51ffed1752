import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createBuckets } from "../../../src/cli/buckets.ts";
import { type CheckOptions, type CheckReport, checkStore } from "../../../src/cli/check_command.ts";
import { CheckStateFile } from "../../../src/cli/check_state.ts";
import { ReadPace } from "../../../src/cli/read_pace.ts";
import { systemClock } from "../../../src/clock.ts";
import { LIMITS } from "../../../src/limits.ts";
import type { CheckPoint, CheckSummary, CheckWatch } from "../../../src/storage/check.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { printIndex } from "../../../src/cli/index_command.ts";
import { barText, ProgressBar } from "../../../src/cli/progress_bar.ts";
import { parseConfig } from "../../../src/config.ts";
import { MemoryStore } from "../../../src/storage/memory_store.ts";
import type { ObjectInfo, ObjectMeta } from "../../../src/storage/object_store.ts";

const META: ObjectMeta = { headers: {}, user: {}, tags: {}, acl: "private" };
const SUMMARY: CheckSummary = {
  kind: "files",
  buckets: 1,
  objects: 2,
  bytes: 3000,
  unrecorded: 0,
};

class FakeScreen {
  text = "";
  readonly #isTerminal: boolean;
  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }
  isTerminal(): boolean {
    return this.#isTerminal;
  }
  writeSync(bytes: Uint8Array): number {
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }
}

interface CheckOutcome {
  readonly code: number;
  readonly screen: string;
  readonly lines: string[];
  readonly reports: CheckReport[];
}

const STATE_PATH = "check.json";

async function check(
  isTerminal: boolean,
  work: (watch: CheckWatch, from: CheckPoint | undefined) => void | Promise<void>,
  options: Partial<CheckOptions> & { readonly summary?: CheckSummary } = {},
): Promise<CheckOutcome> {
  await using temp = await TempDir.make();
  const screen = new FakeScreen(isTerminal);
  const lines: string[] = [];
  const reports: CheckReport[] = [];
  const store = {
    check: async (watch: CheckWatch, from: CheckPoint | undefined) => {
      await work(watch, from);
      return options.summary ?? SUMMARY;
    },
  };
  const code = await checkStore(store, {
    bar: new ProgressBar(screen),
    print: (line) => lines.push(line),
    pace: new ReadPace(Infinity, systemClock),
    clock: systemClock,
    state: new CheckStateFile(`${temp.path}/${STATE_PATH}`),
    stop: new AbortController().signal,
    dataDir: "/data",
    isRepair: false,
    isRestart: false,
    isJson: false,
    writeReport: (text) => Promise.resolve(void reports.push(JSON.parse(text))),
    ...options,
  });
  return { code, screen: screen.text, lines, reports };
}

const CHANGED = {
  kind: "changed",
  subject: "b/k",
  what: "the bytes have changed",
  isRepaired: true,
} as const;
const MISSING = {
  kind: "missing",
  subject: "b",
  what: "the folder is gone",
  isRepaired: false,
} as const;

Deno.test("check: all is well", async () => {
  const { code, screen, lines, reports } = await check(
    true,
    (watch) => watch.progress(1, 2, "b/k"),
  );
  assertEquals(code, 0);
  assertEquals(lines, ["checked 2 objects of 3000 bytes in 1 bucket: no problems"]);
  assertEquals(screen, "\r[###############---------------]  50% b/k\x1b[K\r\x1b[K");
  const { started, ended, ...report } = reports[0] ?? { started: "", ended: "" };
  assertEquals(started <= ended, true);
  assertEquals(report, {
    format: 1,
    dataDir: "/data",
    isRepair: false,
    isComplete: true,
    isSound: true,
    summary: SUMMARY,
    problemCount: 0,
    repairedCount: 0,
    problems: [],
  });
});

Deno.test("check: problems are told, counted and reported", async () => {
  const { code, lines, reports } = await check(false, (watch) => {
    watch.problem(CHANGED);
    watch.problem(MISSING);
  });
  assertEquals(code, 1);
  assertEquals(lines, [
    "b/k: the bytes have changed (repaired)",
    "b: the folder is gone",
    "checked 2 objects of 3000 bytes in 1 bucket: 2 problems, 1 repaired",
  ]);
  const { isSound, problemCount, repairedCount, problems } = reports[0] ?? {};
  assertEquals({ isSound, problemCount, repairedCount, problems }, {
    isSound: false,
    problemCount: 2,
    repairedCount: 1,
    problems: [CHANGED, MISSING],
  });
});

Deno.test("check: with --json stdout has the report and nothing else", async () => {
  const { screen, lines, reports } = await check(true, (watch) => {
    watch.progress(1, 2, "b/k");
    watch.problem(MISSING);
  }, { isJson: true });
  assertEquals([screen, JSON.parse(lines.join("\n"))], ["\r\x1b[K", reports[0]]);
});

Deno.test("check: an interrupted one goes on where it was, unless it is to begin anew", async () => {
  await using temp = await TempDir.make();
  const state = new CheckStateFile(`${temp.path}/state`);
  const stop = new AbortController();
  const point = { place: ["b", "rows", "k"], counts: { objects: 1 } };
  const interrupted = await check(false, async (watch, from) => {
    assertEquals(from, undefined);
    watch.problem(MISSING);
    watch.passed(point);
    stop.abort();
    await watch.pace(1);
  }, { state, stop: stop.signal });
  assertEquals([interrupted.code, interrupted.lines], [1, [
    "b: the folder is gone",
    "interrupted, 1 problem, 0 repaired so far: the next check goes on here",
  ]]);
  assertEquals(interrupted.reports[0]?.isComplete, false);

  let from: CheckPoint | undefined;
  const note = (_: CheckWatch, given: CheckPoint | undefined) => void (from = given);
  await check(false, note, { state: new CheckStateFile(`${temp.path}/copy`) });
  assertEquals(from, undefined);
  await Deno.copyFile(`${temp.path}/state`, `${temp.path}/copy`);
  const repairing = { state: new CheckStateFile(`${temp.path}/copy`), isRepair: true };
  await check(false, note, repairing);
  assertEquals(from, undefined, "one that repairs doesn't go on with one that doesn't");

  const resumed = await check(false, note, { state });
  assertEquals([from, resumed.code], [point, 1]);
  assertMatch(resumed.lines[0] ?? "", /^going on with the check that began at 2.*Z/);
  assertEquals(resumed.lines.slice(1), [
    "b: the folder is gone",
    "checked 2 objects of 3000 bytes in 1 bucket: 1 problem, 0 repaired",
  ]);
  await check(false, note, { state });
  assertEquals(from, undefined, "what has ended is over");
});

Deno.test("check: --restart begins anew", async () => {
  await using temp = await TempDir.make();
  const state = new CheckStateFile(`${temp.path}/state`);
  let nowMs = 0;
  const clock = { now: () => nowMs += LIMITS.checkSaveIntervalMs };
  const dies = (watch: CheckWatch) => {
    watch.passed({ place: ["b"], counts: {} });
    throw new Error("killed");
  };
  await assertRejects(() => check(false, dies, { state, clock }), Error, "killed");
  const froms: unknown[] = [];
  const note = (_: CheckWatch, from: CheckPoint | undefined) => void froms.push(from?.place);
  await assertRejects(() => check(false, dies, { state, clock }), Error, "killed");
  await check(false, note, { state, isRestart: true });
  await assertRejects(() => check(false, dies, { state, clock }), Error, "killed");
  await check(false, note, { state });
  assertEquals(froms, [undefined, ["b"]]);
});

Deno.test("check: what isn't a state is no place to go on from", async () => {
  await using temp = await TempDir.make();
  for (const text of ["", "{", '{"format":0,"point":{"place":["b"],"counts":{}}}']) {
    await Deno.writeTextFile(`${temp.path}/state`, text);
    const state = new CheckStateFile(`${temp.path}/state`);
    const { code } = await check(false, (_, from) => assertEquals(from, undefined), { state });
    assertEquals(code, 0);
  }
});

Deno.test("check: reading is no faster than it may be, and idle time isn't made up for", async () => {
  let nowMs = 1000;
  const pace = new ReadPace(1_000_000, { now: () => nowMs }, (ms) => {
    nowMs += ms;
    return Promise.resolve();
  });
  const { signal } = new AbortController();
  for (let n = 0; n < 100; n++) await pace.spend(50_000, signal);
  assertEquals(nowMs, 6000);
  nowMs += 60_000;
  for (let n = 0; n < 100; n++) await pace.spend(5_000, signal);
  assertEquals(nowMs, 66_500);
});

Deno.test("check: of a node it tells of blocks and records", async () => {
  const summaries: readonly (readonly [blocksElsewhere: number, line: string])[] = [
    [0, "checked 1 block of 20 bytes and 3 records: no problems"],
    [
      2,
      "checked 1 block of 20 bytes and 3 records, which refer to 2 blocks that this node " +
      "doesn't hold: no problems",
    ],
  ];
  for (const [blocksElsewhere, line] of summaries) {
    const summary = { kind: "content", blocks: 1, bytes: 20, records: 3, blocksElsewhere } as const;
    assertEquals((await check(false, () => {}, { summary })).lines, [line]);
  }
});

Deno.test("check: no bar where stdout is no terminal", async () => {
  const { screen } = await check(false, (watch) => watch.progress(1, 2, "b/k"));
  assertEquals(screen, "");
});

Deno.test("a bar stays within its bounds", () => {
  assertEquals(barText({ done: 0, total: 0 }, "x"), `[${"#".repeat(30)}] 100% x`);
  assertEquals(barText({ done: 5, total: 1 }, "x"), `[${"#".repeat(30)}] 100% x`);
  assertEquals(barText({ done: 999, total: 1000 }, "x"), `[${"#".repeat(29)}-]  99% x`);
});

Deno.test("index lists every object of every bucket in byte order, over pages", async () => {
  await using store = new MemoryStore();
  for (const bucket of ["zoo", "abc"]) {
    await store.createBucket(bucket, { owner: undefined, acl: "private" });
  }
  const body = async function* () {
    yield await Promise.resolve(new TextEncoder().encode("hello"));
  };
  const keys = Array.from({ length: 1001 }, (_, i) => `k${String(i).padStart(5, "0")}`);
  for (const key of keys) await store.put({ bucket: "abc", key, body: body(), seal: () => META });
  await store.put({ bucket: "zoo", key: "ä", body: body(), seal: () => META });
  const lines: string[] = [];
  await printIndex(store, (line) => lines.push(line));
  const md5 = "5d41402abc4b2a76b9719d911017c592";
  assertEquals(lines, [...keys.map((key) => `abc/${key} → ${md5}, 5`), `zoo/ä → ${md5}, 5`]);
});

Deno.test("index prints hashes where they are known", async () => {
  await using store = new MemoryStore();
  await store.createBucket("abc", { owner: undefined, acl: "private" });
  const body = async function* () {
    yield await Promise.resolve(new TextEncoder().encode("hello"));
  };
  for (const key of ["a", "b"]) {
    await store.put({ bucket: "abc", key, body: body(), seal: () => META });
  }
  const lines: string[] = [];
  const findHash = ({ bucket, key, size }: ObjectInfo) =>
    key === "a" ? `${bucket}-${key}-${size}` : undefined;
  await printIndex(store, (line) => lines.push(line), { findHash });
  assertEquals(lines, ["abc/a → abc-a-5, 5", "abc/b → 5d41402abc4b2a76b9719d911017c592, 5"]);
});

Deno.test("--buckets makes what is missing and sets access on what is there", async () => {
  await using store = new MemoryStore();
  await store.createBucket("old", { owner: "someone", acl: "public-read" });
  const words = ["--buckets=old,new:public", "--acl=reader:r-1:12345678,admin:boss:12345678"];
  await createBuckets(store, parseConfig(words, {}));
  await createBuckets(store, parseConfig(words, {}));
  const buckets = (await store.listBuckets()).map(({ name, owner, acl }) => ({ name, owner, acl }));
  assertEquals(buckets, [
    { name: "new", owner: "boss", acl: "public-read" },
    { name: "old", owner: "someone", acl: "private" },
  ]);
});
