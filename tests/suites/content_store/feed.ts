/** The feed of changes: each name once, at its newest place; no place is given twice. */

import { assert, assertEquals } from "@std/assert";
import { nameOf, stampOf } from "../../../src/storage/record.ts";
import { object, type Suite, version } from "./support.ts";

export function feedTests(suite: Suite): void {
  suite.test("the feed has the newest change of each name, in order", async ({ store: { records } }) => {
    const [a, b, c] = [object("a", 1), object("b", 2), object("c", 3, { isDeleted: true })];
    await records.apply([a, b, c]);
    const newer = object("a", 1, { patches: { acl: 4 } });
    await records.apply([newer]);
    const changes = records.changesAfter(0, 10);
    assertEquals(
      changes.map(({ name, stamp }) => ({ name, stamp })),
      [b, c, newer].map((record) => ({ name: nameOf(record), stamp: stampOf(record) })),
    );
    const seqs = changes.map(({ seq }) => seq);
    assertEquals(seqs, seqs.toSorted((x, y) => x - y));
    assertEquals(seqs.at(-1), records.lastSeq);
    for (const [index, seq] of seqs.entries()) {
      assertEquals(records.changesAfter(seq, 10), changes.slice(index + 1));
      assertEquals(records.changesAfter(0, index), changes.slice(0, index));
    }
  });

  suite.test("no place is given again after a purge and a restart, and the feed stays the same one", async (fixture) => {
    await fixture.store.records.apply([object("a", 1), object("b", 2, { isDeleted: true })]);
    const { feedId, lastSeq } = fixture.store.records;
    await fixture.store.records.purge(fixture.store.records.changesAfter(0, 10));
    assertEquals(fixture.store.records.changesAfter(0, 10), []);
    await fixture.reopen();
    const { records } = fixture.store;
    assert(feedId.length >= 32);
    assertEquals(records.feedId, feedId);
    assert(records.lastSeq >= lastSeq);
    const before = records.lastSeq;
    await records.apply([object("c", 3)]);
    const [change, ...more] = records.changesAfter(before, 10);
    assertEquals([change?.name.key, more], ["c", []]);
    assertEquals(change?.seq, records.lastSeq);
  });

  suite.test("tombstones are found by place and version", async ({ store: { records } }) => {
    const dead = [5, 3, 8, 1].map((n) => object(`dead ${n}`, n, { isDeleted: true }));
    await records.apply([object("live", 2), ...dead, object("live too", 4)]);
    const all = records.changesAfter(0, 10).filter(({ name }) => name.key.startsWith("dead"));
    const last = records.lastSeq;
    assertEquals(records.tombstones(0, last, version(100), 10), all);
    assertEquals(records.tombstones(0, last, version(100), 2), all.slice(0, 2));
    assertEquals(records.tombstones(0, last, version(5), 10), [all[1], all[3]]);
    assertEquals(
      records.tombstones(all[0]?.seq ?? 0, all[2]?.seq ?? 0, version(100), 10),
      all.slice(1, 3),
    );
  });
}
