/** BLAKE3 against another implementation, at all the lengths where its tree changes. */

import { assertEquals, assertThrows } from "@std/assert";
import { createBLAKE3 } from "hash-wasm";
import { blake3Hex } from "../../src/blake3.ts";
import { patternBytes } from "../support/bytes.ts";

const reference = await createBLAKE3();
const KiB = 1024;

Deno.test("blake3: the hash of the paper's empty message", () => {
  assertEquals(blake3Hex(""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
});

Deno.test("blake3: any length is hashed as by others", () => {
  const bytes = patternBytes(4096 * KiB);
  const around = (size: number) => [size - 1, size, size + 1];
  const lengths = [
    ...Array.from({ length: 140 }, (_, length) => length),
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 1000].flatMap((chunks) =>
      around(chunks * KiB)
    ),
    ...[1024, 2048, 3000, 4095].flatMap((chunks) => around(chunks * KiB)),
    4096 * KiB,
  ];
  for (const length of lengths) {
    const message = bytes.subarray(bytes.length - length);
    assertEquals(blake3Hex(message), reference.init().update(message).digest("hex"), `${length}`);
  }
});

Deno.test("blake3: a text is its UTF-8 bytes, and too much is refused", () => {
  for (const text of ["a", "é\0€😀", "x".repeat(3000)]) {
    assertEquals(blake3Hex(text), reference.init().update(text).digest("hex"));
  }
  assertThrows(() => blake3Hex(new Uint8Array(8 * KiB * KiB + 1)), RangeError);
});
