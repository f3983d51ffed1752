/** Records as a lattice, their stamps, and the texts of their names. */

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { compareUtf8 } from "../../src/storage/names.ts";
import { nameToText, rangeToTexts, textToName } from "../../src/storage/name_text.ts";
import {
  lastVersion,
  mergeRecords,
  type Record,
  type RecordKind,
  type RecordName,
  stampOf,
} from "../../src/storage/record.ts";
import { environmentNumber } from "../support/seed.ts";
import { record, version } from "../suites/content_store/support.ts";

const OPTIONS = {
  numRuns: 1000,
  ...(environmentNumber("ZS3_TEST_SEED") > 0 && { seed: environmentNumber("ZS3_TEST_SEED") }),
};

/** Of one name. What a version says, and what a patch of a version says, is always the same, as in life. */
const anyRecord: fc.Arbitrary<Record> = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.dictionary(fc.constantFrom("acl", "tags", "cors"), fc.integer({ min: 10, max: 13 })),
).map(([n, patches]) => record({ n, isDeleted: n === 2, patches }));

const char = fc.constantFrom(
  "\0",
  "\x01",
  "\x02",
  "\x03",
  "\x04",
  "a",
  "b",
  "/",
  "é",
  "\u{e000}",
  "\u{1f600}",
);
const piece = fc.array(char, { maxLength: 4 }).map((chars) => chars.join(""));
const kind = fc.constantFrom<RecordKind>("bucket", "object", "upload", "part");
const anyName: fc.Arbitrary<RecordName> = fc.record({
  kind,
  bucket: piece,
  key: piece,
  sub: piece,
});

Deno.test("records are merged in any order, grouping and number with one outcome", () => {
  fc.assert(
    fc.property(anyRecord, anyRecord, anyRecord, (a, b, c) => {
      assertEquals(mergeRecords(a, b), mergeRecords(b, a));
      assertEquals(mergeRecords(mergeRecords(a, b), c), mergeRecords(a, mergeRecords(b, c)));
      assertEquals(mergeRecords(a, a), a);
      const ab = mergeRecords(a, b);
      assertEquals([mergeRecords(ab, a), mergeRecords(ab, b)], [ab, ab]);
    }),
    OPTIONS,
  );
});

Deno.test("stamps are the same for the same records, and for no others", () => {
  fc.assert(
    fc.property(anyRecord, anyRecord, (a, b) => {
      assertEquals(stampOf(a) === stampOf(b), isSame(a, b));
      assertEquals(stampOf(mergeRecords(a, b)), stampOf(mergeRecords(b, a)));
    }),
    OPTIONS,
  );
});

Deno.test("the last version is the highest one mentioned", () => {
  assertEquals(lastVersion(record({ n: 5 })), version(5));
  assertEquals(lastVersion(record({ n: 5, patches: { acl: 9, tags: 7 } })), version(9));
});

Deno.test("names are written as texts that sort as they do, and read back", () => {
  fc.assert(
    fc.property(anyName, anyName, (a, b) => {
      assertEquals(textToName(nameToText(a)), a);
      assertEquals(Math.sign(compareUtf8(nameToText(a), nameToText(b))), compareNames(a, b));
      assertEquals(nameToText(a).includes("\0"), false);
    }),
    OPTIONS,
  );
});

Deno.test("a name is in a range if its text is within the range's texts", () => {
  const from = fc.oneof(
    fc.record({ kind: fc.constant("from" as const), key: piece }),
    fc.record({ kind: fc.constant("after" as const), key: piece, sub: piece }),
  );
  const range = fc.record({
    kind,
    bucket: piece,
    from,
    before: fc.option(piece, { nil: undefined }),
  });
  fc.assert(
    fc.property(range, anyName, fc.boolean(), (range, other, isNear) => {
      const name = isNear ? { ...other, kind: range.kind, bucket: range.bucket } : other;
      const { lower, isLowerIncluded, before } = rangeToTexts(range);
      const order = compareUtf8(nameToText(name), lower);
      const isWithin = (order > 0 || (order === 0 && isLowerIncluded)) &&
        compareUtf8(nameToText(name), before) < 0;
      const fromKey = compareUtf8(name.key, range.from.key);
      const isPastFrom = range.from.kind === "from"
        ? fromKey >= 0
        : fromKey > 0 || (fromKey === 0 && compareUtf8(name.sub, range.from.sub) > 0);
      const isBefore = range.before === undefined || compareUtf8(name.key, range.before) < 0;
      assertEquals(
        isWithin,
        name.kind === range.kind && name.bucket === range.bucket && isPastFrom && isBefore,
      );
    }),
    { ...OPTIONS, numRuns: 5000 },
  );
});

Deno.test("a text that isn't of a name is refused", () => {
  for (const text of ["", "o", "o\x01b\x01k", "x\x01b\x01k\x01s", "o\x01b\x01k\x01s\x01t"]) {
    assertThrows(() => textToName(text), TypeError);
  }
});

function compareNames(a: RecordName, b: RecordName): number {
  const orders = [
    compareUtf8(a.kind, b.kind),
    compareUtf8(a.bucket, b.bucket),
    compareUtf8(a.key, b.key),
    compareUtf8(a.sub, b.sub),
  ];
  return Math.sign(orders.find((order) => order !== 0) ?? 0);
}

function isSame(a: Record, b: Record): boolean {
  const text = ({ version, patches }: Record) =>
    JSON.stringify([version, Object.entries(patches).toSorted(([x], [y]) => x < y ? -1 : 1)]);
  return text(a) === text(b);
}
