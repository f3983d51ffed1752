/** Copies: new versions with the bytes of another, or of themselves. */

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { checksumOf } from "../../../src/checksum.ts";
import type {
  Checksum,
  ChecksumAlgorithm,
  CopyPlan,
  ObjectInfo,
  ObjectStore,
} from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  assertSameInfo,
  at,
  createBucket,
  createUpload,
  listNames,
  md5Of,
  MiB,
  pattern,
  present,
  put,
  putPart,
  readBytes,
  readText,
  type Suite,
  targetOf,
} from "./support.ts";

const NEW_META = {
  headers: { "content-type": "text/csv" },
  user: { copied: "yes" },
  tags: { t: "1" },
  acl: "public-read",
} as const;

export function copyTests(suite: Suite): void {
  suite.testInBucket("a copy has the source's bytes and the plan's metadata", async (store) => {
    await createBucket(store, "other");
    const body = pattern(200_000);
    const source = await put(store, "dir/a", body, { meta: { user: { mine: "1" } } });
    let seen: ObjectInfo | undefined;
    const plan = (source: ObjectInfo): CopyPlan => {
      seen = source;
      return { meta: NEW_META, checksum: "SHA256" };
    };
    const copy = await store.copy({ from: at("dir/a"), to: at("b/c", "other"), plan });
    assertSameInfo(present(seen, "source"), source);
    assertSameInfo(await store.head(at("b/c", "other")), copy);
    assertBytes(await readBytes(store, at("b/c", "other")), body);
    const { bucket, key, size, etag, partCount, meta } = copy;
    assertEquals({ bucket, key, size, etag, partCount, meta }, {
      bucket: "other",
      key: "b/c",
      size: body.length,
      etag: md5Of(body),
      partCount: undefined,
      meta: { ...NEW_META, checksum: fullObject("SHA256", body) },
    });
    assertSameInfo(await store.head(at("dir/a")), source);
  });

  suite.testInBucket("a copy onto itself changes the metadata only", async (store) => {
    for (const size of [0, 10, MiB]) {
      const body = pattern(size);
      const { etag } = await put(store, "dir/a", body, { meta: { user: { mine: "1" } } });
      const copy = await copyWithin(store, "dir/a", "dir/a");
      assertEquals([copy.size, copy.etag, copy.meta.user], [size, etag, NEW_META.user]);
      assertBytes(await readBytes(store, at("dir/a")), body);
      assertSameInfo(await store.head(at("dir/a")), copy);
    }
    assertEquals(await listNames(store), ["dir/a"]);
  });

  suite.testInBucket("source and copy live apart", async (store) => {
    for (const size of [10, MiB]) {
      const body = pattern(size);
      await put(store, "a", body);
      await copyWithin(store, "a", "a/below");
      await put(store, "a", "new");
      assertBytes(await readBytes(store, at("a/below")), body);
      await copyWithin(store, "a/below", "a");
      await store.delete(at("a/below"));
      assertBytes(await readBytes(store, at("a")), body);
    }
  });

  suite.testInBucket("a copy keeps the whole's checksum or gets another", async (store) => {
    const kept: Checksum = fullObject("CRC32", "abc");
    await put(store, "with", "abc", { meta: { checksum: kept } });
    assertEquals((await copyWithin(store, "with", "b")).meta.checksum, kept);
    for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
      const copy = await copyWithin(store, "with", "c", algorithm);
      assertEquals(copy.meta.checksum, fullObject(algorithm, "abc"));
    }
  });

  suite.testInBucket("a copy of an object made of parts is made of one piece", async (store) => {
    const algorithm = "SHA256";
    const checksum = { algorithm, type: "COMPOSITE" } as const;
    const upload = targetOf(await createUpload(store, "parts", { checksum }));
    const value = checksumOf(algorithm, bytes("abc"));
    const { etag } = await putPart(store, upload, 1, "abc", { algorithm, value });
    await store.completeUpload({ ...upload, parts: [{ number: 1, etag }] });
    const copy = await copyWithin(store, "parts", "whole");
    assertEquals([copy.etag, copy.partCount], [md5Of("abc"), undefined]);
    assertEquals(copy.meta.checksum, fullObject("CRC64NVME", "abc"));
    assertEquals(await store.findParts(at("whole")), undefined);
  });

  suite.testInBucket(
    "a copy without a source, or that the plan refuses, changes nothing",
    async (store) => {
      await put(store, "a", "source");
      const old = await put(store, "b", "old");
      const fault = new Error("refused");
      const plan = () => {
        throw fault;
      };
      const refused = store.copy({ from: at("a"), to: at("b"), plan });
      assertStrictEquals(await assertRejects(() => refused), fault);
      await assertCode(copyWithin(store, "missing", "b"), "NoSuchKey");
      assertSameInfo(await store.head(at("b")), old);
      assertEquals(await readText(store, "b"), "old");
    },
  );
}

function copyWithin(
  store: ObjectStore,
  from: string,
  to: string,
  checksum: CopyPlan["checksum"] = "keep",
): Promise<ObjectInfo> {
  return store.copy({ from: at(from), to: at(to), plan: () => ({ meta: NEW_META, checksum }) });
}

function fullObject(algorithm: ChecksumAlgorithm, content: string | Uint8Array): Checksum {
  const value = checksumOf(algorithm, typeof content === "string" ? bytes(content) : content);
  return { algorithm, value, type: "FULL_OBJECT" };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
