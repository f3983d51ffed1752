import { assertEquals, assertMatch } from "@std/assert";
import { blake3Hex } from "../../src/blake3.ts";
import { systemRandom } from "../../src/clock.ts";
import { LIMITS } from "../../src/limits.ts";
import { ContentCheck } from "../../src/storage/content_check.ts";
import type { ContentStore } from "../../src/storage/content_store.ts";
import { MemoryContent } from "../../src/storage/memory_content.ts";
import { bucketName, objectName, partName } from "../../src/storage/record.ts";
import type { CheckProblem, CheckSummary } from "../../src/storage/store_check.ts";
import { systemTimers } from "../../src/timers.ts";
import { record } from "../suites/content_store/support.ts";

const TEXTS = ["one", "two", "three", "of nobody"];
const HASHES = TEXTS.map((text) => blake3Hex(text));
const ABSENT = blake3Hex("elsewhere");

interface Outcome {
  readonly summary: CheckSummary;
  readonly problems: CheckProblem[];
  /** `done/total`. */
  readonly progress: string[];
}

async function check(content: ContentStore): Promise<Outcome> {
  const problems: CheckProblem[] = [];
  const progress: string[] = [];
  const summary = await new ContentCheck(content).check({
    progress: (done, total) => progress.push(`${done}/${total}`),
    problem: (problem) => problems.push(problem),
  });
  return { summary, problems, progress };
}

/** Objects a (one and two), b (two), a part (three), c (elsewhere) and one that was deleted. */
async function openContent(): Promise<MemoryContent> {
  const content = MemoryContent.make({
    timers: systemTimers,
    syncDelayMs: () => 0,
    random: systemRandom,
  });
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

Deno.test("a node's content that is sound has no problems", async () => {
  await using content = await openContent();
  const { summary, problems, progress } = await check(content);
  assertEquals(problems, []);
  assertEquals(summary, {
    kind: "content",
    blocks: 4,
    bytes: TEXTS.join("").length,
    records: 6,
    blocksElsewhere: 1,
  });
  assertEquals(progress, ["0/4", "1/4", "2/4", "3/4"]);
});

Deno.test("blocks that are damaged or gone are told with what they are of, and dropped", async () => {
  await using content = await openContent();
  const [one = "", two = "", three = "", nobodys = ""] = HASHES;
  for (const hash of [two, three, nobodys]) content.damageBlock(hash);
  content.loseBlock(one);
  const { summary, problems } = await check(content);
  const damaged =
    "its bytes are damaged and were dropped: the node fetches it from another when it runs";
  const gone = "its file is gone: the node fetches it from another when it runs";
  const expected = [
    { subject: `block ${one}`, what: `${gone}; it is of bucket/a`, isRepaired: false },
    {
      subject: `block ${two}`,
      what: `${damaged}; it is of bucket/a and of 1 more`,
      isRepaired: false,
    },
    { subject: `block ${three}`, what: `${damaged}; it is of bucket/p (part)`, isRepaired: false },
    { subject: `block ${nobodys}`, what: `${damaged}; it is of no object`, isRepaired: false },
  ];
  const bySubject = (a: CheckProblem, b: CheckProblem) => a.subject < b.subject ? -1 : 1;
  assertEquals(problems.sort(bySubject), expected.sort(bySubject));
  assertEquals(summary, { kind: "content", blocks: 0, bytes: 0, records: 6, blocksElsewhere: 4 });
});

Deno.test("a record that can't be read is told, and the others are read", async () => {
  await using content = await openContent();
  const spoilt: ContentStore = {
    blocks: content.blocks,
    records: new Proxy(content.records, {
      get(records, name) {
        if (name === "find") {
          return (wanted: Parameters<typeof records.find>[0]) => {
            if (wanted.key === "b") throw new SyntaxError("no JSON");
            return records.find(wanted);
          };
        }
        const value = Reflect.get(records, name, records);
        return typeof value === "function" ? value.bind(records) : value;
      },
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { summary, problems } = await check(spoilt);
  const what = "its record can't be read: no JSON";
  assertEquals(problems, [{ subject: "bucket/b", what, isRepaired: false }]);
  assertEquals(summary.kind === "content" && summary.records, 6);
});

Deno.test("more than a page of blocks and records is looked at", async () => {
  await using content = MemoryContent.make({
    timers: systemTimers,
    syncDelayMs: () => 0,
    random: systemRandom,
  });
  const count = LIMITS.rescanBatch + 5;
  const texts = Array.from({ length: count }, (_, n) => `block ${n}`);
  await Promise.all(
    texts.map((text) => content.blocks.write(blake3Hex(text), new TextEncoder().encode(text))),
  );
  await content.records.apply(
    texts.map((text, n) =>
      record({
        n: n + 1,
        ...objectName("bucket", text),
        blocks: [{ hash: blake3Hex(`${text}, not held`), size: 1 }],
      })
    ),
  );
  const last = content.blocks.list("", count).at(-1) ?? "";
  content.damageBlock(last);
  const { summary, problems } = await check(content);
  assertEquals(problems.map(({ subject }) => subject), [`block ${last}`]);
  assertMatch(problems[0]?.what ?? "", /damaged/);
  assertEquals(
    summary.kind === "content" && [summary.blocks, summary.records, summary.blocksElsewhere],
    [
      count - 1,
      count,
      count,
    ],
  );
});
