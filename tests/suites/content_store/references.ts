/** Which blocks live records refer to, and what they come to. */

import { assertEquals } from "@std/assert";
import { partName } from "../../../src/storage/record.ts";
import { blockRef, object, record, type Suite } from "./support.ts";

export function referenceTests(suite: Suite): void {
  suite.test("live records hold their blocks; overwritten, deleted and purged ones don't", async (fixture) => {
    const [a, b, c] = [blockRef(1), blockRef(2), blockRef(3)];
    const { records } = fixture.store;
    const referred = () => [a, b, c].map(({ hash }) => records.isReferenced(hash));
    await records.apply([
      object("k", 1, { blocks: [a, b, a] }),
      record({ n: 2, ...partName("bucket", "k", "u", 1), blocks: [a] }),
    ]);
    assertEquals(referred(), [true, true, false]);
    assertEquals(records.stats().referencedBytes, 3 * a.size + b.size);
    assertEquals(records.stats().distinctBytes, a.size + b.size);
    await records.apply([object("k", 1, { blocks: [a, b, a], patches: { acl: 9 } })]);
    assertEquals(records.stats().referencedBytes, 3 * a.size + b.size);
    await records.apply([object("k", 3, { blocks: [c, b] })]);
    assertEquals(referred(), [true, true, true]);
    await records.apply([
      record({ n: 4, ...partName("bucket", "k", "u", 1), isDeleted: true, blocks: [a] }),
    ]);
    assertEquals(referred(), [false, true, true]);
    await records.purge(records.changesAfter(0, 10));
    assertEquals(referred(), [false, false, false]);
    assertEquals(records.stats(), {
      live: { bucket: 0, object: 0, upload: 0, part: 0 },
      tombstones: 0,
      referencedBytes: 0,
      distinctBytes: 0,
    });
  });

  suite.test("references are listed in order, also after reopening", async (fixture) => {
    const refs = Array.from({ length: 20 }, (_, n) => blockRef(n));
    await fixture.store.records.apply(
      refs.map((ref, n) => object(`k${n % 7}`, 100 + n, { blocks: [ref, blockRef(500)] })),
    );
    const wanted = [...refs.slice(13), blockRef(500)].toSorted((x, y) => x.hash < y.hash ? -1 : 1);
    await fixture.reopen();
    const { records } = fixture.store;
    assertEquals(records.references("", 100), wanted);
    assertEquals(records.references("", 3), wanted.slice(0, 3));
    for (const [index, { hash }] of wanted.entries()) {
      assertEquals(records.references(hash, 100), wanted.slice(index + 1));
    }
    assertEquals(records.references("f".repeat(64), 100), []);
    assertEquals(
      records.stats().referencedBytes,
      wanted.reduce((sum, { size }) => sum + size, 6 * blockRef(500).size),
    );
  });
}
