/** When objects become plain files: with the reply for who writes now and then, after the rush for who writes much. */

import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import { diskFiles, type Files } from "../../src/storage/files.ts";
import {
  at,
  BUCKET,
  createBucket,
  listNames,
  put,
  readText,
} from "../suites/object_store/support.ts";
import { TempDir } from "../support/temp_dir.ts";

const PATIENCE_MS = 60_000;

interface Fixture {
  readonly store: FileStore;
  /** May be called more than once. */
  close(): Promise<void>;
  /** Of the key's file; undefined without one. */
  fileText(key: string): string | undefined;
  /** How many files were made until now. */
  created(): number;
}

function test(name: string, run: (fixture: Fixture) => Promise<void>): void {
  Deno.test(`layouts: ${name}`, async () => {
    await using temp = await TempDir.make();
    let created = 0;
    const files: Files = {
      ...diskFiles,
      create: (path) => (created++, diskFiles.create(path)),
    };
    const store = await FileStore.open({ dataDir: temp.path, durability: "relaxed", files });
    await createBucket(store, BUCKET);
    const fileText = (key: string) => {
      try {
        return Deno.readTextFileSync(`${temp.path}/${BUCKET}/${key}`);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    };
    let closing: Promise<void> | undefined;
    const close = () => closing ??= store[Symbol.asyncDispose]();
    try {
      await run({ store, close, fileText, created: () => created });
    } finally {
      await close();
    }
  });
}

const KEYS = Array.from({ length: 50 }, (_, n) => `k${n}`);
/** So many that most of it can't be laid out with the replies. */
const ROUNDS = 10 * LIMITS.promptLayoutsMax / KEYS.length;
const LAST = `text ${Math.floor(ROUNDS)}`;

/** Writes all keys again and again. They end with the text LAST. */
async function rush(store: FileStore): Promise<void> {
  for (let round = 0; round <= ROUNDS; round++) {
    await Promise.all(KEYS.map((key) => put(store, key, `text ${round}`)));
  }
}

/** Resolves when it holds; throws when that doesn't happen. */
async function soon(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !holds();) {
    assert(performance.now() < end, "it never came to hold");
    await new Promise((resolve) => setTimeout(resolve, LIMITS.layoutRestMs));
  }
}

test("a file is there with the reply, and gone with it", async ({ store, fileText }) => {
  for (let n = 0; n < 10; n++) {
    await put(store, `folder/k${n}`, `text ${n}`);
    assertEquals(fileText(`folder/k${n}`), `text ${n}`);
  }
  await store.delete(at("folder/k3"));
  assertEquals(fileText("folder/k3"), undefined);
});

test("what is overwritten in a rush is never laid out, and read all the same", async (fixture) => {
  const { store, fileText, created } = fixture;
  await rush(store);
  for (const key of KEYS) assertEquals(await readText(store, key), LAST);
  assert(created() < KEYS.length * ROUNDS / 2, `${created()} files made`);
  await soon(() => KEYS.every((key) => fileText(key) === LAST));
});

test("what is deleted in a rush is gone at once, and its file soon", async ({ store, fileText }) => {
  await rush(store);
  await soon(() => KEYS.every((key) => fileText(key) === LAST));
  await Promise.all(KEYS.map((key) => put(store, key, "again")));
  await Promise.all(KEYS.slice(20).map((key) => store.delete(at(key))));
  assertEquals((await listNames(store)).length, 20);
  await soon(() => KEYS.every((key, n) => fileText(key) === (n < 20 ? "again" : undefined)));
});

test("a bucket can be emptied and deleted in a rush", async ({ store }) => {
  await rush(store);
  await Promise.all(KEYS.map((key) => store.delete(at(key))));
  await store.deleteBucket(BUCKET);
  await createBucket(store, BUCKET);
  await put(store, "k1", "new");
  assertEquals(await listNames(store), ["k1"]);
  assertEquals(await readText(store, "k1"), "new");
});

test("closing lays out what waits", async ({ store, close, fileText }) => {
  await rush(store);
  await close();
  for (const key of KEYS) assertEquals(fileText(key), LAST);
});
