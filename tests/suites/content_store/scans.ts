/** Ranges of records: their bounds, and their order by UTF-8 bytes. */

import { assertEquals } from "@std/assert";
import type { RecordRange } from "../../../src/storage/content_store.ts";
import { bucketName, partName, uploadName } from "../../../src/storage/record.ts";
import { allObjects, blockRef, bytesOf, object, record, type Suite } from "./support.ts";

/** In order. */
export const AWKWARD_KEYS = [
  "\0",
  "\0\0",
  "\0\x01",
  "\x01",
  "\x01\0",
  "\x01\x02",
  "\x02",
  "\x02\x03",
  "\x03",
  "a",
  "a\0",
  "a\0b",
  "a\x01",
  "a\x01\x01b",
  "a\x02",
  "a\x03",
  "a!",
  "a/",
  "a/b",
  "aa",
  "\u{7f}",
  "é",
  "\u{d7ff}",
  "\u{e000}",
  "\u{ffff}",
  "\u{10000}",
  "\u{1f600}",
  "\u{10ffff}",
] as const;

export function scanTests(suite: Suite): void {
  suite.test("keys come in the order of their UTF-8 bytes, from, after and before any", async ({ store: { records } }) => {
    await records.apply(AWKWARD_KEYS.toReversed().map((key, n) => object(key, n)));
    const keysIn = (range: Pick<RecordRange, "from" | "before">, limit = 100) =>
      records.scan({ kind: "object", bucket: "bucket", ...range }, limit).map(({ key }) => key);
    assertEquals(keysIn(allObjects()), [...AWKWARD_KEYS]);
    for (const [index, key] of AWKWARD_KEYS.entries()) {
      const from = { kind: "from", key } as const;
      const after = { kind: "after", key, sub: "" } as const;
      assertEquals(keysIn({ from, before: undefined }), AWKWARD_KEYS.slice(index));
      assertEquals(keysIn({ from: after, before: undefined }), AWKWARD_KEYS.slice(index + 1));
      assertEquals(keysIn({ ...allObjects(), before: key }), AWKWARD_KEYS.slice(0, index));
      assertEquals(keysIn({ from: after, before: key }), []);
      assertEquals(keysIn({ from, before: undefined }, 2), AWKWARD_KEYS.slice(index, index + 2));
    }
  });

  suite.test("only live records of the kind and bucket are in a range", async ({ store: { records } }) => {
    await records.apply([
      object("a", 1),
      object("b", 2, { isDeleted: true }),
      object("c", 3),
      record({ n: 4, kind: "object", bucket: "bucket2", key: "a" }),
      record({ n: 5, kind: "object", bucket: "bucke", key: "z" }),
      record({ n: 6, ...uploadName("bucket", "a", "id") }),
    ]);
    assertEquals(records.scan(allObjects(), 10).map(({ key }) => key), ["a", "c"]);
    assertEquals(records.scan(allObjects(), 1).map(({ key }) => key), ["a"]);
    assertEquals(records.scan(allObjects("bucket2"), 10).map(({ key }) => key), ["a"]);
    assertEquals(records.scan(allObjects("none"), 10), []);
    assertEquals(["bucket", "bucket2", "bucke", "buck"].map((name) => records.hasObjects(name)), [
      true,
      true,
      true,
      false,
    ]);
  });

  suite.test("records of one key are told apart by sub", async ({ store: { records } }) => {
    const parts = [1, 2, 9, 10, 10_000].map((n) =>
      record({ n, ...partName("bucket", "k", "id", n) })
    );
    const others = [
      record({ n: 1, ...partName("bucket", "k", "id2", 1) }),
      record({ n: 1, ...partName("bucket", "k\0", "id", 1) }),
    ];
    await records.apply([...others, ...parts.toReversed()]);
    const range = { kind: "part", bucket: "bucket", before: undefined } as const;
    const all = records.scan({ ...range, from: { kind: "from", key: "k" } }, 10);
    assertEquals(all, [...parts, ...others]);
    const third = { kind: "after", key: "k", sub: "id/00009" } as const;
    assertEquals(records.scan({ ...range, from: third }, 10), [...parts, ...others].slice(3));
    const between = { kind: "after", key: "k", sub: "id/00003" } as const;
    assertEquals(records.scan({ ...range, from: between }, 1), [parts[2]]);
    assertEquals(records.scan({ ...range, from: { kind: "from", key: "k" }, before: "k\0" }, 10), [
      ...parts,
      others[0],
    ]);
  });

  suite.test("a scan gives whole records, one of heads all but their bytes", async ({ store: { records } }) => {
    const given = [
      object("a", 1, { inline: bytesOf("bytes"), patches: { acl: 2 } }),
      object("b", 3, { blocks: [blockRef(1)] }),
    ];
    await records.apply(given);
    assertEquals(records.scan(allObjects(), 10), given);
    const heads = records.scanHeads(allObjects(), 10);
    assertEquals(
      heads.map(({ key, version, patches, data }) => ({ key, version, patches, data })),
      given.map(({ key, version, patches, data }) => ({ key, version, patches, data })),
    );
    assertEquals(
      heads.map(({ kind, bucket, sub, isDeleted }) => [kind, bucket, sub, isDeleted]),
      given.map(() => ["object", "bucket", "", false]),
    );
  });

  suite.test("live buckets are listed by name", async ({ store: { records } }) => {
    const buckets = ["b", "a", "a-b", "c"].map((name, n) =>
      record({ n, ...bucketName(name), isDeleted: name === "c" })
    );
    await records.apply([...buckets, object("key", 1)]);
    assertEquals(records.listBuckets().map(({ bucket }) => bucket), ["a", "a-b", "b"]);
  });
}
