/** So many records that whatever a store does to be quick about ranges of them is put to work. */

import { assert, assertEquals } from "@std/assert";
import type { ContentStore } from "../../../src/storage/content_store.ts";
import { compareUtf8 } from "../../../src/storage/names.ts";
import { nameToText } from "../../../src/storage/name_text.ts";
import { nameOf, type Record, stampOf } from "../../../src/storage/record.ts";
import { hashOfRecord } from "../../../src/storage/record_digest.ts";
import { type SeededRandom, withSeed } from "../../support/seed.ts";
import { object, type Suite } from "./support.ts";

const RECORDS = 3000;
const ALL = 1_000_000;

export function manyTests(suite: Suite): void {
  suite.test("digests and cuts of thousands of records agree with the records", async (fixture) => {
    await withSeed(import.meta.url, async (random) => {
      const given = Array.from({ length: RECORDS }, () => randomObject(random));
      for (let at = 0; at < RECORDS; at += 500) {
        await fixture.store.records.apply(given.slice(at, at + 500));
        check(fixture.store.records, random);
      }
      assertEquals(fixture.store.records.stats().tombstones > 100, true);
      await purgeAllBut(fixture.store.records, "c");
      check(fixture.store.records, random);
      await fixture.reopen();
      await fixture.store.records.apply(given.slice(0, 1000));
      check(fixture.store.records, random);
      await fixture.store.records.purge(fixture.store.records.changesAfter(0, ALL));
      assertEquals(fixture.store.records.digest(undefined, undefined), { count: 0, sum: 0 });
      assertEquals(fixture.store.records.split(undefined, undefined, 10), []);
    });
  });
}

function randomObject(random: SeededRandom): Record {
  const key = random.pick(["a", "b", "c", "d"]) + random.below(2000).toString(36);
  const n = 1 + random.below(3);
  const patches = random.oneIn(3) ? { acl: 10 + random.below(3) } : {};
  return object(key, n, { isDeleted: n === 2, patches });
}

async function purgeAllBut(records: ContentStore["records"], letter: string): Promise<void> {
  const changes = records.changesAfter(0, ALL);
  await records.purge(changes.filter(({ name }) => !name.key.startsWith(letter)));
}

/** By what the store itself says of each record, which the other tests compare with a model. */
function check(records: ContentStore["records"], random: SeededRandom): void {
  const all = records.names(undefined, undefined, ALL)
    .map(({ name }) => records.find(name)).filter((record) => record !== undefined);
  for (let round = 0; round < 20; round++) {
    const [after, until] = [randomObject(random), randomObject(random)].map(nameOf);
    const inside = all.filter((record) =>
      (after === undefined || compareUtf8(nameToText(record), nameToText(after)) > 0) &&
      (until === undefined || compareUtf8(nameToText(record), nameToText(until)) <= 0)
    );
    assertEquals(records.digest(after, until), digestOf(inside));
    const cuts = records.split(after, until, 7);
    assertEquals(cuts.length, Math.max(0, Math.min(7, inside.length) - 1));
    const ends = cuts.map((cut) => inside.findIndex(({ key }) => key === cut.key) + 1);
    const sizes = [...ends, inside.length].map((end, index) => end - (ends[index - 1] ?? 0));
    assert(Math.max(...sizes) - Math.min(...sizes) <= 1, `pieces of ${sizes}`);
  }
  assertEquals(records.digest(undefined, undefined), digestOf(all));
}

function digestOf(records: readonly Record[]): { count: number; sum: number } {
  const live = records.filter(({ isDeleted }) => !isDeleted);
  const hashes = live.map((record) => hashOfRecord(nameToText(record), stampOf(record)));
  return { count: live.length, sum: hashes.reduce((sum, hash) => (sum + hash) % 2 ** 48, 0) };
}
