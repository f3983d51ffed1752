import { assert, assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { S3Error } from "../../src/errors.ts";
import {
  checkKey,
  compareUtf8,
  isBucketName,
  isKey,
  prefixEnd,
  utf8Length,
} from "../../src/storage/names.ts";

const encoder = new TextEncoder();

/** Text in which the borders of the UTF-8 and UTF-16 encodings are common. */
const nastyText = fc.string({
  unit: fc.constantFrom(
    "\0",
    "a",
    "b",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
  ),
  maxLength: 8,
});

Deno.test("bucket names that S3 allows", () => {
  const allowed = [
    "abc",
    "a-b",
    "a.b",
    "123",
    "1.2.3",
    "a--b",
    "my.bucket-1",
    "amzn-s3-demo-bucket",
    "x".repeat(63),
  ];
  for (const name of allowed) assert(isBucketName(name), name);
});

Deno.test("bucket names that S3 refuses", () => {
  const refused = [
    "",
    "ab",
    "x".repeat(64),
    "Abc",
    "a_b",
    "a b",
    "a/b",
    "-ab",
    "ab-",
    ".ab",
    "ab.",
    "a..b",
    "a.-b",
    "a-.b",
    "192.168.5.4",
    "999.999.999.999",
    "xn--abc",
    "sthree-abc",
    "abc-s3alias",
    "abc--ol-s3",
    "abc--x-s3",
    "abc.mrap",
    "..",
    "abc\n",
    "äbc",
    "abc--table-s3",
  ];
  for (const name of refused) assert(!isBucketName(name), JSON.stringify(name));
});

Deno.test("keys that are accepted", () => {
  const accepted = [
    "a",
    "/",
    "a/",
    "a//b",
    "./a",
    "a/.",
    "...",
    "a..b",
    "..a/b..",
    "\0\n",
    "é".repeat(512),
    "\u{1f600}".repeat(256),
  ];
  for (const key of accepted) {
    checkKey(key);
    assert(isKey(key), JSON.stringify(key));
  }
});

Deno.test("keys that are refused, and how", () => {
  const refused: readonly (readonly [string, string])[] = [
    ["", "InvalidArgument"],
    ["..", "InvalidArgument"],
    ["../a", "InvalidArgument"],
    ["a/../b", "InvalidArgument"],
    ["a/..", "InvalidArgument"],
    ["\ud800", "InvalidArgument"],
    ["a\udc00", "InvalidArgument"],
    ["a".repeat(1025), "KeyTooLongError"],
    ["é".repeat(512) + "a", "KeyTooLongError"],
  ];
  for (const [key, code] of refused) {
    assertEquals(assertThrows(() => checkKey(key), S3Error).code, code);
    assert(!isKey(key));
  }
});

Deno.test("utf8Length is the length of the encoding", () => {
  fc.assert(fc.property(nastyText, (text) => utf8Length(text) === encoder.encode(text).length));
});

Deno.test("compareUtf8 is the order of the encoded bytes", () => {
  fc.assert(
    fc.property(
      nastyText,
      nastyText,
      (a, b) => Math.sign(compareUtf8(a, b)) === compareBytes(encoder.encode(a), encoder.encode(b)),
    ),
    { numRuns: 2000 },
  );
});

Deno.test("prefixEnd bounds exactly the strings that start with the prefix", () => {
  fc.assert(
    fc.property(nastyText, nastyText, fc.boolean(), (prefix, other, glue) => {
      const text = glue ? prefix + other : other;
      const end = prefixEnd(prefix);
      const within = compareUtf8(prefix, text) <= 0 &&
        (end === undefined || compareUtf8(text, end) < 0);
      return within === text.startsWith(prefix);
    }),
    { numRuns: 2000 },
  );
});

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(a.length - b.length);
}
