/** Multipart uploads: their parts, their end, and what is listed of them. */

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import type { UploadEntry, UploadQuery } from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  at,
  breakingBody,
  BUCKET,
  createUpload,
  listNames,
  md5Of,
  pattern,
  PLAIN_META,
  put,
  putPart,
  readText,
  type Suite,
  targetOf,
} from "./support.ts";

const ALL: UploadQuery = { prefix: "", delimiter: "", after: undefined, limit: 1000 };

export function uploadTests(suite: Suite): void {
  suite.testInBucket("an upload is found and listed until it ends", async (store) => {
    const before = Date.now();
    const upload = await createUpload(store, "dir/a b");
    assertEquals([upload.bucket, upload.key], [BUCKET, "dir/a b"]);
    assert(/^[A-Za-z0-9._~-]{16,1024}$/.test(upload.uploadId), upload.uploadId);
    // S3 shows whole seconds.
    assert(upload.initiatedMs >= before - 1000 && upload.initiatedMs <= Date.now() + 1000);
    const found = await store.findUpload(targetOf(upload));
    assertEquals(targetOf(found), targetOf(upload));
    assertEquals(found.initiator, "minioadmin");
    const { entries, isTruncated } = await store.listUploads(BUCKET, ALL);
    assertEquals([entries.map(nameOf), isTruncated], [["dir/a b"], false]);
    assertEquals(await listNames(store), []);
    await store.abortUpload(targetOf(upload));
    assertEquals((await store.listUploads(BUCKET, ALL)).entries, []);
  });

  suite.testInBucket("an upload remembers how it was begun", async (store) => {
    const init = {
      initiator: undefined,
      meta: { ...PLAIN_META, user: { a: "1" }, tags: { b: "2" } },
      checksum: { algorithm: "CRC32", type: "FULL_OBJECT" },
    } as const;
    const upload = await createUpload(store, "a", init);
    const { initiator, meta, checksum } = await store.findUpload(targetOf(upload));
    assertEquals({ initiator, meta, checksum }, init);
  }, "uploadMeta");

  suite.testInBucket("two uploads of one key are two", async (store) => {
    const [first, second] = [await createUpload(store, "a"), await createUpload(store, "a")];
    assertNotEquals(first.uploadId, second.uploadId);
    await putPart(store, first, 1, "first");
    await putPart(store, second, 1, "second");
    await store.abortUpload(targetOf(first));
    const { parts } = await store.listParts(targetOf(second), 0, 10);
    assertEquals(parts.map((part) => part.etag), [md5Of("second")]);
  });

  suite.testInBucket("an unknown upload, or another key's, is NoSuchUpload", async (store) => {
    await put(store, "a", "old");
    const upload = targetOf(await createUpload(store, "a"));
    const { etag } = await putPart(store, upload, 1, "x");
    const strangers = [
      { ...upload, key: "b" },
      { ...upload, uploadId: upload.uploadId.replace(/.$/, (last) => last === "x" ? "y" : "x") },
      { ...upload, uploadId: "unknown" },
      { ...upload, uploadId: "../../etc/passwd" },
    ];
    for (const stranger of strangers) {
      await assertCode(store.findUpload(stranger), "NoSuchUpload");
      await assertCode(putPart(store, stranger, 1, "y"), "NoSuchUpload");
      await assertCode(store.listParts(stranger, 0, 10), "NoSuchUpload");
      await assertCode(store.abortUpload(stranger), "NoSuchUpload");
      const parts = [{ number: 1, etag }];
      await assertCode(store.completeUpload({ ...stranger, parts }), "NoSuchUpload");
    }
    assertEquals((await store.listParts(upload, 0, 10)).parts.map((part) => part.etag), [etag]);
    assertEquals(await readText(store, "a"), "old");
  });

  suite.testInBucket("an aborted upload is gone", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const { etag } = await putPart(store, upload, 1, "x");
    await store.abortUpload(upload);
    await assertCode(store.abortUpload(upload), "NoSuchUpload");
    await assertCode(putPart(store, upload, 1, "x"), "NoSuchUpload");
    await assertCode(
      store.completeUpload({ ...upload, parts: [{ number: 1, etag }] }),
      "NoSuchUpload",
    );
    assertEquals(await listNames(store), []);
  });

  suite.testInBucket("an upload that ends while a part comes in takes no part", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    async function* body() {
      yield pattern(100_000);
      await store.abortUpload(upload);
      yield pattern(100_000);
    }
    await assertCode(putPart(store, upload, 1, body()), "NoSuchUpload");
    assertEquals((await store.listUploads(BUCKET, ALL)).entries, []);
    await store.deleteBucket(BUCKET);
  });

  suite.testInBucket("a part put again replaces the first", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    await putPart(store, upload, 1, "first");
    const { etag } = await putPart(store, upload, 1, pattern(100_000));
    const { parts } = await store.listParts(upload, 0, 10);
    assertEquals(parts.map(({ number, size, etag }) => ({ number, size, etag })), [
      { number: 1, size: 100_000, etag: md5Of(pattern(100_000)) },
    ]);
    await store.completeUpload({ ...upload, parts: [{ number: 1, etag }] });
    using object = await store.open(at("a"));
    assertBytes(new Uint8Array(await new Response(object.body()).arrayBuffer()), pattern(100_000));
  });

  suite.testInBucket("nothing stays of a part that breaks or is refused", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const kept = await putPart(store, upload, 2, "kept");
    const fault = new Error("the client went away");
    const seal = () => {
      throw fault;
    };
    for (const number of [1, 2]) {
      for (const chunks of [[], [pattern(10)], [pattern(200_000)]]) {
        const broken = putPart(store, upload, number, breakingBody(fault, chunks));
        assertStrictEquals(await assertRejects(() => broken), fault);
        const body = ReadableStream.from(chunks);
        const refused = store.putPart({ ...upload, number, body, seal });
        assertStrictEquals(await assertRejects(() => refused), fault);
      }
    }
    const { parts } = await store.listParts(upload, 0, 10);
    assertEquals(parts.map(({ number, etag }) => ({ number, etag })), [
      { number: 2, etag: kept.etag },
    ]);
  });

  suite.testInBucket("parts are listed by number, in pages", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    assertEquals(await store.listParts(upload, 0, 10), { parts: [], isTruncated: false });
    for (const number of [10_000, 2, 1, 30, 4]) await putPart(store, upload, number, `${number}`);
    const table: readonly (readonly [number, number, number[], boolean])[] = [
      [0, 1000, [1, 2, 4, 30, 10_000], false],
      [0, 5, [1, 2, 4, 30, 10_000], false],
      [0, 4, [1, 2, 4, 30], true],
      [1, 2, [2, 4], true],
      [3, 2, [4, 30], true],
      [30, 1, [10_000], false],
      [10_000, 1, [], false],
    ];
    for (const [after, limit, numbers, isTruncated] of table) {
      const page = await store.listParts(upload, after, limit);
      assertEquals([page.parts.map((part) => part.number), page.isTruncated], [
        numbers,
        isTruncated,
      ]);
    }
  });

  suite.testInBucket("uploads are listed by key, in pages", async (store) => {
    const keys = ["a", "a/1", "a/2", "b", "b", "b", "\u{10000}", "\uffff"];
    const sorted = ["a", "a/1", "a/2", "b", "b", "b", "\uffff", "\u{10000}"];
    for (const key of keys) await createUpload(store, key);
    const table: readonly (readonly [Partial<UploadQuery>, readonly string[]])[] = [
      [{}, sorted],
      [{ prefix: "a" }, ["a", "a/1", "a/2"]],
      [{ delimiter: "/" }, ["a", "a/", "b", "b", "b", "\uffff", "\u{10000}"]],
      [{ delimiter: "/", prefix: "a/" }, ["a/1", "a/2"]],
      [{ prefix: "c" }, []],
    ];
    for (const [query, names] of table) {
      for (const limit of [1, 2, 3, 1000]) {
        const found: string[] = [];
        let page;
        let after: UploadQuery["after"];
        do {
          page = await store.listUploads(BUCKET, { ...ALL, ...query, limit, after });
          found.push(...page.entries.map(nameOf));
          after = markersAfter(page.entries.at(-1));
          assert(!page.isTruncated || page.entries.length === limit, "a page isn't full");
        } while (page.isTruncated);
        assertEquals(found, names, JSON.stringify([query, limit]));
      }
    }
    const after = await store.listUploads(BUCKET, { ...ALL, after: { key: "b" } });
    assertEquals(after.entries.map(nameOf), ["\uffff", "\u{10000}"]);
  });
}

function nameOf(entry: UploadEntry): string {
  return entry.kind === "upload" ? entry.upload.key : entry.prefix;
}

/** The next page's position as S3 passes it on. */
function markersAfter(entry: UploadEntry | undefined): UploadQuery["after"] {
  if (entry?.kind === "upload") return { key: entry.upload.key, uploadId: entry.upload.uploadId };
  return entry === undefined ? undefined : { key: entry.prefix };
}
