import { assertEquals, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { checkCondition } from "../../src/storage/condition.ts";
import type { WriteCondition } from "../../src/storage/object_store.ts";

const current = { etag: "abc", size: 3, modifiedMs: 1999 };

Deno.test("conditions that hold", () => {
  const table: readonly (readonly [typeof current | undefined, WriteCondition | undefined])[] = [
    [undefined, undefined],
    [current, undefined],
    [current, {}],
    [undefined, { ifAbsent: true }],
    [current, { ifMatch: "abc" }],
    [current, { ifMatch: "*" }],
    [current, { ifMatchSize: 3 }],
    [current, { ifMatchModifiedMs: 1000 }],
    [current, { ifMatch: "abc", ifMatchSize: 3, ifMatchModifiedMs: 1999 }],
  ];
  for (const [object, condition] of table) checkCondition(object, condition);
});

Deno.test("conditions that don't, and what they throw", () => {
  const table: readonly (readonly [typeof current | undefined, WriteCondition, string])[] = [
    [current, { ifAbsent: true }, "PreconditionFailed"],
    [current, { ifMatch: "abd" }, "PreconditionFailed"],
    [current, { ifMatch: "ABC" }, "PreconditionFailed"],
    [current, { ifMatchSize: 2 }, "PreconditionFailed"],
    [current, { ifMatchModifiedMs: 2000 }, "PreconditionFailed"],
    [current, { ifMatch: "*", ifMatchSize: 4 }, "PreconditionFailed"],
    [current, { ifAbsent: true, ifMatch: "*" }, "PreconditionFailed"],
    [undefined, { ifMatch: "abc" }, "NoSuchKey"],
    [undefined, { ifMatch: "*" }, "NoSuchKey"],
    [undefined, { ifMatchSize: 0 }, "NoSuchKey"],
    [undefined, { ifMatchModifiedMs: 0 }, "NoSuchKey"],
  ];
  for (const [object, condition, code] of table) {
    const thrown = assertThrows(() => checkCondition(object, condition), S3Error);
    assertEquals(thrown.code, code, JSON.stringify(condition));
  }
});
