/** Completing an upload: exactly the parts named become the object, or nothing changes. */

import { assertEquals } from "@std/assert";
import { checksumOf, combineFullObject, compositeChecksum } from "../../../src/checksum.ts";
import type { S3ErrorCode } from "../../../src/errors.ts";
import { multipartEtag } from "../../../src/storage/multipart.ts";
import type {
  Checksum,
  ChecksumAlgorithm,
  CompletedPart,
  CompleteRequest,
  ObjectStore,
  PartInfo,
  UploadTarget,
} from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  assertSameInfo,
  at,
  BUCKET,
  createUpload,
  joined,
  listNames,
  md5Of,
  MiB,
  pattern,
  PLAIN_META,
  put,
  putPart,
  readBytes,
  readText,
  type Suite,
  targetOf,
} from "./support.ts";

const LARGE_PART = pattern(5 * MiB, 1);
const LAST_PART = pattern(1000, 2);
const META = {
  headers: { "content-type": "video/mp4" },
  user: { made: "of parts" },
  tags: { t: "1" },
  acl: "public-read",
} as const;

export function completionTests(suite: Suite): void {
  suite.testInBucket("the parts named become the object, the others go", async (store) => {
    const upload = targetOf(await createUpload(store, "dir/a", { meta: META }));
    const last = await putPart(store, upload, 9, LAST_PART);
    await putPart(store, upload, 5, "not named");
    const first = await putPart(store, upload, 2, LARGE_PART);
    const made = await store.completeUpload({ ...upload, parts: named([first, last]) });
    const { headers, user, tags, acl } = made.meta;
    assertEquals({ headers, user, tags, acl }, META);
    assertEquals([made.size, made.etag, made.partCount], [
      LARGE_PART.length + LAST_PART.length,
      `${md5Of(joined([md5Bytes(LARGE_PART), md5Bytes(LAST_PART)]))}-2`,
      2,
    ]);
    assertSameInfo(await store.head(at("dir/a")), made);
    const whole = joined([LARGE_PART, LAST_PART]);
    assertBytes(await readBytes(store, at("dir/a")), whole);
    const across = { start: LARGE_PART.length - 5, end: LARGE_PART.length + 5 };
    const expected = whole.subarray(across.start, across.end + 1);
    assertBytes(await readBytes(store, at("dir/a"), across), expected);
    const parts = await store.findParts(at("dir/a"));
    assertEquals(parts?.map((part) => part.size), [LARGE_PART.length, LAST_PART.length]);
    await assertCode(store.findUpload(upload), "NoSuchUpload");
    assertEquals(await listNames(store), ["dir/a"]);
  });

  suite.testInBucket("one part, also an empty one, makes an object", async (store) => {
    for (const content of ["", "abc"]) {
      const upload = targetOf(await createUpload(store, "a"));
      const part = await putPart(store, upload, 1, content);
      const made = await store.completeUpload({ ...upload, parts: named([part]) });
      assertEquals([made.size, made.etag], [content.length, multipartEtag([md5Of(content)])]);
      assertEquals(await readText(store, "a"), content);
    }
  });

  suite.testInBucket("completing again after success gives the same object", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const parts = named([await putPart(store, upload, 1, "abc")]);
    const made = await store.completeUpload({ ...upload, parts });
    assertSameInfo(await store.completeUpload({ ...upload, parts }), made);
    const others = [{ number: 1, etag: md5Of("other") }];
    await assertCode(store.completeUpload({ ...upload, parts: others }), "NoSuchUpload");
    assertEquals(await readText(store, "a"), "abc");
    await assertCode(store.abortUpload(upload), "NoSuchUpload");
  });

  suite.testInBucket("completing again meets no condition that it met before", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const parts = named([await putPart(store, upload, 1, "abc")]);
    const request = { ...upload, parts, condition: { ifAbsent: true } };
    const made = await store.completeUpload(request);
    assertSameInfo(await store.completeUpload(request), made);
  }, "conditions");

  suite.testInBucket("completing again brings no old version back", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const parts = named([await putPart(store, upload, 1, "abc")]);
    await store.completeUpload({ ...upload, parts });
    await put(store, "a", "newer");
    await store.completeUpload({ ...upload, parts });
    assertEquals(await readText(store, "a"), "newer");
    await store.delete(at("a"));
    await store.completeUpload({ ...upload, parts });
    assertEquals(await listNames(store), []);
  });

  suite.testInBucket("racing completions make one object", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const parts = named([await putPart(store, upload, 1, "abc")]);
    const made = await Promise.all(
      Array.from({ length: 4 }, () => store.completeUpload({ ...upload, parts })),
    );
    assertEquals(new Set(made.map((object) => object.etag)).size, 1);
    assertEquals(await readText(store, "a"), "abc");
  });

  suite.testInBucket("a list that doesn't fit changes nothing", async (store) => {
    const old = await put(store, "a", "old");
    const upload = targetOf(await createUpload(store, "a"));
    const small = await putPart(store, upload, 1, "small");
    const large = await putPart(store, upload, 2, LARGE_PART);
    const { etag } = large;
    const table: readonly (readonly [S3ErrorCode, Omit<CompleteRequest, keyof UploadTarget>])[] = [
      ["InvalidPart", { parts: [{ number: 3, etag }] }],
      ["InvalidPart", { parts: [{ number: 2, etag: md5Of("other") }] }],
      ["InvalidPart", { parts: [...named([large]), { number: 3, etag }] }],
      ["EntityTooSmall", { parts: named([small, large]) }],
      ["InvalidRequest", { parts: named([large]), size: LARGE_PART.length + 1 }],
      ["InvalidRequest", { parts: named([large]), size: 0 }],
    ];
    for (const [code, request] of table) {
      await assertCode(store.completeUpload({ ...upload, ...request }), code);
    }
    assertSameInfo(await store.head(at("a")), old);
    const { parts } = await store.listParts(upload, 0, 10);
    assertEquals(parts.map((part) => part.etag), [small.etag, large.etag]);
    await store.completeUpload({ ...upload, parts: named([large]), size: LARGE_PART.length });
    assertBytes(await readBytes(store, at("a")), LARGE_PART);
  });

  suite.testInBucket("an object's parts keep their numbers and checksums", async (store) => {
    for (const type of ["FULL_OBJECT", "COMPOSITE"] as const) {
      const checksum = { algorithm: "CRC32", type } as const;
      const upload = targetOf(await createUpload(store, "a", { checksum }));
      const [firstValue = "", lastValue = ""] = partValues("CRC32");
      const values = [{ number: 2, value: firstValue }, { number: 9, value: lastValue }];
      const contents = [LARGE_PART, LAST_PART];
      const parts = await Promise.all(
        values.map(({ number, value }, index) =>
          putPart(store, upload, number, contents[index] ?? "", { algorithm: "CRC32", value })
        ),
      );
      await store.completeUpload({ ...upload, parts: named(parts) });
      assertEquals(await store.findParts(at("a")), [
        { number: 2, size: LARGE_PART.length, checksum: firstValue },
        { number: 9, size: LAST_PART.length, checksum: lastValue },
      ]);
    }
  }, "partDetails");

  for (const algorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] as const) {
    suite.testInBucket(`a composite ${algorithm}`, async (store) => {
      const checksum = { algorithm, type: "COMPOSITE" } as const;
      await checkChecksums(store, checksum, compositeChecksum(algorithm, partValues(algorithm)));
    });
  }

  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
    suite.testInBucket(`a full-object ${algorithm}`, async (store) => {
      const checksum = { algorithm, type: "FULL_OBJECT" } as const;
      const value = checksumOf(algorithm, joined([LARGE_PART, LAST_PART]));
      const pieces = [LARGE_PART, LAST_PART].map((part) => (
        { value: checksumOf(algorithm, part), size: part.length }
      ));
      assertEquals(combineFullObject(algorithm, pieces), value);
      await checkChecksums(store, checksum, value);
    });
  }

  suite.testInBucket("the bucket can go when all its uploads have ended", async (store) => {
    const upload = targetOf(await createUpload(store, "a"));
    const parts = named([await putPart(store, upload, 1, "abc")]);
    await store.completeUpload({ ...upload, parts });
    await assertCode(store.deleteBucket(BUCKET), "BucketNotEmpty");
    await store.delete(at("a"));
    await store.deleteBucket(BUCKET);
  });
}

/** Completes an upload with checksums: wrong claims are refused, right ones and none are taken. */
async function checkChecksums(
  store: ObjectStore,
  kind: Pick<Checksum, "algorithm" | "type">,
  value: string,
): Promise<void> {
  const { algorithm, type } = kind;
  const upload = targetOf(await createUpload(store, "a", { meta: PLAIN_META, checksum: kind }));
  const [firstValue = "", lastValue = ""] = partValues(algorithm);
  const first = await putPart(store, upload, 1, LARGE_PART, { algorithm, value: firstValue });
  const last = await putPart(store, upload, 2, LAST_PART, { algorithm, value: lastValue });
  assertEquals([first.checksum, last.checksum], [
    { algorithm, value: firstValue },
    { algorithm, value: lastValue },
  ]);
  const { parts: listed } = await store.listParts(upload, 0, 10);
  assertEquals(listed.map((part) => part.checksum?.value), [firstValue, lastValue]);
  const parts = named([first, last]);
  const swapped = named([first, { ...last, ...(first.checksum && { checksum: first.checksum }) }]);
  await assertCode(store.completeUpload({ ...upload, parts: swapped }), "InvalidPart");
  const claims: readonly (readonly [S3ErrorCode, CompleteRequest["checksum"]])[] = [
    ["BadDigest", { algorithm, value: checksumOf(algorithm, LAST_PART) }],
    ["InvalidRequest", {
      algorithm,
      value,
      type: type === "COMPOSITE" ? "FULL_OBJECT" : "COMPOSITE",
    }],
    ["InvalidRequest", {
      algorithm: otherThan(algorithm),
      value: checksumOf(otherThan(algorithm), LAST_PART),
    }],
  ];
  for (const [code, checksum = { algorithm, value }] of claims) {
    await assertCode(store.completeUpload({ ...upload, parts, checksum }), code);
  }
  const made = await store.completeUpload({
    ...upload,
    parts,
    checksum: { algorithm, value, type },
  });
  assertEquals(made.meta.checksum, { algorithm, value, type });
  assertEquals((await store.head(at("a"))).meta.checksum, { algorithm, value, type });
  if (type === "FULL_OBJECT") return;
  const objectParts = await store.findParts(at("a"));
  assertEquals(objectParts?.map((part) => part.checksum), [firstValue, lastValue]);
}

function partValues(algorithm: ChecksumAlgorithm): string[] {
  return [LARGE_PART, LAST_PART].map((part) => checksumOf(algorithm, part));
}

function otherThan(algorithm: ChecksumAlgorithm): ChecksumAlgorithm {
  return algorithm === "CRC32" ? "CRC32C" : "CRC32";
}

function named(parts: readonly PartInfo[]): CompletedPart[] {
  return parts.map(({ number, etag, checksum }) => ({
    number,
    etag,
    ...(checksum && { checksum }),
  }));
}

function md5Bytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.fromHex(md5Of(bytes));
}
