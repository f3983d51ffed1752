/** Beside node:crypto, over the lengths at which padding changes and over random texts. */

import { createHash, createHmac } from "node:crypto";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { hmacSha256Hex, openHmacKey, sha256Hex } from "../../src/hashing/short_sha256.ts";

const expectedHash = (text: string) => createHash("sha256").update(text, "latin1").digest("hex");
const expectedHmac = (key: Uint8Array, text: string) =>
  createHmac("sha256", key).update(text, "latin1").digest("hex");

function textOf(length: number): string {
  return Array.from({ length }, (_, at) => String.fromCharCode((at * 7 + length) % 256)).join("");
}

Deno.test("short SHA-256: every length around a block's end, and those left to node:crypto", () => {
  const lengths = [...Array(200).keys(), 1000, 16_383, 16_384, 16_385, 100_000];
  for (const length of lengths) {
    const text = textOf(length);
    assertEquals(sha256Hex(text), expectedHash(text), `length ${length}`);
    const key = new Uint8Array(length % 65).fill(length);
    assertEquals(hmacSha256Hex(openHmacKey(key), text), expectedHmac(key, text));
  }
});

Deno.test("short SHA-256: keys are told apart, in any order of use", () => {
  const keys = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const opened = keys.map(openHmacKey);
  for (let round = 0; round < 10; round++) {
    for (const [at, key] of keys.entries()) {
      const one = opened[(at + round) % 3];
      const same = keys[(at + round) % 3];
      if (one === undefined || same === undefined) throw new Error(`no key ${key}`);
      assertEquals(hmacSha256Hex(one, `text ${round}`), expectedHmac(same, `text ${round}`));
    }
  }
});

Deno.test("short SHA-256: random texts", () => {
  const units = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 600 });
  fc.assert(fc.property(units, fc.uint8Array({ maxLength: 64 }), (codes, key) => {
    const text = String.fromCharCode(...codes);
    assertEquals(sha256Hex(text), expectedHash(text));
    assertEquals(hmacSha256Hex(openHmacKey(key), text), expectedHmac(key, text));
  }));
});
