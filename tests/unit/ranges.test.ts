import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { S3Error } from "../../src/errors.ts";
import { contentRange, parseCopyRange, parseRange, rangeLength } from "../../src/s3/ranges.ts";

Deno.test("a range is clamped to the object, and what isn't one range is ignored", () => {
  const table: readonly (readonly [string | undefined, number, [number, number] | undefined])[] = [
    ["bytes=0-0", 10, [0, 0]],
    ["bytes=2-5", 10, [2, 5]],
    ["bytes=2-", 10, [2, 9]],
    ["bytes=9-", 10, [9, 9]],
    ["bytes=5-99999999999999999999", 10, [5, 9]],
    ["bytes=-3", 10, [7, 9]],
    ["bytes=-10", 10, [0, 9]],
    ["bytes=-11", 10, [0, 9]],
    ["Bytes=1-2", 10, [1, 2]],
    [" bytes=1-2 ", 10, [1, 2]],
    [undefined, 10, undefined],
    ["", 10, undefined],
    ["bytes=-", 10, undefined],
    ["bytes=5-2", 10, undefined],
    ["bytes=0-1,3-4", 10, undefined],
    ["bytes=0-1,", 10, undefined],
    ["bytes=a-b", 10, undefined],
    ["bytes=+1-2", 10, undefined],
    ["bytes=1.0-2", 10, undefined],
    ["bytes 0-1", 10, undefined],
    ["items=0-1", 10, undefined],
    ["0-1", 10, undefined],
  ];
  for (const [header, size, expected] of table) {
    const range = expected && { start: expected[0], end: expected[1] };
    assertEquals(parseRange(header, size), range, header);
  }
});

Deno.test("a range without a byte of the object is refused with the object's size", () => {
  const table: readonly (readonly [string, number])[] = [
    ["bytes=10-", 10],
    ["bytes=10-12", 10],
    ["bytes=99999999999999999999-", 10],
    ["bytes=-0", 10],
    ["bytes=0-", 0],
    ["bytes=0-0", 0],
    ["bytes=-1", 0],
  ];
  for (const [header, size] of table) {
    const error = assertThrows(() => parseRange(header, size), S3Error);
    assertEquals(error.code, "InvalidRange", header);
    assertEquals(error.headers, { "content-range": `bytes */${size}` });
  }
});

Deno.test("any range that is given lies within the object", () => {
  fc.assert(fc.property(fc.nat(50), fc.nat(60), fc.nat(60), (size, first, last) => {
    const expected = Array.from({ length: size }, (_, i) => i).slice(first, last + 1);
    fc.pre(first <= last && expected.length > 0);
    const range = parseRange(`bytes=${first}-${last}`, size);
    assertEquals(range, { start: first, end: Math.min(last, size - 1) });
    if (range !== undefined) assertEquals(rangeLength(range), expected.length);
  }));
});

Deno.test("Content-Range names first, last and size", () => {
  assertEquals(contentRange({ start: 2, end: 5 }, 10), "bytes 2-5/10");
});

Deno.test("a copy range must be exact and within the source", () => {
  assertEquals(parseCopyRange("bytes=0-9", 10), { start: 0, end: 9 });
  assertEquals(parseCopyRange("bytes=9-9", 10), { start: 9, end: 9 });
  const refused = [
    "bytes=0-10",
    "bytes=10-10",
    "bytes=5-2",
    "bytes=0-",
    "bytes=-1",
    "bytes=0",
    "bytes=0-2,3-5",
    "bytes=hello-world",
    "0-2",
    " bytes=0-2",
    "",
  ];
  for (const header of refused) {
    assertEquals(assertThrows(() => parseCopyRange(header, 10), S3Error).code, "InvalidArgument");
  }
});
