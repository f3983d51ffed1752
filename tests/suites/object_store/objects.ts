/** One object at a time: what goes in comes out, with its metadata, and nothing of a refused body stays. */

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type {
  BodyDigest,
  ByteRange,
  ObjectMeta,
  ObjectStore,
} from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  assertSameInfo,
  at,
  bodyOf,
  breakingBody,
  BUCKET,
  bytesOf,
  joined,
  listNames,
  md5Of,
  MiB,
  pattern,
  plain,
  PLAIN_META,
  put,
  readBytes,
  readText,
  type Suite,
} from "./support.ts";

const RICH_META: ObjectMeta = {
  headers: {
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="a b.txt"',
    "content-encoding": "gzip",
    "content-language": "de, en",
    "cache-control": "max-age=60",
    "expires": "Thu, 01 Jan 2032 00:00:00 GMT",
    "x-amz-website-redirect-location": "/elsewhere",
  },
  user: { mtime: "1700000000.123456789", "name-2": "Grüße, 世界", empty: "" },
  tags: { project: "α+β", "a b": "c=d:e", empty: "" },
  acl: "public-read",
  checksum: {
    algorithm: "SHA256",
    value: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", // of "abc"
    type: "FULL_OBJECT",
  },
};

export function objectTests(suite: Suite): void {
  suite.testInBucket("an object comes back as it was put", async (store) => {
    const before = Date.now();
    const made = await put(store, "dir/a.txt", "abc", { meta: RICH_META });
    const { modifiedMs, ...rest } = plain(made);
    assertEquals(rest, {
      bucket: BUCKET,
      key: "dir/a.txt",
      size: 3,
      etag: md5Of("abc"),
      meta: RICH_META,
      partCount: undefined,
    });
    // S3 shows whole seconds.
    assert(modifiedMs >= before - 1000 && modifiedMs <= Date.now() + 1000);
    assertSameInfo(await store.head(at("dir/a.txt")), made);
    using object = await store.open(at("dir/a.txt"));
    assertSameInfo(object.info, made);
    assertEquals(new TextDecoder().decode(await bytesOf(object)), "abc");
    assertEquals(await store.findParts(at("dir/a.txt")), undefined);
  });

  suite.testInBucket("bodies of any size, in chunks of any size", async (store) => {
    const sent: Readonly<Record<string, readonly Uint8Array[]>> = {
      "no chunk": [],
      "one empty chunk": [new Uint8Array()],
      "a byte": [pattern(1)],
      "empty chunks between": [
        new Uint8Array(),
        pattern(5),
        new Uint8Array(),
        pattern(7),
        new Uint8Array(),
      ],
      "many bytes": Array.from({ length: 1000 }, (_, index) => pattern(1, index + 1)),
      "around 64 KiB": [pattern(65_535), pattern(1), pattern(2)],
      "uneven": [pattern(100_003), pattern(1), pattern(300_007), pattern(17)],
      "one of 2 MiB": [pattern(2 * MiB + 1)],
    };
    for (const [name, chunks] of Object.entries(sent)) {
      const whole = joined(chunks);
      const info = await put(store, name, chunks);
      assertEquals([info.size, info.etag], [whole.length, md5Of(whole)], name);
      assertBytes(await readBytes(store, at(name)), whole, name);
    }
  });

  suite.testInBucket("the size hint is only a hint", async (store) => {
    const body = pattern(200_000);
    for (const sizeHint of [0, 1, 200_000, 10 * MiB]) {
      await put(store, "a", body, { sizeHint });
      assertBytes(await readBytes(store, at("a")), body, `hint ${sizeHint}`);
    }
  });

  suite.testInBucket("seal is called once, with what passed", async (store) => {
    const body = pattern(100_000);
    const digests: BodyDigest[] = [];
    const seal = (digest: BodyDigest) => {
      digests.push(digest);
      return { ...PLAIN_META, user: { md5: digest.md5 } };
    };
    const info = await store.put({ ...at("a"), body: bodyOf(body), seal });
    assertEquals(digests, [{ md5: md5Of(body), size: body.length }]);
    assertEquals(info.meta.user, { md5: md5Of(body) });
  });

  suite.testInBucket("a new version has nothing of the old one", async (store) => {
    const { checksum: _, ...richMeta } = RICH_META;
    await put(store, "a", pattern(200_000), { meta: richMeta });
    const made = await put(store, "a", "xy", { meta: { user: { only: "this" } } });
    assertEquals(await readText(store, "a"), "xy");
    const { headers, user, tags, acl } = (await store.head(at("a"))).meta;
    assertEquals({ headers, user, tags, acl }, { ...PLAIN_META, user: { only: "this" } });
    assertEquals([made.size, made.etag], [2, md5Of("xy")]);
    assertEquals(await listNames(store), ["a"]);
  });

  for (const chunks of [[], [pattern(10)], [pattern(70_000)], [pattern(MiB), pattern(MiB)]]) {
    const sent = chunks.reduce((sum, chunk) => sum + chunk.length, 0);

    suite.testInBucket(`nothing stays of a body that breaks after ${sent} bytes`, async (store) => {
      const fault = new Error("the client went away");
      await assertNothingStays(store, fault, (key) => put(store, key, breakingBody(fault, chunks)));
    });

    suite.testInBucket(`nothing stays of ${sent} bytes that seal refuses`, async (store) => {
      const fault = new Error("another checksum");
      const seal = () => {
        throw fault;
      };
      const refused = (key: string) => store.put({ ...at(key), body: bodyOf(chunks), seal });
      await assertNothingStays(store, fault, refused);
    });
  }

  suite.testInBucket("any range of the bytes", async (store) => {
    for (const size of [1, 100, 200_000]) {
      const body = pattern(size);
      await put(store, "a", body);
      for (const range of rangesWithin(size)) {
        const expected = body.subarray(range.start, range.end + 1);
        assertBytes(await readBytes(store, at("a"), range), expected, JSON.stringify(range));
      }
    }
  });

  suite.testInBucket("an open object needs no reading to be released", async (store) => {
    await put(store, "small", "abc");
    await put(store, "large", pattern(MiB));
    for (const key of ["small", "large"]) {
      (await store.open(at(key)))[Symbol.dispose]();
      using object = await store.open(at(key));
      const body = object.body();
      if (body instanceof ReadableStream) await body.cancel();
      object[Symbol.dispose]();
    }
  });

  suite.testInBucket("an open object outlives its key", async (store) => {
    for (const size of [10, MiB]) {
      const body = pattern(size);
      await put(store, "dir/a", body, { meta: { user: { version: "1" } } });
      using beforeOverwrite = await store.open(at("dir/a"));
      await put(store, "dir/a", "new", { meta: { user: { version: "2" } } });
      using beforeDelete = await store.open(at("dir/a"));
      await store.delete(at("dir/a"));
      assertBytes(await bytesOf(beforeOverwrite), body, "overwritten");
      assertEquals(beforeOverwrite.info.meta.user, { version: "1" });
      assertEquals(new TextDecoder().decode(await bytesOf(beforeDelete)), "new");
      assertEquals(beforeDelete.info.meta.user, { version: "2" });
    }
  });

  suite.testInBucket("a range of an open object outlives its key", async (store) => {
    const body = pattern(MiB);
    await put(store, "a", body);
    using object = await store.open(at("a"));
    await put(store, "a", pattern(MiB, 2));
    await store.delete(at("a"));
    assertBytes(await bytesOf(object, { start: 9, end: 700_000 }), body.subarray(9, 700_001));
  }, "pinnedRange");

  suite.testInBucket("a deleted object is gone, and deleting it again succeeds", async (store) => {
    await put(store, "a", "x");
    await store.delete(at("a"));
    await assertCode(store.head(at("a")), "NoSuchKey");
    assertEquals(await listNames(store), []);
    await store.delete(at("a"));
    await store.delete(at("never/was"));
  });

  suite.testInBucket("what isn't there throws NoSuchKey", async (store) => {
    await put(store, "dir/a", "x");
    const plan = () => ({ meta: PLAIN_META, checksum: "keep" as const });
    for (
      const target of [at("b"), at("dir"), at("dir/"), at("dir/a/"), at("dir/a/b"), at("/dir/a")]
    ) {
      await assertCode(store.head(target), "NoSuchKey");
      await assertCode(store.open(target), "NoSuchKey");
      await assertCode(store.findParts(target), "NoSuchKey");
      await assertCode(store.update(target, { tags: {} }), "NoSuchKey");
      await assertCode(store.copy({ from: target, to: at("c"), plan }), "NoSuchKey");
    }
    assertEquals(await listNames(store), ["dir/a"]);
  });

  suite.testInBucket("tags and ACL change without a new version", async (store) => {
    const made = await put(store, "a", "abc", { meta: RICH_META });
    const tagged = await store.update(at("a"), { tags: { only: "ü" } });
    assertSameInfo(tagged, { ...plain(made), meta: { ...RICH_META, tags: { only: "ü" } } });
    const closed = await store.update(at("a"), { acl: "private" });
    assertSameInfo(closed, { ...plain(tagged), meta: { ...tagged.meta, acl: "private" } });
    const bare = await store.update(at("a"), { tags: {} });
    assertSameInfo(await store.head(at("a")), bare);
    assertEquals(bare.meta, { ...RICH_META, tags: {}, acl: "private" });
    assertEquals(await readText(store, "a"), "abc");
  });
}

async function assertNothingStays(
  store: ObjectStore,
  fault: Error,
  refused: (key: string) => Promise<unknown>,
): Promise<void> {
  const old = await put(store, "old", "kept", { meta: { user: { version: "1" } } });
  for (const key of ["new", "dir/new", "old", "old/below"]) {
    assertStrictEquals(await assertRejects(() => refused(key)), fault);
  }
  assertEquals(await listNames(store), ["old"]);
  assertSameInfo(await store.head(at("old")), old);
  assertEquals(await readText(store, "old"), "kept");
  await assertCode(store.head(at("new")), "NoSuchKey");
}

function rangesWithin(size: number): ByteRange[] {
  const last = size - 1;
  const middle = size >> 1;
  return [
    { start: 0, end: last },
    { start: 0, end: 0 },
    { start: last, end: last },
    { start: middle, end: last },
    { start: 0, end: middle },
    { start: Math.min(1, last), end: Math.max(last - 1, Math.min(1, last)) },
  ];
}
