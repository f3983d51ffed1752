/** Records are merged, found, kept. */

import { assertEquals } from "@std/assert";
import { bucketName, objectName, partName } from "../../../src/storage/record.ts";
import { bytesOf, object, record, type Suite, version } from "./support.ts";
import { blockRef } from "./support.ts";

export function recordTests(suite: Suite): void {
  suite.test("a record is found as it was applied, before it is durable and after reopening", async (fixture) => {
    const given = [
      object("inline", 1, { inline: bytesOf("bytes"), data: { etag: "é\0", n: [1, null] } }),
      object("empty", 2, { inline: new Uint8Array() }),
      object("none", 3),
      object("blocks", 4, { blocks: [blockRef(1), blockRef(2), blockRef(1)], patches: { acl: 9 } }),
      object("tombstone", 5, { isDeleted: true, data: { owner: "o" } }),
      record({ n: 6, ...bucketName("bucket") }),
      record({ n: 7, ...partName("bucket", "key", "upload", 3), blocks: [blockRef(3)] }),
    ];
    const { store } = fixture;
    const applied = store.records.apply(given);
    for (const record of given) assertEquals(store.records.find(record), record);
    await applied;
    await fixture.reopen();
    for (const record of given) assertEquals(fixture.store.records.find(record), record);
    assertEquals(fixture.store.records.find(objectName("bucket", "other")), undefined);
    assertEquals(fixture.store.records.find(objectName("other", "inline")), undefined);
  });

  suite.test("the highest version wins in any order", async ({ store: { records } }) => {
    const [old, dead, young] = [
      object("k", 1, { inline: bytesOf("old") }),
      object("k", 2, { isDeleted: true }),
      object("k", 3, { blocks: [blockRef(1)] }),
    ];
    await records.apply([dead]);
    await records.apply([old]);
    assertEquals(records.find(old), dead);
    await records.apply([young, dead, old]);
    assertEquals(records.find(old), young);
  });

  suite.test("patches of one version are merged by field, older ones of another are lost", async ({ store: { records } }) => {
    await records.apply([object("k", 1, { patches: { acl: 5, tags: 3 } })]);
    await records.apply([object("k", 1, { patches: { acl: 4, tags: 6, cors: 2 } })]);
    const merged = object("k", 1, { patches: { acl: 5, tags: 6, cors: 2 } });
    assertEquals(records.find(merged), merged);
    const next = object("k", 2);
    await records.apply([next]);
    await records.apply([object("k", 1, { patches: { acl: 9 } })]);
    assertEquals(records.find(next), next);
  });

  suite.test("what changes nothing gets no place in the feed", async ({ store: { records } }) => {
    const known = object("k", 2, { patches: { acl: 3 }, inline: bytesOf("bytes") });
    await records.apply([known]);
    const { lastSeq } = records;
    await records.apply([
      known,
      object("k", 1),
      object("k", 2),
      object("k", 2, { patches: { acl: 1 } }),
    ]);
    assertEquals(records.lastSeq, lastSeq);
    assertEquals(records.find(known), known);
    await records.apply([]);
  });

  suite.test("live records and tombstones turn into each other", async ({ store: { records } }) => {
    for (let n = 1; n < 6; n++) {
      const given = object("k", n, { isDeleted: n % 2 === 0, inline: bytesOf(`body ${n}`) });
      await records.apply([given]);
      assertEquals(records.find(given), given);
      assertEquals(records.hasObjects("bucket"), !given.isDeleted);
      const { live, tombstones } = records.stats();
      assertEquals([live.object, tombstones], given.isDeleted ? [0, 1] : [1, 0]);
    }
  });

  suite.test("a record is purged only while it is the one that was meant", async (fixture) => {
    const { records } = fixture.store;
    await records.apply([object("k", 1, { isDeleted: true }), object("kept", 1)]);
    const [first] = records.changesAfter(0, 1);
    if (first === undefined) throw new Error("the feed is empty");
    await records.apply([object("k", 1, { isDeleted: true, patches: { acl: 2 } })]);
    await records.purge([first]);
    assertEquals(records.find(first.name)?.version, version(1));
    const [, second] = records.changesAfter(0, 2);
    if (second === undefined) throw new Error("the change isn't in the feed");
    const purged = records.purge([second, { ...second, name: objectName("bucket", "never") }]);
    assertEquals(records.find(second.name), undefined);
    await purged;
    await fixture.reopen();
    assertEquals(fixture.store.records.find(second.name), undefined);
    assertEquals(fixture.store.records.stats().tombstones, 0);
    assertEquals(
      fixture.store.records.scan({
        kind: "object",
        bucket: "bucket",
        from: { kind: "from", key: "" },
        before: undefined,
      }, 9).length,
      1,
    );
  });

  suite.test("values are kept", async (fixture) => {
    const { records } = fixture.store;
    assertEquals(records.getValue("view"), undefined);
    const set = records.setValue("view", { a: [1, "é\0"], b: null });
    assertEquals(records.getValue("view"), { a: [1, "é\0"], b: null });
    await set;
    await records.setValue("null", null);
    await records.setValue("view", 7);
    await fixture.reopen();
    assertEquals(fixture.store.records.getValue("view"), 7);
    assertEquals(fixture.store.records.getValue("null"), null);
    assertEquals(fixture.store.records.getValue("vie"), undefined);
  });
}
