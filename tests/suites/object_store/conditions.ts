/** Conditional writes, one after the other and racing. */

import { assert, assertEquals } from "@std/assert";
import { S3Error, type S3ErrorCode } from "../../../src/errors.ts";
import type { ObjectStore, WriteCondition } from "../../../src/storage/object_store.ts";
import {
  assertCode,
  at,
  BUCKET,
  createUpload,
  listNames,
  md5Of,
  nextTurn,
  PLAIN_META,
  put,
  putPart,
  readText,
  type Suite,
  targetOf,
} from "./support.ts";

const OTHER_ETAG = md5Of("something else");

interface Case {
  /** Content of the key before; undefined when there is none. */
  readonly before: string | undefined;
  readonly condition: WriteCondition;
  readonly refused?: S3ErrorCode;
}

const CASES: readonly Case[] = [
  { before: undefined, condition: { ifAbsent: true } },
  { before: "old", condition: { ifAbsent: true }, refused: "PreconditionFailed" },
  { before: "old", condition: { ifMatch: md5Of("old") } },
  { before: "old", condition: { ifMatch: "*" } },
  { before: "old", condition: { ifMatch: OTHER_ETAG }, refused: "PreconditionFailed" },
  { before: undefined, condition: { ifMatch: md5Of("old") }, refused: "NoSuchKey" },
];

/** Each makes `key` hold "new". */
const WRITERS: Readonly<
  Record<string, (store: ObjectStore, key: string, condition: WriteCondition) => Promise<unknown>>
> = {
  put: (store, key, condition) => put(store, key, "new", { condition }),
  copy: async (store, key, condition) => {
    await put(store, "source", "new");
    const plan = () => ({ meta: PLAIN_META, checksum: "keep" as const });
    return store.copy({ from: at("source"), to: at(key), plan, condition });
  },
  complete: async (store, key, condition) => {
    const upload = targetOf(await createUpload(store, key));
    const { etag } = await putPart(store, upload, 1, "new");
    return store.completeUpload({ ...upload, parts: [{ number: 1, etag }], condition });
  },
};

export function conditionTests(suite: Suite): void {
  for (const [name, write] of Object.entries(WRITERS)) {
    suite.testInBucket(`${name} is bound to its condition`, async (store) => {
      for (const [index, { before, condition, refused }] of CASES.entries()) {
        const key = `dir/${index}`;
        if (before !== undefined) await put(store, key, before);
        if (refused === undefined) {
          await write(store, key, condition);
          assertEquals(await readText(store, key), "new", JSON.stringify(condition));
          continue;
        }
        await assertCode(write(store, key, condition), refused);
        if (before === undefined) await assertCode(store.head(at(key)), "NoSuchKey");
        else assertEquals(await readText(store, key), before);
      }
    }, "conditions");
  }

  suite.testInBucket("delete is bound to its condition", async (store) => {
    const { size, modifiedMs } = await put(store, "a", "old");
    const refusedBy: readonly WriteCondition[] = [
      { ifMatch: OTHER_ETAG },
      { ifMatchSize: size + 1 },
      { ifMatchModifiedMs: modifiedMs - 5000 },
      { ifMatch: md5Of("old"), ifMatchSize: size, ifMatchModifiedMs: modifiedMs + 5000 },
    ];
    for (const condition of refusedBy) {
      await assertCode(store.delete(at("a"), condition), "PreconditionFailed");
    }
    assertEquals(await readText(store, "a"), "old");
    for (const condition of [{ ifMatch: "*" }, { ifMatch: md5Of("old") }]) {
      await assertCode(store.delete(at("missing"), condition), "NoSuchKey");
    }
    const metBy: readonly WriteCondition[] = [
      { ifMatch: md5Of("old") },
      { ifMatch: "*" },
      { ifMatchSize: size },
      { ifMatchModifiedMs: modifiedMs },
    ];
    for (const condition of metBy) {
      const again = await put(store, "a", "old");
      const isTimed = condition.ifMatchModifiedMs !== undefined;
      await store.delete(at("a"), isTimed ? { ifMatchModifiedMs: again.modifiedMs } : condition);
      assertEquals(await listNames(store), []);
    }
  }, "conditions");

  suite.testInBucket("a refused completion leaves the upload as it was", async (store) => {
    await put(store, "a", "old");
    const upload = targetOf(await createUpload(store, "a"));
    const { etag } = await putPart(store, upload, 1, "new");
    const request = { ...upload, parts: [{ number: 1, etag }] };
    await assertCode(
      store.completeUpload({ ...request, condition: { ifAbsent: true } }),
      "PreconditionFailed",
    );
    assertEquals((await store.listParts(upload, 0, 10)).parts.map((part) => part.etag), [etag]);
    await store.delete(at("a"));
    await store.completeUpload({ ...request, condition: { ifAbsent: true } });
    assertEquals(await readText(store, "a"), "new");
  }, "conditions");

  suite.testInBucket("of racing writers of a new key one wins", async (store) => {
    for (const size of [1, 100_000]) {
      const key = `dir/${size}`;
      const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(size));
      const results = await Promise.allSettled(
        contents.map((content) => put(store, key, content, { condition: { ifAbsent: true } })),
      );
      assertEquals(await readText(store, key), contents[winnerOf(results)]);
    }
  }, "conditions");

  suite.testInBucket("a writer that was refused finds what refused it", async (store) => {
    const condition = { ifAbsent: true };
    const holderAfter = async (content: string) => {
      try {
        await put(store, "lock", content, { condition });
        return content;
      } catch (error) {
        if (!isLoss(error)) throw error;
        return await readText(store, "lock");
      }
    };
    const holders = await Promise.all(["1", "2", "3"].map(holderAfter));
    assertEquals(new Set(holders).size, 1, `different holders: ${holders}`);
  }, "conditions");

  suite.testInBucket("of racing writers of different kinds one wins", async (store) => {
    const condition = { ifAbsent: true };
    const writes = Object.values(WRITERS);
    const results = await Promise.allSettled(
      [...writes, ...writes].map((write) => write(store, "a", condition)),
    );
    winnerOf(results);
    assertEquals(await readText(store, "a"), "new");
  }, "conditions");

  suite.testInBucket("counting by compare-and-swap loses nothing", async (store) => {
    await put(store, "count", "0");
    await Promise.all(Array.from({ length: 4 }, () => countUp(store, 5)));
    assertEquals(await readText(store, "count"), "20");
  }, "conditions");

  suite.testInBucket("of racing conditional deletes one wins", async (store) => {
    const { etag } = await put(store, "a", "x");
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => store.delete(at("a"), { ifMatch: etag })),
    );
    winnerOf(results);
    assertEquals(await listNames(store), []);
    await store.deleteBucket(BUCKET);
  }, "conditions");

  for (const [name, write] of Object.entries(WRITERS)) {
    suite.testInBucketWithout("conditions", `${name} takes no condition`, async (store) => {
      for (const [index, { before, condition }] of CASES.entries()) {
        const key = `dir/${index}`;
        if (before !== undefined) await put(store, key, before);
        await assertCode(write(store, key, condition), "NotImplemented");
        if (before === undefined) await assertCode(store.head(at(key)), "NoSuchKey");
        else assertEquals(await readText(store, key), before);
      }
    });
  }

  suite.testInBucketWithout("conditions", "delete takes no condition", async (store) => {
    const { size, modifiedMs } = await put(store, "a", "old");
    const conditions: readonly WriteCondition[] = [
      { ifMatch: md5Of("old") },
      { ifMatch: OTHER_ETAG },
      { ifMatch: "*" },
      { ifMatchSize: size },
      { ifMatchModifiedMs: modifiedMs },
    ];
    for (const condition of conditions) {
      await assertCode(store.delete(at("a"), condition), "NotImplemented");
      await assertCode(store.delete(at("missing"), condition), "NotImplemented");
    }
    assertEquals(await readText(store, "a"), "old");
  });

  suite.testInBucketWithout(
    "conditions",
    "a completion without its condition goes on",
    async (store) => {
      const upload = targetOf(await createUpload(store, "a"));
      const { etag } = await putPart(store, upload, 1, "new");
      const request = { ...upload, parts: [{ number: 1, etag }] };
      await assertCode(
        store.completeUpload({ ...request, condition: { ifAbsent: true } }),
        "NotImplemented",
      );
      assertEquals((await store.listParts(upload, 0, 10)).parts.map((part) => part.etag), [etag]);
      await store.completeUpload(request);
      assertEquals(await readText(store, "a"), "new");
    },
  );
}

/** Index of the only fulfilled result; the others must have been refused as losers are. */
function winnerOf(results: readonly PromiseSettledResult<unknown>[]): number {
  const winners = results.flatMap((result, index) => result.status === "fulfilled" ? [index] : []);
  for (const result of results) {
    if (result.status === "rejected") assert(isLoss(result.reason), String(result.reason));
  }
  assertEquals(winners.length, 1, `${winners.length} writers won`);
  return winners[0] ?? -1;
}

function isLoss(reason: unknown): boolean {
  return reason instanceof S3Error &&
    ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"].includes(reason.code);
}

async function countUp(store: ObjectStore, times: number): Promise<void> {
  for (let done = 0, tries = 0; done < times; tries++) {
    assert(tries < 1000, "the counter stands still");
    using object = await store.open(at("count"));
    const count = Number(await new Response(object.body()).text());
    const condition = { ifMatch: object.info.etag };
    try {
      await put(store, "count", String(count + 1), { condition });
      done++;
    } catch (error) {
      if (!isLoss(error)) throw error;
      await nextTurn();
    }
  }
}
