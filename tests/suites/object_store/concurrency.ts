/** Many at once: readers see one whole version, and writers beside each other lose nothing. */

import { assert, assertEquals } from "@std/assert";
import { S3Error } from "../../../src/errors.ts";
import { compareUtf8 } from "../../../src/storage/names.ts";
import type { ObjectStore } from "../../../src/storage/object_store.ts";
import {
  at,
  bytesOf,
  createUpload,
  listNames,
  md5Of,
  nextTurn,
  pattern,
  put,
  putPart,
  readText,
  type Suite,
  targetOf,
} from "./support.ts";

const SIZES = [0, 1, 1000, 70_000, 300_000];

export function concurrencyTests(suite: Suite): void {
  suite.testInBucket("readers see whole versions while writers overwrite", async (store) => {
    await putVersion(store, 0);
    let isWriting = true;
    let reads = 0;
    const read = async () => {
      while (isWriting) {
        await assertWholeVersion(store);
        await nextTurn();
        reads++;
      }
    };
    const write = async (first: number) => {
      for (let version = first; version < 30; version += 2) await putVersion(store, version);
    };
    const readers = [read(), read(), read()];
    try {
      await Promise.all([write(1), write(2)]);
    } finally {
      isWriting = false;
      await Promise.all(readers);
    }
    assert(reads > 0);
    await assertWholeVersion(store);
  });

  suite.testInBucket(
    "readers see a whole version or none while it comes and goes",
    async (store) => {
      let isWriting = true;
      const read = async () => {
        while (isWriting) {
          await assertWholeVersion(store).catch(unlessNoSuchKey);
          await nextTurn();
        }
      };
      const readers = [read(), read()];
      try {
        for (let version = 0; version < 15; version++) {
          await putVersion(store, version);
          await store.delete(at("a/b"));
        }
      } finally {
        isWriting = false;
        await Promise.all(readers);
      }
      assertEquals(await listNames(store), []);
    },
  );

  suite.testInBucket("keys that share folders are written at once", async (store) => {
    const keys = ["a", "a/", "a/b", "a/b/c", "a//", "a/b/c/d", "b/1", "b/2", "b/3", "é", "b"];
    for (let round = 0; round < 3; round++) {
      await Promise.all(keys.map((key) => put(store, key, `${round} of ${key}`)));
      for (const key of keys) assertEquals(await readText(store, key), `${round} of ${key}`);
      assertEquals(await listNames(store), keys.toSorted(compareUtf8));
      await Promise.all(keys.map((key) => store.delete(at(key))));
      assertEquals(await listNames(store), []);
    }
  });

  suite.testInBucket("a folder that empties while it fills loses nothing", async (store) => {
    for (let round = 0; round < 10; round++) {
      await put(store, "dir/sub/old", "x");
      await Promise.all([
        store.delete(at("dir/sub/old")),
        put(store, "dir/sub/new", "y"),
        put(store, "dir/new", pattern(100_000)),
      ]);
      assertEquals(await listNames(store), ["dir/new", "dir/sub/new"]);
      await Promise.all(["dir/new", "dir/sub/new"].map((key) => store.delete(at(key))));
    }
  });

  suite.testInBucket("a page is in order while keys come and go", async (store) => {
    const keys = Array.from({ length: 40 }, (_, index) => `k/${String(index).padStart(2, "0")}`);
    const fixed = keys.filter((_, index) => index % 2 === 0);
    for (const key of fixed) await put(store, key, key);
    const churn = async () => {
      for (const key of keys.filter((key) => !fixed.includes(key))) {
        await put(store, key, key);
        await store.delete(at(key));
      }
    };
    const list = async () => {
      for (let i = 0; i < 10; i++) {
        const names = await listNames(store);
        assertEquals(names, names.toSorted(compareUtf8));
        assertEquals(names.filter((name) => fixed.includes(name)), fixed);
      }
    };
    await Promise.all([churn(), list(), list()]);
  });

  suite.testInBucket("parts of one upload are put at once", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const numbers = [5, 3, 1, 4, 2];
    const parts = await Promise.all(
      numbers.map((number) => putPart(store, upload, number, `part ${number}`)),
    );
    const { parts: listed } = await store.listParts(upload, 0, 10);
    assertEquals(listed.map((part) => part.number), [1, 2, 3, 4, 5]);
    assertEquals(new Set(listed.map((part) => part.etag)), new Set(parts.map((part) => part.etag)));
    await store.abortUpload(upload);
  });
}

function putVersion(store: ObjectStore, version: number): Promise<unknown> {
  const body = pattern(SIZES[version % SIZES.length] ?? 0, version + 1);
  return put(store, "a/b", body, {
    meta: { user: { md5: md5Of(body), size: String(body.length) } },
  });
}

async function assertWholeVersion(store: ObjectStore): Promise<void> {
  using object = await store.open(at("a/b"));
  const body = await bytesOf(object);
  const { etag, size, meta } = object.info;
  assertEquals([etag, size], [md5Of(body), body.length]);
  assertEquals([meta.user.md5, meta.user.size], [etag, String(size)]);
}

function unlessNoSuchKey(error: unknown): void {
  if (!(error instanceof S3Error && error.code === "NoSuchKey")) throw error;
}
