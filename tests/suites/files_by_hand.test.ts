/** Files are the truth about bytes: what is done to the data dir by hand is seen through the store. */

import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../src/clock.ts";
import { LIMITS } from "../../src/limits.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import type { ListQuery } from "../../src/storage/object_store.ts";
import {
  assertCode,
  at,
  BUCKET,
  createBucket,
  listNames,
  md5Of,
  PLAIN_META,
  put,
  readText,
} from "./object_store/support.ts";

/** A clock that a test can put forward. */
class TestClock implements Clock {
  #ahead = 0;

  now(): number {
    return Date.now() + this.#ahead;
  }

  pass(ms: number): void {
    this.#ahead += ms;
  }
}

interface Fixture {
  readonly store: FileStore;
  readonly clock: TestClock;
  readonly dataDir: string;
  /** Absolute path of something in the bucket's folder. */
  path(name: string): string;
  /** Puts a file there, with its folders. */
  drop(name: string, text: string): void;
  /** Closes the store, does something while nobody has the data dir open, and opens it again. */
  reopen(between?: () => void): Promise<FileStore>;
}

function test(name: string, run: (fixture: Fixture) => Promise<void>): void {
  Deno.test(`by hand: ${name}`, async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "zs3-hand-" });
    const clock = new TestClock();
    const open = () => FileStore.open({ dataDir, durability: "relaxed", clock });
    let store = await open();
    const path = (name: string) => `${dataDir}/${BUCKET}/${name}`;
    const drop = (name: string, text: string) => {
      Deno.mkdirSync(path(name).replace(/\/[^/]*$/, ""), { recursive: true });
      Deno.writeTextFileSync(path(name), text);
    };
    const close = () => store[Symbol.asyncDispose]();
    const reopen = async (between: () => void = () => {}) => {
      await close();
      between();
      return store = await open();
    };
    try {
      await createBucket(store, BUCKET);
      await run({ store, clock, dataDir, path, drop, reopen });
    } finally {
      await store[Symbol.asyncDispose]();
      await Deno.remove(dataDir, { recursive: true });
    }
  });
}

test("a PUT is a plain file at once, and its time is the past", async ({ store, path }) => {
  for (const [key, size] of [["small", 10], ["folder/large", 100_000]] as const) {
    await put(store, key, new Uint8Array(size).fill(7));
    assertEquals(Deno.readFileSync(path(key)), new Uint8Array(size).fill(7));
    assert((Deno.statSync(path(key)).mtime?.getTime() ?? Infinity) < Date.now());
  }
});

test("a file dropped in is listed, read and described", async ({ store, drop }) => {
  await put(store, "there", "x");
  assertEquals(await listNames(store), ["there"]);
  drop("page.html", "<p>hello");
  assertEquals(await listNames(store), ["page.html", "there"]);
  const info = await store.head(at("page.html"));
  assertEquals(info.etag, md5Of("<p>hello"));
  assertEquals(info.meta.headers["content-type"], "text/html");
  assertEquals(await readText(store, "page.html"), "<p>hello");
});

test("a file dropped in is read before anything is listed", async ({ store, drop }) => {
  drop("a/b/c.bin", "bytes");
  assertEquals(await readText(store, "a/b/c.bin"), "bytes");
  assertEquals(
    (await store.head(at("a/b/c.bin"))).meta.headers["content-type"],
    "application/octet-stream",
  );
});

test("a folder dropped in is listed, deep, by prefix and by delimiter", async ({ store, drop, path }) => {
  await put(store, "own/x", "x");
  assertEquals(await listNames(store, { delimiter: "/" }), ["own/"]);
  for (const name of ["tree/a", "tree/deep/er/b", "tree/deep/c"]) drop(name, name);
  assertEquals(await listNames(store, { delimiter: "/" }), ["own/", "tree/"]);
  assertEquals(await listNames(store, { prefix: "tree/", delimiter: "/" }), [
    "tree/a",
    "tree/deep/",
  ]);
  assertEquals(await listNames(store), ["own/x", "tree/a", "tree/deep/c", "tree/deep/er/b"]);
  drop("tree/deep/er/d", "d");
  assertEquals((await listNames(store)).at(-1), "tree/deep/er/d");
  Deno.removeSync(path("tree/deep"), { recursive: true });
  assertEquals(await listNames(store, { prefix: "tree/", delimiter: "/" }), ["tree/a"]);
  assertEquals(await listNames(store), ["own/x", "tree/a"]);
});

test("a folder copied over one that is known adds to it", async ({ store, drop }) => {
  for (const key of ["d/1", "d/3", "d/e/5"]) await put(store, key, key);
  assertEquals((await listNames(store)).length, 3);
  for (const name of ["d/2", "d/e/4", "d/f/6"]) drop(name, name);
  assertEquals(await listNames(store), ["d/1", "d/2", "d/3", "d/e/4", "d/e/5", "d/f/6"]);
});

test("files beside writes of our own are seen all the same", async ({ store, drop }) => {
  for (let n = 0; n < 20; n++) {
    await put(store, `own-${n}`, "x");
    drop(`hand-${n}`, "y");
    await put(store, `own-${n}`, "z");
    assertEquals((await listNames(store)).length, 2 * n + 2);
  }
});

test("a file removed is gone for all", async ({ store, path }) => {
  for (const key of ["a", "b", "folder/c"]) await put(store, key, "x");
  assertEquals((await listNames(store)).length, 3);
  Deno.removeSync(path("a"));
  assertEquals(await listNames(store), ["b", "folder/c"]);
  await assertCode(store.head(at("a")), "NoSuchKey");
  Deno.removeSync(path("b"));
  await assertCode(store.open(at("b")), "NoSuchKey");
  Deno.removeSync(path("folder"), { recursive: true });
  assertEquals(await listNames(store), []);
  await store.deleteBucket(BUCKET);
});

test("the only file below a common prefix removed takes the prefix with it", async ({ store, path }) => {
  for (const key of ["p/q/r/s", "z"]) await put(store, key, "x");
  assertEquals(await listNames(store, { delimiter: "/" }), ["p/", "z"]);
  Deno.removeSync(path("p/q/r/s"));
  assertEquals(await listNames(store, { delimiter: "/" }), ["z"]);
});

test("a file edited in place has a new ETag and its old metadata no more", async ({ store, path }) => {
  const seal = () => ({ ...PLAIN_META, user: { colour: "red" } });
  const body = async function* () {
    yield await Promise.resolve(new TextEncoder().encode("before"));
  };
  await store.put({ ...at("a.txt"), body: body(), seal });
  Deno.writeTextFileSync(path("a.txt"), "after!");
  const info = await store.head(at("a.txt"));
  assertEquals([info.etag, info.meta.user], [md5Of("after!"), {}]);
  assertEquals(info.meta.headers["content-type"], "text/plain");
  assertEquals(await readText(store, "a.txt"), "after!");
});

test("a file edited in place is listed anew within seconds", async ({ store, clock, path }) => {
  await put(store, "a", "before");
  const query: ListQuery = { prefix: "", delimiter: "", after: { kind: "start" }, limit: 10 };
  const etag = async () => {
    const [entry] = (await store.list(BUCKET, query)).entries;
    return entry?.kind === "object" ? entry.object.etag : undefined;
  };
  assertEquals(await etag(), md5Of("before"));
  Deno.writeTextFileSync(path("a"), "after!");
  clock.pass(LIMITS.fileRecheckMs);
  assertEquals(await etag(), md5Of("after!"));
});

test("conditions know of edits", async ({ store, path, drop }) => {
  const { etag } = await put(store, "a", "before");
  Deno.writeTextFileSync(path("a"), "after!");
  await assertCode(put(store, "a", "x", { condition: { ifMatch: etag } }), "PreconditionFailed");
  await put(store, "a", "x", { condition: { ifMatch: md5Of("after!") } });
  drop("b", "there");
  await assertCode(put(store, "b", "x", { condition: { ifAbsent: true } }), "PreconditionFailed");
  assertEquals(await readText(store, "b"), "there");
});

test("a file dropped in can be deleted, overwritten and copied", async ({ store, drop, path }) => {
  drop("folder/a", "1");
  drop("b", "2");
  drop("c", "3");
  await store.delete(at("folder/a"));
  await put(store, "b", "new");
  const plan = () => ({ meta: PLAIN_META, checksum: "keep" as const });
  await store.copy({ from: at("c"), to: at("d"), plan });
  assertEquals(await listNames(store), ["b", "c", "d"]);
  assertEquals([Deno.readTextFileSync(path("b")), await readText(store, "d")], ["new", "3"]);
});

test("an empty folder is no object, and one that deletes empty disappears", async ({ store, path }) => {
  Deno.mkdirSync(path("empty/deeper"), { recursive: true });
  await put(store, "a/b/c", "x");
  assertEquals(await listNames(store, { delimiter: "/" }), ["a/"]);
  await store.delete(at("a/b/c"));
  assertEquals(Array.from(Deno.readDirSync(path("")), (entry) => entry.name), ["empty"]);
  assertEquals(await listNames(store), []);
  await store.deleteBucket(BUCKET);
});

test("a folder in the data dir is a bucket, and not one any more when it is removed", async ({ store, dataDir }) => {
  Deno.mkdirSync(`${dataDir}/photos/2026`, { recursive: true });
  Deno.writeTextFileSync(`${dataDir}/photos/2026/a.jpg`, "jpeg");
  Deno.mkdirSync(`${dataDir}/Not A Bucket`);
  assertEquals((await store.listBuckets()).map((bucket) => bucket.name), [BUCKET, "photos"]);
  const info = await store.head({ bucket: "photos", key: "2026/a.jpg" });
  assertEquals(info.meta.headers["content-type"], "image/jpeg");
  Deno.removeSync(`${dataDir}/photos`, { recursive: true });
  await assertCode(store.head({ bucket: "photos", key: "2026/a.jpg" }), "NoSuchBucket");
  assertEquals((await store.listBuckets()).map((bucket) => bucket.name), [BUCKET]);
});

test("links that lead out of the bucket are not followed", async ({ store, dataDir, path, drop }) => {
  Deno.writeTextFileSync(`${dataDir}/secret`, "secret");
  Deno.mkdirSync(`${dataDir}/outside`);
  Deno.writeTextFileSync(`${dataDir}/outside/f`, "secret");
  drop("real", "inside");
  Deno.symlinkSync(`${dataDir}/secret`, path("out"));
  Deno.symlinkSync(`${dataDir}/outside`, path("folder"));
  Deno.symlinkSync(path("real"), path("in"));
  Deno.symlinkSync(path("nowhere"), path("dangling"));
  assertEquals(await listNames(store), ["in", "real"]);
  assertEquals(await readText(store, "in"), "inside");
  for (const key of ["out", "folder/f", "dangling"]) {
    await assertCode(store.head(at(key)), "NoSuchKey");
  }
  await assertCode(put(store, "folder/new", "x"), "AccessDenied");
  await store.delete(at("folder/f"));
  assertEquals(Deno.readTextFileSync(`${dataDir}/outside/f`), "secret");
  await put(store, "out", "mine");
  assertEquals(Deno.readTextFileSync(`${dataDir}/secret`), "secret");
});

test("what is no regular file is no object, and keeps its bucket", async ({ store, path }) => {
  const { success } = await new Deno.Command("mkfifo", { args: [path("pipe")] }).output();
  assert(success);
  await put(store, "a", "x");
  assertEquals(await listNames(store), ["a"]);
  await assertCode(store.head(at("pipe")), "NoSuchKey");
  await store.delete(at("a"));
  await assertCode(store.deleteBucket(BUCKET), "BucketNotEmpty");
});

test("files with names that no key has are ignored", async ({ store, drop }) => {
  drop("%~zzz", "x");
  drop("%~_%41", "not canonical");
  drop("fine", "x");
  assertEquals(await listNames(store), ["fine"]);
});

test("a lost catalog loses metadata, never an object", async ({ store, reopen, dataDir }) => {
  await put(store, "a.txt", "text");
  await put(store, "a.txt/below", "both");
  await put(store, "folder//odd", "odd");
  const again = await reopen(() => Deno.removeSync(`${dataDir}/.index`, { recursive: true }));
  assertEquals(await listNames(again), ["a.txt", "a.txt/below", "folder//odd"]);
  assertEquals(await readText(again, "a.txt"), "text");
});

test("what was changed while zs3 was away is seen after a start", async ({ store, reopen, drop, path }) => {
  for (const key of ["keep/a", "keep/b", "gone/c"]) await put(store, key, key);
  assertEquals((await listNames(store)).length, 3);
  const again = await reopen(() => {
    Deno.removeSync(path("gone"), { recursive: true });
    Deno.removeSync(path("keep/a"));
    drop("keep/d", "d");
  });
  assertEquals(await listNames(again), ["keep/b", "keep/d"]);
});
