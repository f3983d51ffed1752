/** Random sequences of operations against a plain Map: whatever the order, store and model agree. */

import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { compareUtf8 } from "../../../src/storage/names.ts";
import type { ObjectStore } from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  assertNames,
  at,
  listAllNames,
  md5Of,
  pattern,
  PLAIN_META,
  put,
  readBytes,
  type Suite,
} from "./support.ts";

type Model = Map<string, Uint8Array>;

type Step =
  | { readonly do: "put"; readonly key: string; readonly size: number; readonly seed: number }
  | { readonly do: "delete" | "read"; readonly key: string }
  | { readonly do: "copy"; readonly key: string; readonly to: string }
  | {
    readonly do: "list";
    readonly prefix: string;
    readonly delimiter: string;
    readonly limit: number;
  };

/** Few keys that collide in every way that a folder tree knows. */
const key = fc.constantFrom(
  "a",
  "a/",
  "a//",
  "a/b",
  "a/b/",
  "a/b/c",
  "/",
  "/a",
  "b",
  "%~",
  "%~=a",
  ".",
  "a/.",
  "\x01",
  "\u{10000}",
  "\uffff",
  "y".repeat(255),
  "y".repeat(255) + "/z",
  "y".repeat(300),
  "y".repeat(300) + "/z",
);
const size = fc.constantFrom(0, 1, 100, 70_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("put" as const), key, size, seed: fc.nat(1000) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("delete" as const, "read" as const), key }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("copy" as const), key, to: key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("list" as const),
      prefix: fc.constantFrom("", "a", "a/", "y", "\u{10000}"),
      delimiter: fc.constantFrom("", "/", "b"),
      limit: fc.constantFrom(1, 2, 3, 1000),
    }),
  },
);

export function modelTests(suite: Suite): void {
  suite.testInBucket("any sequence of operations agrees with a map", async (store) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const model: Model = new Map();
        try {
          for (const step of steps) await perform(store, model, step);
          await assertSame(store, model);
        } finally {
          for (const key of await listAllNames(store, {})) await store.delete(at(key));
        }
      }),
      { numRuns: 25, interruptAfterTimeLimit: 60_000 },
    );
  });
}

async function perform(store: ObjectStore, model: Model, step: Step): Promise<void> {
  switch (step.do) {
    case "put": {
      const body = pattern(step.size, step.seed);
      const info = await put(store, step.key, body);
      assertEquals(info.etag, md5Of(body));
      model.set(step.key, body);
      return;
    }
    case "delete":
      await store.delete(at(step.key));
      model.delete(step.key);
      return;
    case "copy":
      return await copy(store, model, step);
    case "read":
      return await assertSameObject(store, model, step.key);
    case "list":
      return await assertSameList(store, model, step);
  }
}

async function copy(
  store: ObjectStore,
  model: Model,
  { key, to }: { key: string; to: string },
): Promise<void> {
  const plan = () => ({ meta: PLAIN_META, checksum: "keep" as const });
  const copying = store.copy({ from: at(key), to: at(to), plan });
  const body = model.get(key);
  if (body === undefined) {
    await assertCode(copying, "NoSuchKey");
    return;
  }
  await copying;
  model.set(to, body);
}

async function assertSameObject(store: ObjectStore, model: Model, key: string): Promise<void> {
  const expected = model.get(key);
  if (expected === undefined) await assertCode(store.head(at(key)), "NoSuchKey");
  else assertBytes(await readBytes(store, at(key)), expected, key);
}

async function assertSameList(
  store: ObjectStore,
  model: Model,
  { prefix, delimiter, limit }: { prefix: string; delimiter: string; limit: number },
): Promise<void> {
  const names = await listAllNames(store, { prefix, delimiter, limit });
  assertNames(names, expectedNames(model.keys(), prefix, delimiter));
}

async function assertSame(store: ObjectStore, model: Model): Promise<void> {
  assertNames(await listAllNames(store, {}), [...model.keys()].sort(compareUtf8));
  for (const key of model.keys()) await assertSameObject(store, model, key);
}

function expectedNames(keys: Iterable<string>, prefix: string, delimiter: string): string[] {
  const names = [...keys].filter((key) => key.startsWith(prefix)).sort(compareUtf8).map((key) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return at < 0 ? key : key.slice(0, at + delimiter.length);
  });
  return [...new Set(names)];
}
