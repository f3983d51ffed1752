import { assertEquals } from "@std/assert";
import { createBuckets } from "../../../src/cli/buckets.ts";
import { checkStore } from "../../../src/cli/check_command.ts";
import type { CheckSummary, CheckWatch } from "../../../src/storage/store_check.ts";
import { printIndex } from "../../../src/cli/index_command.ts";
import { barText, ProgressBar } from "../../../src/cli/progress_bar.ts";
import { parseConfig } from "../../../src/config.ts";
import { MemoryStore } from "../../../src/storage/memory_store.ts";
import type { ObjectInfo, ObjectMeta } from "../../../src/storage/object_store.ts";

const META: ObjectMeta = { headers: {}, user: {}, tags: {}, acl: "private" };
const SUMMARY: CheckSummary = { kind: "files", buckets: 1, objects: 2, bytes: 3000 };

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

async function check(
  isTerminal: boolean,
  work: (watch: CheckWatch) => void,
  summary: CheckSummary = SUMMARY,
): Promise<{ code: number; screen: string; lines: string[] }> {
  const screen = new FakeScreen(isTerminal);
  const lines: string[] = [];
  const store = {
    check: (watch: CheckWatch) => {
      work(watch);
      return Promise.resolve(summary);
    },
  };
  const code = await checkStore(store, new ProgressBar(screen), (line) => lines.push(line));
  return { code, screen: screen.text, lines };
}

Deno.test("check: all is well", async () => {
  const { code, screen, lines } = await check(true, (watch) => watch.progress(1, 2, "b/k"));
  assertEquals(code, 0);
  assertEquals(lines, ["checked 2 objects of 3000 bytes in 1 bucket: no problems"]);
  assertEquals(screen, "\r[###############---------------]  50% b/k\x1b[K\r\x1b[K");
});

Deno.test("check: problems are told and counted", async () => {
  const { code, lines } = await check(false, (watch) => {
    watch.problem({ subject: "b/k", what: "the bytes have changed", isRepaired: true });
    watch.problem({ subject: "b", what: "the folder is gone", isRepaired: false });
  });
  assertEquals(code, 1);
  assertEquals(lines, [
    "b/k: the bytes have changed (repaired)",
    "b: the folder is gone",
    "checked 2 objects of 3000 bytes in 1 bucket: 2 problems, 1 repaired",
  ]);
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
    assertEquals((await check(false, () => {}, summary)).lines, [line]);
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
