import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { formatToken, parseToken } from "../../src/s3/list_token.ts";
import type { ListPosition } from "../../src/storage/object_store.ts";

const POSITIONS: readonly ListPosition[] = [
  { kind: "key", key: "a" },
  { kind: "key", key: "k" },
  { kind: "key", key: "\ufeffa/é😀\0" },
  { kind: "key", key: "k".repeat(1024) },
  { kind: "prefix", prefix: "a/" },
  { kind: "prefix", prefix: "\ufeff" },
];

for (const position of POSITIONS) {
  Deno.test(`token: ${JSON.stringify(position).slice(0, 40)} is read as it was written`, () => {
    const token = formatToken(position);
    assertMatch(token, /^[A-Za-z0-9_-]+$/);
    assertEquals(parseToken(token), position);
  });
}

for (const token of ["", "!", "AAAA", "a", "_w", "a2s=x", "a".repeat(5000)]) {
  Deno.test(`token: ${token.slice(0, 20)} is refused`, () => {
    assertEquals(assertThrows(() => parseToken(token), S3Error).code, "InvalidArgument");
  });
}
