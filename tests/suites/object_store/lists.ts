/** Listing through the store: the fold has its own properties in tests/unit/listing.test.ts; here it meets a real index. */

import { assertEquals } from "@std/assert";
import type { ListQuery } from "../../../src/storage/object_store.ts";
import {
  at,
  BUCKET,
  listAllNames,
  listNames,
  md5Of,
  present,
  put,
  type Suite,
  WHOLE_LIST,
} from "./support.ts";

const KEYS = [
  "a",
  "a-b",
  "a/b",
  "a/c/d",
  "a/c/e",
  "ab",
  "b/",
  "b/x",
  "c//d",
  "é",
  "é/x",
  "\uffff",
  "\u{10000}",
];

const TABLE: readonly (readonly [query: Partial<ListQuery>, names: readonly string[]])[] = [
  [{}, KEYS],
  [{ prefix: "a" }, ["a", "a-b", "a/b", "a/c/d", "a/c/e", "ab"]],
  [{ prefix: "a/" }, ["a/b", "a/c/d", "a/c/e"]],
  [{ prefix: "a/b" }, ["a/b"]],
  [{ prefix: "nothing" }, []],
  [{ prefix: "\u{10000}" }, ["\u{10000}"]],
  [{ prefix: "\uffff" }, ["\uffff"]],
  [{ delimiter: "/" }, ["a", "a-b", "a/", "ab", "b/", "c/", "é", "é/", "\uffff", "\u{10000}"]],
  [{ delimiter: "/", prefix: "a" }, ["a", "a-b", "a/", "ab"]],
  [{ delimiter: "/", prefix: "a/" }, ["a/b", "a/c/"]],
  [{ delimiter: "/", prefix: "b/" }, ["b/", "b/x"]],
  [{ delimiter: "/", prefix: "c/" }, ["c//"]],
  [{ delimiter: "-" }, [
    "a",
    "a-",
    "a/b",
    "a/c/d",
    "a/c/e",
    "ab",
    "b/",
    "b/x",
    "c//d",
    "é",
    "é/x",
    "\uffff",
    "\u{10000}",
  ]],
  [{ delimiter: "c/" }, [
    "a",
    "a-b",
    "a/b",
    "a/c/",
    "ab",
    "b/",
    "b/x",
    "c/",
    "é",
    "é/x",
    "\uffff",
    "\u{10000}",
  ]],
  [{ delimiter: "é" }, [
    "a",
    "a-b",
    "a/b",
    "a/c/d",
    "a/c/e",
    "ab",
    "b/",
    "b/x",
    "c//d",
    "é",
    "\uffff",
    "\u{10000}",
  ]],
  [{ after: { kind: "key", key: "a/c/d" } }, KEYS.slice(4)],
  [{ after: { kind: "key", key: "a/c/dd" } }, KEYS.slice(4)],
  [{ after: { kind: "key", key: "a/c/d" }, delimiter: "/" }, [
    "a/",
    "ab",
    "b/",
    "c/",
    "é",
    "é/",
    "\uffff",
    "\u{10000}",
  ]],
  [{ after: { kind: "prefix", prefix: "a/" }, delimiter: "/" }, [
    "ab",
    "b/",
    "c/",
    "é",
    "é/",
    "\uffff",
    "\u{10000}",
  ]],
  [{ after: { kind: "prefix", prefix: "a/" } }, KEYS.slice(5)],
  [{ after: { kind: "key", key: "a" }, prefix: "b" }, ["b/", "b/x"]],
  [{ after: { kind: "key", key: "z" }, prefix: "b" }, []],
  [{ after: { kind: "key", key: "\uffff" } }, ["\u{10000}"]],
  [{ after: { kind: "key", key: "\u{10000}" } }, []],
];

export function listTests(suite: Suite): void {
  suite.testInBucket("prefix, delimiter and position", async (store) => {
    for (const key of KEYS) await put(store, key, key);
    for (const [query, names] of TABLE) {
      assertEquals(await listNames(store, query), names, JSON.stringify(query));
      for (const limit of [1, 2, 3]) {
        if (query.after !== undefined) continue;
        assertEquals(
          await listAllNames(store, { ...query, limit }),
          names,
          JSON.stringify([query, limit]),
        );
      }
    }
  });

  suite.testInBucket("an entry tells what the object is", async (store) => {
    const made = await put(store, "dir/a", "abc");
    const page = await store.list(BUCKET, WHOLE_LIST);
    const [entry, ...others] = page.entries;
    const object = entry?.kind === "object" ? entry.object : undefined;
    const { key, size, etag, modifiedMs } = present(object, "object");
    assertEquals(others, []);
    assertEquals([key, size, etag], ["dir/a", 3, md5Of("abc")]);
    assertEquals(Math.floor(modifiedMs / 1000), Math.floor(made.modifiedMs / 1000));
    assertEquals(page.next, undefined);
  });

  suite.testInBucket("a limit of 0 gives an empty page that isn't truncated", async (store) => {
    await put(store, "a", "x");
    assertEquals(await store.list(BUCKET, { ...WHOLE_LIST, limit: 0 }), {
      entries: [],
      next: undefined,
    });
  });

  suite.testInBucket("the last page knows that it is, full or not", async (store) => {
    for (const key of ["a", "b/1", "b/2"]) await put(store, key, key);
    for (const limit of [2, 3]) {
      const page = await store.list(BUCKET, { ...WHOLE_LIST, delimiter: "/", limit });
      assertEquals([page.entries.length, page.next], [2, undefined]);
    }
  });

  suite.testInBucket("a position outlives its key", async (store) => {
    for (const key of ["a", "b", "c", "d/1", "e"]) await put(store, key, key);
    const first = await store.list(BUCKET, { ...WHOLE_LIST, limit: 2 });
    await store.delete(at("b"));
    assertEquals(await listNames(store, { after: present(first.next, "position") }), [
      "c",
      "d/1",
      "e",
    ]);
    const query = { delimiter: "/", after: { kind: "key", key: "b" }, limit: 2 } as const;
    const second = await store.list(BUCKET, { ...WHOLE_LIST, ...query });
    await store.delete(at("d/1"));
    await put(store, "d/0", "new below the prefix that was given");
    const after = present(second.next, "position");
    assertEquals(await listNames(store, { delimiter: "/", after }), ["e"]);
  });

  suite.testInBucket("pages of a bucket that grows large", async (store) => {
    const keys = Array.from(
      { length: 250 },
      (_, index) => `${index % 5}/${String(index).padStart(3, "0")}`,
    ).sort();
    for (const key of keys) await put(store, key, "x");
    assertEquals(await listAllNames(store, { limit: 7 }), keys);
    assertEquals(await listAllNames(store, { limit: 249 }), keys);
    assertEquals(await listAllNames(store, { limit: 2, delimiter: "/" }), [
      "0/",
      "1/",
      "2/",
      "3/",
      "4/",
    ]);
    assertEquals(
      await listAllNames(store, { limit: 13, prefix: "3/", delimiter: "/" }),
      keys.filter((key) => key.startsWith("3/")),
    );
  });
}
