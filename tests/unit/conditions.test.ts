import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import {
  checkCopySourceConditions,
  deleteCondition,
  findDeleteCondition,
  findFailedCondition,
  findWriteCondition,
  isRangeFresh,
  unquote,
} from "../../src/s3/conditions.ts";

type Pairs = Readonly<Record<string, string>>;
const headers = (pairs: Pairs) => new Map(Object.entries(pairs));

const current = { etag: "abc", modifiedMs: Date.parse("2026-03-01T12:00:00.789Z") };
const BEFORE = "Sun, 01 Mar 2026 11:59:59 GMT";
const SAME = "Sun, 01 Mar 2026 12:00:00 GMT";
const AFTER = "Sun, 01 Mar 2026 12:00:01 GMT";

Deno.test("read conditions by themselves", () => {
  const table: readonly (readonly [Pairs, string | undefined])[] = [
    [{}, undefined],
    [{ "if-match": '"abc"' }, undefined],
    [{ "if-match": "abc" }, undefined],
    [{ "if-match": "*" }, undefined],
    [{ "if-match": '"x", "abc"' }, undefined],
    [{ "if-match": '"x","y"' }, "If-Match"],
    [{ "if-match": 'W/"abc"' }, "If-Match"],
    [{ "if-match": '"ABC"' }, "If-Match"],
    [{ "if-match": "" }, "If-Match"],
    [{ "if-none-match": '"x"' }, undefined],
    [{ "if-none-match": '"abc"' }, "If-None-Match"],
    [{ "if-none-match": "abc" }, "If-None-Match"],
    [{ "if-none-match": 'W/"abc"' }, "If-None-Match"],
    [{ "if-none-match": '"x", W/"abc"' }, "If-None-Match"],
    [{ "if-none-match": "*" }, "If-None-Match"],
    [{ "if-modified-since": BEFORE }, undefined],
    [{ "if-modified-since": SAME }, "If-Modified-Since"],
    [{ "if-modified-since": AFTER }, "If-Modified-Since"],
    [{ "if-unmodified-since": BEFORE }, "If-Unmodified-Since"],
    [{ "if-unmodified-since": SAME }, undefined],
    [{ "if-unmodified-since": AFTER }, undefined],
  ];
  for (const [pairs, failed] of table) {
    assertEquals(findFailedCondition(headers(pairs), current), failed, JSON.stringify(pairs));
  }
});

Deno.test("what isn't a date is ignored, the three forms of HTTP are dates", () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ["Sunday, 01-Mar-26 12:00:01 GMT", "If-Modified-Since"],
    ["Sun Mar  1 12:00:01 2026", "If-Modified-Since"],
    ["2026-03-01T12:00:01Z", "If-Modified-Since"],
    ["9999999999999", undefined],
    ["tomorrow", undefined],
    ["2027", undefined],
    ["Sun, 01 Mar 2027", undefined],
    ["Sun, 99 Mar 2027 12:00:01 GMT", undefined],
    ["", undefined],
  ];
  for (const [date, failed] of table) {
    const conditions = headers({ "if-modified-since": date });
    assertEquals(findFailedCondition(conditions, current), failed, date);
  }
});

Deno.test("read conditions together follow RFC 9110", () => {
  const table: readonly (readonly [Pairs, string | undefined])[] = [
    // The tag decides, the date beside it doesn't count.
    [{ "if-match": '"abc"', "if-unmodified-since": BEFORE }, undefined],
    [{ "if-none-match": '"x"', "if-modified-since": AFTER }, undefined],
    [{ "if-none-match": '"abc"', "if-modified-since": BEFORE }, "If-None-Match"],
    // 412 comes before 304.
    [{ "if-match": '"x"', "if-none-match": '"abc"' }, "If-Match"],
    [{ "if-unmodified-since": BEFORE, "if-none-match": '"abc"' }, "If-Unmodified-Since"],
    [{ "if-match": '"abc"', "if-none-match": '"abc"' }, "If-None-Match"],
    [{ "if-match": '"abc"', "if-modified-since": SAME }, "If-Modified-Since"],
  ];
  for (const [pairs, failed] of table) {
    assertEquals(findFailedCondition(headers(pairs), current), failed, JSON.stringify(pairs));
  }
});

Deno.test("copy conditions are the same under their own names, and always 412", () => {
  const prefix = "x-amz-copy-source-";
  const held: readonly Pairs[] = [
    { [`${prefix}if-match`]: '"abc"' },
    { [`${prefix}if-match`]: '"abc"', [`${prefix}if-unmodified-since`]: BEFORE },
    { [`${prefix}if-none-match`]: '"x"' },
    { "if-match": '"x"' },
  ];
  for (const pairs of held) checkCopySourceConditions(headers(pairs), current);
  const failed: readonly Pairs[] = [
    { [`${prefix}if-match`]: '"x"' },
    { [`${prefix}if-none-match`]: '"abc"' },
    { [`${prefix}if-modified-since`]: SAME },
    { [`${prefix}if-unmodified-since`]: BEFORE },
  ];
  for (const pairs of failed) {
    const check = () => checkCopySourceConditions(headers(pairs), current);
    const error = assertThrows(check, S3Error);
    assertEquals(error.code, "PreconditionFailed");
    assertEquals(error.details.Condition?.toLowerCase(), Object.keys(pairs)[0]);
  }
});

Deno.test("If-Range needs the strong tag or the exact time", () => {
  const table: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, true],
    ['"abc"', true],
    ["abc", true],
    [SAME, true],
    ['W/"abc"', false],
    ['"x"', false],
    ["*", false],
    [BEFORE, false],
    [AFTER, false],
    ["nonsense", false],
  ];
  for (const [value, expected] of table) {
    assertEquals(isRangeFresh(value, current), expected, value);
  }
});

Deno.test("write conditions", () => {
  const table: readonly (readonly [Pairs, unknown])[] = [
    [{}, undefined],
    [{ "if-none-match": "*" }, { ifAbsent: true }],
    [{ "if-none-match": '"*"' }, { ifAbsent: true }],
    [{ "if-match": '"abc"' }, { ifMatch: "abc" }],
    [{ "if-match": "abc" }, { ifMatch: "abc" }],
    [{ "if-match": "*" }, { ifMatch: "*" }],
    // Kept as it is, so that it matches no ETag.
    [{ "if-match": 'W/"abc"' }, { ifMatch: 'W/"abc"' }],
  ];
  for (const [pairs, expected] of table) assertEquals(findWriteCondition(headers(pairs)), expected);
});

Deno.test("write conditions that S3 hasn't are refused, never ignored", () => {
  const table: readonly (readonly [Pairs, string])[] = [
    [{ "if-none-match": '"abc"' }, "If-None-Match"],
    [{ "if-none-match": "*", "if-match": '"abc"' }, "If-None-Match"],
    [{ "if-match": '"a","b"' }, "If-Match"],
    [{ "if-modified-since": SAME }, "If-Modified-Since"],
    [{ "if-unmodified-since": "nonsense" }, "If-Unmodified-Since"],
  ];
  for (const [pairs, header] of table) {
    const error = assertThrows(() => findWriteCondition(headers(pairs)), S3Error);
    assertEquals([error.code, error.details.Header], ["NotImplemented", header]);
  }
});

Deno.test("delete conditions, by header and by text", () => {
  assertEquals(findDeleteCondition(headers({})), undefined);
  const pairs = {
    "if-match": '"abc"',
    "x-amz-if-match-size": "3",
    "x-amz-if-match-last-modified-time": SAME,
  };
  const expected = { ifMatch: "abc", ifMatchSize: 3, ifMatchModifiedMs: Date.parse(SAME) };
  assertEquals(findDeleteCondition(headers(pairs)), expected);
  const texts = { etag: "abc", size: "3", modified: "2026-03-01T12:00:00.000Z" };
  assertEquals(deleteCondition(texts), expected);
});

Deno.test("bad delete conditions are refused", () => {
  const table: readonly (readonly [Pairs, string])[] = [
    [{ "x-amz-if-match-size": "-1" }, "InvalidArgument"],
    [{ "x-amz-if-match-size": "many" }, "InvalidArgument"],
    [{ "x-amz-if-match-last-modified-time": "yesterday" }, "InvalidArgument"],
    [{ "if-none-match": "*" }, "NotImplemented"],
  ];
  for (const [pairs, code] of table) {
    assertEquals(assertThrows(() => findDeleteCondition(headers(pairs)), S3Error).code, code);
  }
});

Deno.test("an ETag's quotes come off in pairs", () => {
  const table = [['"a"', "a"], [' "a" ', "a"], ["a", "a"], ['"a', '"a'], ['"', '"'], ['""', ""]];
  for (const [etag = "", expected] of table) assertEquals(unquote(etag), expected);
});
