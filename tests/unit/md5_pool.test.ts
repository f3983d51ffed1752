import { assertEquals, assertRejects } from "@std/assert";
import { type Md5Buffer, Md5Pool } from "../../src/hashing/md5_pool.ts";
import { LIMITS } from "../../src/limits.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { withSeed } from "../support/seed.ts";

const HALF = LIMITS.md5HalfBytes;

/** Sizes at which the padding needs another block, and where halves end. */
const SIZES = [0, 1, 55, 56, 63, 64, 65, 119, 120, HALF - 9, HALF - 8, HALF - 1, HALF, HALF + 1]
  .concat([2 * HALF - 1, 2 * HALF, 2 * HALF + 1, 3 * HALF + 55, 3 * HALF + 56, 5 * HALF]);

/** Puts `bytes` into the buffer in pieces of up to `pieceMax`. */
async function fill(
  buffer: Md5Buffer,
  bytes: Uint8Array,
  pieceSize: () => number,
): Promise<void> {
  let half = new Uint8Array(0) as Uint8Array;
  let filled = 0;
  for (let at = 0; at < bytes.length;) {
    if (filled === half.length) {
      half = await buffer.next();
      filled = 0;
    }
    const piece = bytes.subarray(at, at + Math.min(pieceSize(), half.length - filled));
    half.set(piece, filled);
    buffer.add(piece.length);
    filled += piece.length;
    at += piece.length;
  }
}

for (const kind of ["at once", "on the thread"] as const) {
  Deno.test(`MD5 of bodies of all kinds of sizes, ${kind}`, async () => {
    using pool = new Md5Pool();
    if (kind === "on the thread") await pool.started();
    for (const size of SIZES) {
      const bytes = patternBytes(size, size);
      using buffer = pool.open();
      await fill(buffer, bytes, () => 65_536);
      assertEquals(await buffer.digest(), md5(bytes), `of ${size} bytes`);
    }
  });
}

Deno.test("MD5 of more bodies at a time than the thread has slots, some of which break off", () =>
  withSeed(import.meta.url, async (random) => {
    using pool = new Md5Pool();
    await pool.started();
    const sendSome = async () => {
      for (let round = 0; round < 5; round++) {
        const bytes = patternBytes(random.below(4 * HALF), random.below(1000));
        const isWhole = !random.oneIn(3);
        const sent = isWhole ? bytes : bytes.subarray(0, random.below(bytes.length + 1));
        using buffer = pool.open();
        await fill(buffer, sent, () => 1 + random.below(100_000));
        if (isWhole) assertEquals(await buffer.digest(), md5(bytes));
      }
    };
    await Promise.all(Array.from({ length: LIMITS.md5Slots + 8 }, sendSome));
  }));

Deno.test("a body that waits for the thread when it ends is refused", async () => {
  const pool = new Md5Pool();
  await pool.started();
  const buffer = pool.open();
  await buffer.next();
  pool[Symbol.dispose]();
  buffer.add(HALF);
  await assertRejects(() => buffer.digest(), Error, "has ended");
});
