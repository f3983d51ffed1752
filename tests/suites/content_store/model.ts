/** Random records in random order, against a model that is a map. */

import { assert, assertEquals } from "@std/assert";
import type { ContentStore, NameBound } from "../../../src/storage/content_store.ts";
import { compareUtf8 } from "../../../src/storage/names.ts";
import { nameToText, textToName } from "../../../src/storage/name_text.ts";
import {
  type BlockRef,
  mergeRecords,
  nameOf,
  type Record,
  type RecordName,
  stampOf,
} from "../../../src/storage/record.ts";
import { hashOfRecord } from "../../../src/storage/record_digest.ts";
import { type SeededRandom, withSeed } from "../../support/seed.ts";
import { AWKWARD_KEYS } from "./scans.ts";
import { blockRef, bytesOf, record, type Suite } from "./support.ts";

const KINDS = ["bucket", "object", "upload", "part"] as const;
const BUCKETS = ["bucket", "bucket2", "bu"] as const;
const SUBS = ["", "id", "id/00001", "id/00002"] as const;
const FIELDS = ["acl", "tags"] as const;

const STEPS = 120;
const STEPS_BETWEEN_CHECKS = 10;

export function modelTests(suite: Suite): void {
  suite.test("any changes in any order leave what a map of merged records has", async (fixture) => {
    await withSeed(import.meta.url, async (random) => {
      const model = new Model();
      for (let step = 1; step <= STEPS; step++) {
        if (random.oneIn(30)) await fixture.reopen();
        const { records } = fixture.store;
        if (random.oneIn(6)) await purge(records, model, random);
        else {
          const given = Array.from({ length: 1 + random.below(8) }, () => randomRecord(random));
          const applied = records.apply(given);
          for (const record of given) model.apply(record);
          if (random.oneIn(3)) await applied;
          else applied.catch(() => {});
        }
        if (step % STEPS_BETWEEN_CHECKS === 0) check(fixture.store.records, model, random);
      }
    });
  });
}

type Records = ContentStore["records"];

class Model {
  readonly #records = new Map<string, Record>();

  apply(given: Record): void {
    const text = nameToText(given);
    const known = this.#records.get(text);
    this.#records.set(text, known === undefined ? given : mergeRecords(known, given));
  }

  purge(name: RecordName): void {
    this.#records.delete(nameToText(name));
  }

  find(name: RecordName): Record | undefined {
    return this.#records.get(nameToText(name));
  }

  /** In the order of the names. */
  all(after?: NameBound, until?: NameBound): Record[] {
    const [low, high] = [after, until].map((bound) => bound && nameToText(bound));
    return Array.from(this.#records.entries())
      .filter(([text]) => low === undefined || compareUtf8(text, low) > 0)
      .filter(([text]) => high === undefined || compareUtf8(text, high) <= 0)
      .sort(([a], [b]) => compareUtf8(a, b))
      .map(([, record]) => record);
  }
}

/** All of one version are the same but for their patches, as in life. */
function randomRecord(random: SeededRandom): Record {
  const kind = random.pick(KINDS);
  const name = {
    kind,
    bucket: random.pick(BUCKETS),
    key: kind === "bucket" ? "" : random.pick(AWKWARD_KEYS),
    sub: kind === "bucket" || kind === "object" ? "" : random.pick(SUBS),
  };
  const n = 1 + random.below(4);
  const patched = FIELDS.filter(() => random.oneIn(4));
  return record({
    ...name,
    n,
    isDeleted: n % 3 === 0,
    patches: Object.fromEntries(patched.map((field) => [field, 10 + random.below(5)])),
    ...(n === 1 && { inline: bytesOf(nameToText(name)) }),
    ...(n > 1 && { blocks: [blockRef(n), blockRef(name.key.length), blockRef(n)] }),
  });
}

async function purge(records: Records, model: Model, random: SeededRandom): Promise<void> {
  const all = model.all();
  if (all.length === 0) return;
  const chosen = random.pick(all);
  const isStale = random.oneIn(3);
  if (!isStale) model.purge(chosen);
  const stamp = isStale ? stampOf({ ...chosen, version: "0" }) : stampOf(chosen);
  await records.purge([{ name: nameOf(chosen), stamp }]);
}

function check(records: Records, model: Model, random: SeededRandom): void {
  const all = model.all();
  for (const record of all) assertEquals(records.find(record), record);
  checkScans(records, model, random);
  checkFeed(records, all);
  checkReferences(records, all);
  for (let round = 0; round < 5; round++) {
    const bounds = [randomBound(random), randomBound(random)] as const;
    checkRange(records, model, ...bounds, random);
  }
  checkRange(records, model, undefined, undefined, random);
}

function randomBound(random: SeededRandom): NameBound {
  return random.oneIn(5) ? undefined : nameOf(randomRecord(random));
}

function checkScans(records: Records, model: Model, random: SeededRandom): void {
  for (const kind of KINDS) {
    for (const bucket of BUCKETS) {
      const key = random.pick(AWKWARD_KEYS);
      const before = random.oneIn(2) ? undefined : random.pick(AWKWARD_KEYS);
      const wanted = model.all().filter((record) =>
        record.kind === kind && record.bucket === bucket && !record.isDeleted &&
        compareUtf8(record.key, key) >= 0 &&
        (before === undefined || compareUtf8(record.key, before) < 0)
      );
      const range = { kind, bucket, from: { kind: "from", key }, before } as const;
      assertEquals(records.scan(range, 1000), wanted);
    }
  }
}

function checkFeed(records: Records, all: readonly Record[]): void {
  const changes = records.changesAfter(0, 10_000);
  const found = changes.map(({ name, stamp }) => `${nameToText(name)} ${stamp}`);
  const wanted = all.map((record) => `${nameToText(record)} ${stampOf(record)}`);
  assertEquals(found.toSorted(), wanted.toSorted());
  for (const [index, { seq }] of changes.entries()) assert(seq > (changes[index - 1]?.seq ?? 0));
  assert((changes.at(-1)?.seq ?? 0) <= records.lastSeq);
}

function checkReferences(records: Records, all: readonly Record[]): void {
  const live = all.filter(({ isDeleted }) => !isDeleted);
  const blocks = live.flatMap((record) => record.blocks);
  const distinct = new Map(blocks.map((block) => [block.hash, block]));
  const sorted = Array.from(distinct.values()).toSorted((a, b) => a.hash < b.hash ? -1 : 1);
  assertEquals(records.references("", 10_000), sorted);
  const count = (kind: Record["kind"]) => live.filter((record) => record.kind === kind).length;
  assertEquals(records.stats(), {
    live: {
      bucket: count("bucket"),
      object: count("object"),
      upload: count("upload"),
      part: count("part"),
    },
    tombstones: all.length - live.length,
    referencedBytes: sizeOf(blocks),
    distinctBytes: sizeOf(sorted),
  });
}

function sizeOf(blocks: readonly BlockRef[]): number {
  return blocks.reduce((sum, { size }) => sum + size, 0);
}

function checkRange(
  records: Records,
  model: Model,
  after: NameBound,
  until: NameBound,
  random: SeededRandom,
): void {
  const wanted = model.all(after, until);
  const names = wanted.map((record) => ({ name: nameOf(record), stamp: stampOf(record) }));
  assertEquals(records.names(after, until, 10_000), names);
  assertEquals(records.names(after, until, 3), names.slice(0, 3));
  const live = wanted.filter(({ isDeleted }) => !isDeleted);
  const hashes = live.map((record) => hashOfRecord(nameToText(record), stampOf(record)));
  const sum = hashes.reduce((total, hash) => (total + hash) % 2 ** 48, 0);
  assertEquals(records.digest(after, until), { count: live.length, sum });
  checkSplit(records, wanted, after, until, 1 + random.below(20));
}

/** The pieces are the range again, and of the same size but for one record. */
function checkSplit(
  records: Records,
  wanted: readonly Record[],
  after: NameBound,
  until: NameBound,
  parts: number,
): void {
  const cuts = records.split(after, until, parts);
  const bounds = [after, ...cuts, until];
  const pieces = bounds.slice(1).map((to, index) => records.names(bounds[index], to, 10_000));
  assertEquals(pieces.flat().map(({ name }) => name), wanted.map(nameOf));
  assertEquals(cuts.length, Math.max(0, Math.min(parts, wanted.length) - 1));
  const sizes = pieces.map((piece) => piece.length);
  assert(Math.max(...sizes) - Math.min(...sizes) <= 1, `pieces of ${sizes}`);
  for (const cut of cuts) assertEquals(textToName(nameToText(cut)), cut);
}
