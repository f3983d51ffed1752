/** Blocks are kept whole or not at all. */

import { assertEquals, assertRejects } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { LIMITS } from "../../../src/limits.ts";
import { patternBytes } from "../../support/bytes.ts";
import { bytesOf, type Suite } from "./support.ts";

export function blockTests(suite: Suite): void {
  suite.test("blocks are read as they were written, also after reopening", async (fixture) => {
    const blocks = [new Uint8Array(), bytesOf("small"), patternBytes(300_000)];
    for (const bytes of blocks) await fixture.store.blocks.write(blake3Hex(bytes), bytes);
    for (let round = 0; round < 2; round++) {
      const { store } = fixture;
      for (const bytes of blocks) {
        const hash = blake3Hex(bytes);
        assertEquals(await store.blocks.read(hash), bytes);
        assertEquals([store.blocks.has(hash), await store.blocks.verify(hash)], [true, true]);
      }
      assertEquals(store.blocks.stats(), { blocks: 3, bytes: 300_005, damaged: 0 });
      await fixture.reopen();
    }
  });

  suite.test("what isn't held is told", async ({ store: { blocks } }) => {
    const hash = blake3Hex("never");
    assertEquals(await blocks.read(hash), undefined);
    assertEquals([blocks.has(hash), await blocks.verify(hash)], [false, false]);
    await blocks.remove(hash);
    assertEquals(blocks.stats(), { blocks: 0, bytes: 0, damaged: 0 });
  });

  suite.test("bytes of another hash are refused", async ({ store: { blocks } }) => {
    await assertRejects(() => blocks.write(blake3Hex("one"), bytesOf("another")), TypeError);
    await assertRejects(() => blocks.write("../../etc/passwd", bytesOf("another")), TypeError);
    const tooLarge = new Uint8Array(LIMITS.blockBytesMax + 1);
    await assertRejects(() => blocks.write(blake3Hex(tooLarge), tooLarge), RangeError);
    assertEquals(await blocks.read(blake3Hex("one")), undefined);
    assertEquals(blocks.list("", 10), []);
  });

  suite.test("a damaged block is dropped and counted, by reading and by verifying it", async (fixture) => {
    const [one, two] = [bytesOf("one"), bytesOf("two")];
    const { blocks } = fixture.store;
    for (const bytes of [one, two]) await blocks.write(blake3Hex(bytes), bytes);
    for (const bytes of [one, two]) fixture.damageBlock(blake3Hex(bytes));
    assertEquals(await blocks.read(blake3Hex(one)), undefined);
    assertEquals(await blocks.verify(blake3Hex(two)), false);
    assertEquals([one, two].map((bytes) => blocks.has(blake3Hex(bytes))), [false, false]);
    assertEquals(blocks.stats(), { blocks: 0, bytes: 0, damaged: 2 });
    assertEquals(await blocks.read(blake3Hex(one)), undefined);
    assertEquals(blocks.stats().damaged, 2);
  });

  suite.test("a lost block is noticed when it is read", async (fixture) => {
    const bytes = bytesOf("lost");
    const { blocks } = fixture.store;
    await blocks.write(blake3Hex(bytes), bytes);
    fixture.loseBlock(blake3Hex(bytes));
    assertEquals(await blocks.read(blake3Hex(bytes)), undefined);
    assertEquals(blocks.has(blake3Hex(bytes)), false);
    assertEquals(blocks.stats(), { blocks: 0, bytes: 0, damaged: 0 });
  });

  suite.test("writing a block that is held damaged, or not any more, makes it whole", async (fixture) => {
    const bytes = bytesOf("bytes");
    const hash = blake3Hex(bytes);
    const { blocks } = fixture.store;
    await blocks.write(hash, bytes);
    fixture.damageBlock(hash);
    await blocks.write(hash, bytes);
    assertEquals(await blocks.read(hash), bytes);
    fixture.loseBlock(hash);
    await blocks.write(hash, bytes);
    assertEquals(await blocks.read(hash), bytes);
    await blocks.write(hash, bytes);
    assertEquals(blocks.stats(), { blocks: 1, bytes: bytes.length, damaged: 1 });
  });

  suite.test("writes of one block at once are one", async (fixture) => {
    const bytes = patternBytes(100_000);
    const hash = blake3Hex(bytes);
    const { blocks } = fixture.store;
    await Promise.all(Array.from({ length: 8 }, () => blocks.write(hash, bytes)));
    assertEquals(await blocks.read(hash), bytes);
    assertEquals(blocks.stats(), { blocks: 1, bytes: bytes.length, damaged: 0 });
  });

  suite.test("writes, reads and removals of one block at once leave it there or not", async (fixture) => {
    const bytes = patternBytes(50_000);
    const hash = blake3Hex(bytes);
    const { blocks } = fixture.store;
    const work: Promise<unknown>[] = [];
    for (let n = 0; n < 30; n++) {
      work.push(
        [() => blocks.write(hash, bytes), () => blocks.read(hash), () => blocks.remove(hash)]
          [n % 3]?.() ?? Promise.resolve(),
      );
      if (n % 5 === 0) await work[n];
    }
    await Promise.all(work);
    const held = await blocks.read(hash);
    assertEquals(held !== undefined, blocks.has(hash));
    assertEquals(
      blocks.stats(),
      held === undefined
        ? { blocks: 0, bytes: 0, damaged: 0 }
        : { blocks: 1, bytes: bytes.length, damaged: 0 },
    );
    await blocks.write(hash, bytes);
    assertEquals(await blocks.read(hash), bytes);
  });

  suite.test("a removed block is gone", async (fixture) => {
    const bytes = bytesOf("bytes");
    const hash = blake3Hex(bytes);
    await fixture.store.blocks.write(hash, bytes);
    await fixture.store.blocks.remove(hash);
    assertEquals(fixture.store.blocks.has(hash), false);
    await fixture.reopen();
    assertEquals(await fixture.store.blocks.read(hash), undefined);
    assertEquals(fixture.store.blocks.list("", 10), []);
  });

  suite.test("blocks are listed in order", async (fixture) => {
    const all = Array.from({ length: 40 }, (_, n) => bytesOf(`block ${n}`));
    await Promise.all(all.map((bytes) => fixture.store.blocks.write(blake3Hex(bytes), bytes)));
    const hashes = all.map(blake3Hex).toSorted();
    await fixture.reopen();
    const { blocks } = fixture.store;
    assertEquals(blocks.list("", 100), hashes);
    assertEquals(blocks.list("", 7), hashes.slice(0, 7));
    for (const [index, hash] of hashes.entries()) {
      assertEquals(blocks.list(hash, 3), hashes.slice(index + 1, index + 4));
    }
  });
}
