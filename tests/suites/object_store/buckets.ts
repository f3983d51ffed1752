/** Buckets: making, changing and deleting them, and what is asked of one that isn't there. */

import { assert, assertEquals } from "@std/assert";
import type { ObjectStore, UploadQuery } from "../../../src/storage/object_store.ts";
import {
  assertCode,
  at,
  BUCKET,
  createBucket,
  createUpload,
  listNames,
  pattern,
  PLAIN_META,
  present,
  put,
  putPart,
  readText,
  type Suite,
  targetOf,
  WHOLE_LIST,
} from "./support.ts";

const ALL_UPLOADS: UploadQuery = { prefix: "", delimiter: "", after: undefined, limit: 1000 };

export function bucketTests(suite: Suite): void {
  suite.test("a new store has no buckets", async (store) => {
    assertEquals(await store.listBuckets(), []);
    assertEquals(await store.findBucket(BUCKET), undefined);
  });

  suite.test("buckets are listed by name", async (store) => {
    const names = ["bbb", "b-b", "b.b", "aaa", "1-a"];
    for (const name of names) await createBucket(store, name);
    const listed = await store.listBuckets();
    assertEquals(listed.map((bucket) => bucket.name), names.toSorted());
  });

  suite.test("a bucket is as it was made", async (store) => {
    const before = Date.now();
    await store.createBucket(BUCKET, { owner: "minioadmin", acl: "public-read" });
    const found = present(await store.findBucket(BUCKET), "bucket");
    const { createdMs, ...rest } = found;
    assertEquals(rest, {
      name: BUCKET,
      owner: "minioadmin",
      acl: "public-read",
      cors: undefined,
      tags: undefined,
    });
    // S3 shows whole seconds.
    assert(createdMs >= before - 1000 && createdMs <= Date.now() + 1000);
    assertEquals(await store.listBuckets(), [found]);
  });

  suite.test("a bucket keeps its owner, also none", async (store) => {
    await store.createBucket("owned", { owner: "alice", acl: "private" });
    await store.createBucket("ownerless", { owner: undefined, acl: "private" });
    assertEquals((await store.listBuckets()).map((bucket) => bucket.owner), ["alice", undefined]);
  }, "anyOwner");

  suite.test("a bucket is made once", async (store) => {
    await store.createBucket(BUCKET, { owner: "minioadmin", acl: "public-read" });
    const first = await store.findBucket(BUCKET);
    await assertCode(
      store.createBucket(BUCKET, { owner: "minioadmin", acl: "private" }),
      "BucketAlreadyExists",
    );
    assertEquals(await store.findBucket(BUCKET), first);
  });

  suite.testInBucket("a patch changes what it names and leaves the rest", async (store) => {
    const made = present(await store.findBucket(BUCKET), "bucket");
    await store.updateBucket(BUCKET, { acl: "public-read" });
    assertEquals(await store.findBucket(BUCKET), { ...made, acl: "public-read" });
    await store.updateBucket(BUCKET, { tags: { team: "α + β" } });
    assertEquals(await store.findBucket(BUCKET), {
      ...made,
      acl: "public-read",
      tags: { team: "α + β" },
    });
    await store.updateBucket(BUCKET, { tags: null, acl: "private" });
    assertEquals(await store.findBucket(BUCKET), made);
  });

  suite.testInBucket("a bucket's CORS configuration is kept until removed", async (store) => {
    const made = present(await store.findBucket(BUCKET), "bucket");
    await store.updateBucket(BUCKET, { cors: "[{…}]" });
    await store.updateBucket(BUCKET, {});
    assertEquals(await store.findBucket(BUCKET), { ...made, cors: "[{…}]" });
    await store.updateBucket(BUCKET, { cors: null });
    assertEquals(await store.findBucket(BUCKET), made);
  }, "opaqueCors");

  suite.testInBucket("a bucket with objects isn't deleted", async (store) => {
    await put(store, "dir/a", "kept");
    await assertCode(store.deleteBucket(BUCKET), "BucketNotEmpty");
    assertEquals(await readText(store, "dir/a"), "kept");
    await store.delete(at("dir/a"));
    await store.deleteBucket(BUCKET);
    assertEquals(await store.listBuckets(), []);
  });

  suite.testInBucket("a bucket made again has nothing of the old one", async (store) => {
    await store.updateBucket(BUCKET, { acl: "public-read", tags: { a: "1" } });
    await put(store, "a", "old");
    await store.delete(at("a"));
    await store.deleteBucket(BUCKET);
    assertEquals(await store.findBucket(BUCKET), undefined);
    await createBucket(store, BUCKET);
    const again = await store.findBucket(BUCKET);
    assertEquals([again?.acl, again?.tags], ["private", undefined]);
    assertEquals(await listNames(store), []);
  });

  suite.testInBucket("unfinished uploads go with their bucket", async (store) => {
    const upload = await createUpload(store, "a");
    await putPart(store, upload, 1, "part");
    await store.deleteBucket(BUCKET);
    await createBucket(store, BUCKET);
    assertEquals((await store.listUploads(BUCKET, ALL_UPLOADS)).entries, []);
    await assertCode(store.findUpload(targetOf(upload)), "NoSuchUpload");
    await assertCode(putPart(store, upload, 2, "part"), "NoSuchUpload");
  });

  suite.testInBucket("a bucket that goes while a body comes in takes no object", async (store) => {
    async function* body() {
      yield pattern(100_000);
      await store.deleteBucket(BUCKET);
      yield pattern(100_000);
    }
    await assertCode(put(store, "dir/a", body()), "NoSuchBucket");
    assertEquals(await store.listBuckets(), []);
    await createBucket(store, BUCKET);
    assertEquals(await listNames(store), []);
  });

  suite.testInBucket("keys of two buckets have nothing to do with each other", async (store) => {
    await createBucket(store, "other");
    await put(store, "a", "here");
    await put(store, "a", "there", { bucket: "other" });
    await store.delete(at("a", "other"));
    assertEquals(await readText(store, "a"), "here");
    await assertCode(store.head(at("a", "other")), "NoSuchKey");
  });

  suite.testInBucket("a missing bucket has no objects", async (store) => {
    await put(store, "a", "here");
    for (const [name, call] of Object.entries(OBJECT_CALLS)) {
      const error = await assertCode(call(store, "missing"), "NoSuchBucket");
      assertEquals(error.code, "NoSuchBucket", name);
    }
    assertEquals((await store.listBuckets()).map((bucket) => bucket.name), [BUCKET]);
  });

  suite.test("a missing bucket has no uploads", async (store) => {
    await createBucket(store, "elsewhere");
    const init = { initiator: "minioadmin", meta: PLAIN_META, checksum: undefined };
    const upload = await store.createUpload({ bucket: "elsewhere", key: "a", ...init });
    const target = { ...targetOf(upload), bucket: "missing" };
    await assertCode(store.createUpload({ ...at("a", "missing"), ...init }), "NoSuchBucket");
    await assertCode(store.listUploads("missing", ALL_UPLOADS), "NoSuchBucket");
    const codes = ["NoSuchBucket", "NoSuchUpload"] as const;
    await assertCode(store.findUpload(target), ...codes);
    await assertCode(putPart(store, target, 1, "part"), ...codes);
    await assertCode(store.listParts(target, 0, 10), ...codes);
    await assertCode(store.abortUpload(target), ...codes);
    const parts = [{ number: 1, etag: "0".repeat(32) }];
    await assertCode(store.completeUpload({ ...target, parts }), ...codes);
  });
}

const OBJECT_CALLS: Readonly<
  Record<string, (store: ObjectStore, bucket: string) => Promise<unknown>>
> = {
  updateBucket: (store, bucket) => store.updateBucket(bucket, { acl: "private" }),
  deleteBucket: (store, bucket) => store.deleteBucket(bucket),
  head: (store, bucket) => store.head(at("a", bucket)),
  open: (store, bucket) => store.open(at("a", bucket)),
  findParts: (store, bucket) => store.findParts(at("a", bucket)),
  put: (store, bucket) => put(store, "a", "x", { bucket }),
  delete: (store, bucket) => store.delete(at("a", bucket)),
  update: (store, bucket) => store.update(at("a", bucket), { tags: {} }),
  list: (store, bucket) => store.list(bucket, WHOLE_LIST),
  "copy from": (store, bucket) => copyA(store, bucket, BUCKET),
  "copy to": (store, bucket) => copyA(store, BUCKET, bucket),
};

function copyA(store: ObjectStore, from: string, to: string): Promise<unknown> {
  const plan = () => ({ meta: PLAIN_META, checksum: "keep" as const });
  return store.copy({ from: at("a", from), to: at("a", to), plan });
}
