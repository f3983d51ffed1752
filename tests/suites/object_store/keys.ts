/** Keys: every valid one is an object of its own, and all are listed in the order of their UTF-8 bytes. */

import { assertEquals } from "@std/assert";
import { compareUtf8, isKey } from "../../../src/storage/names.ts";
import {
  assertCode,
  assertNames,
  at,
  BUCKET,
  listNames,
  put,
  readText,
  type Suite,
} from "./support.ts";

/** Keys that a file system, an XML document, a URL or a careless sort would confuse or lose. */
const NASTY_KEYS: readonly string[] = [
  // Files and folders of one name, empty components.
  "a",
  "a/",
  "a//",
  "a//b",
  "a/b",
  "a/b/",
  "a/b/c",
  "/",
  "//",
  "/a",
  "a/b//c/",
  // Names that mean something to a file system or to a URL.
  ".",
  "./",
  "./a",
  "a/.",
  "a/./b",
  "...",
  ".hidden",
  "~",
  "C:\\dir\\file",
  "a\\b",
  "a:b",
  "con",
  "nul.txt",
  " ",
  " a",
  "a ",
  "a.",
  "a?b",
  "a#b",
  "a%b",
  "a%2Fb",
  "a%2fb",
  "%",
  "%00",
  "+",
  "a+b",
  "a b",
  "a&b=c;d",
  "*",
  "a|b",
  // Our own escape.
  "%~",
  "%~/a",
  "%~=a",
  "%~=a/b",
  "%~_a",
  "%~+a",
  "a/%~",
  "a/%~=b",
  "%25~",
  // Control characters, XML, quotes.
  "\0",
  "\x01",
  "a\nb",
  "a\rb",
  "a\tb",
  "\x1b[31m",
  "\x7f",
  "<&>\"'",
  "]]>",
  "&amp;",
  "{}$`",
  // Unicode: two forms of one letter, cases, both sides of the surrogates.
  "é",
  "e\u0301",
  "A",
  "É",
  "ß",
  "日本/語",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "\ufffd",
  "\u{10000}",
  "\u{1f600}",
  "\u{10ffff}",
  "\u2028",
  // Long components and long keys.
  "x".repeat(254),
  "x".repeat(255),
  "x".repeat(256),
  "x".repeat(256) + "/y",
  "x".repeat(1024),
  "é".repeat(128),
  "\u{1f600}".repeat(256),
  "%".repeat(1024),
  "\x01".repeat(1024),
  "y/".repeat(512),
  "/".repeat(1024),
  "y/".repeat(300) + "z".repeat(424),
];

export function keyTests(suite: Suite): void {
  suite.testInBucket("all keys are objects of their own, side by side", async (store) => {
    for (const key of NASTY_KEYS) {
      const info = await put(store, key, `of ${key}`);
      assertEquals(info.key, key);
    }
    assertNames(await listNames(store), NASTY_KEYS.toSorted(compareUtf8));
    for (const key of NASTY_KEYS) {
      assertEquals((await store.head(at(key))).key, key);
      assertEquals(await readText(store, key), `of ${key}`);
    }
  });

  suite.testInBucket("deleting a key touches no other, in any order", async (store) => {
    const keys = NASTY_KEYS.slice(0, 30);
    for (const order of [keys, keys.toReversed()]) {
      for (const key of keys) await put(store, key, `of ${key}`);
      const left = new Set(keys);
      for (const key of order) {
        await store.delete(at(key));
        left.delete(key);
        assertNames(await listNames(store), [...left].sort(compareUtf8), `without ${key}`);
      }
    }
    await store.deleteBucket(BUCKET);
  });

  suite.testInBucket("a key and those below it come and go in any order", async (store) => {
    const chain = ["a", "a/b", "a/b/c", "a/b/c/d"];
    for (const made of permutations(chain)) {
      for (const key of made) await put(store, key, `of ${key}`);
      for (const key of chain) assertEquals(await readText(store, key), `of ${key}`, `${made}`);
      const [first = "", second = "", ...others] = made;
      await store.delete(at(first));
      await put(store, second, `again ${second}`);
      assertEquals(await readText(store, second), `again ${second}`, `${made}`);
      for (const key of others) assertEquals(await readText(store, key), `of ${key}`, `${made}`);
      for (const key of chain) await store.delete(at(key));
      assertEquals(await listNames(store), []);
    }
  });

  suite.testInBucket("a folder is no key", async (store) => {
    await put(store, "dir/sub/a", "x");
    for (const key of ["dir", "dir/", "dir/sub", "dir/sub/", "di", "dir/sub/a/"]) {
      await assertCode(store.head(at(key)), "NoSuchKey");
      await store.delete(at(key));
    }
    assertEquals(await listNames(store), ["dir/sub/a"]);
  });

  suite.testInBucket("a key that ends with a slash has bytes and metadata", async (store) => {
    await put(store, "dir/", "", {
      meta: { headers: { "content-type": "application/x-directory" } },
    });
    await put(store, "dir", "file");
    assertEquals((await store.head(at("dir/"))).meta.headers, {
      "content-type": "application/x-directory",
    });
    assertEquals(await readText(store, "dir"), "file");
    await put(store, "dir/", "not empty");
    assertEquals(await readText(store, "dir/"), "not empty");
  });

  Deno.test("the nasty keys are valid and different", () => {
    assertEquals(NASTY_KEYS.filter((key) => !isKey(key)), []);
    assertEquals(new Set(NASTY_KEYS).size, NASTY_KEYS.length);
  });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest])
  );
}
