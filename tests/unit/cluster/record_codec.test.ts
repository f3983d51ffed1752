/** Records as messages: what is sent arrives, and what isn't a record is the sender's fault. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import * as codec from "../../../src/cluster/record_codec.ts";
import { LIMITS } from "../../../src/limits.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import { isKey } from "../../../src/storage/names.ts";
import {
  bucketName,
  type Json,
  objectName,
  partName,
  type Record,
  type RecordName,
  uploadName,
} from "../../../src/storage/record.ts";
import { object, record, version } from "./bench.ts";

const KEY = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 40 }),
  fc.constantFrom("\0", "\x01\x02", "__proto__", "a/\u{10ffff}", "\ufffd", " ", "é".repeat(512)),
).filter(isKey);

const NAME: fc.Arbitrary<RecordName> = fc.oneof(
  fc.constant(bucketName("bucket")),
  KEY.map((key) => objectName("b", key)),
  KEY.map((key) => uploadName("bucket", key, "AZaz09_-")),
  fc.tuple(KEY, fc.integer({ min: 1, max: 10_000 })).map(([key, n]) =>
    partName("bucket", key, "u", n)
  ),
);

const HASH = fc.integer({ min: 0, max: 2 ** 31 }).map((n) => n.toString(16).padStart(64, "0"));

const RECORD: fc.Arbitrary<Record> = fc.record({
  name: NAME,
  number: fc.integer({ min: 0, max: 2 ** 40 }),
  isDeleted: fc.boolean(),
  value: fc.jsonValue({ maxDepth: 2 }).filter((value) => !Object.is(value, -0)),
  patch: fc.boolean(),
  blocks: fc.array(
    fc.record({ hash: HASH, size: fc.integer({ min: 1, max: LIMITS.blockBytesMax }) }),
  ),
  inline: fc.option(fc.uint8Array({ maxLength: 4095 }), { nil: undefined }),
}).map(({ name, number, isDeleted, value, patch, blocks, inline }) =>
  record(name, number, {
    isDeleted,
    data: { value: JSON.parse(JSON.stringify(value)) as Json },
    patches: patch ? { tags: { version: version(number + 1), value: { k: "v" } } } : {},
    blocks,
    inline: blocks.length > 0 || inline === undefined ? undefined : Uint8Array.from(inline),
  })
);

function wire(json: Json): Json {
  return JSON.parse(JSON.stringify(json));
}

Deno.test("codec: any record comes out as it went in", () => {
  fc.assert(fc.property(RECORD, (given) => {
    assertEquals(codec.decodeRecord(wire(codec.encodeRecord(given))), given);
    assertEquals(codec.decodeName(wire(codec.encodeName(given))), {
      kind: given.kind,
      bucket: given.bucket,
      key: given.key,
      sub: given.sub,
    });
  }));
});

Deno.test("codec: names that nothing has are refused", () => {
  const bad: Json[] = [
    null,
    "object",
    {},
    [],
    ["object"],
    ["thing", "bucket", "key"],
    ["object", "bucket", ""],
    ["object", "bucket", 5],
    ["object", "bucket", "a/../b"],
    ["object", "bucket", "\ud800"],
    ["object", "bucket", "k".repeat(1025)],
    ["object", "../etc", "key"],
    ["object", "", "key"],
    ["bucket", "bucket", "key"],
    // A name for each thing, and one only: a second record of an object would be listed beside the first.
    ["bucket", "bucket", "", "sub"],
    ["object", "bucket", "key", "sub"],
    ["upload", "bucket", "key"],
    ["upload", "bucket", "key", "a/b"],
    ["upload", "bucket", "key", "\0"],
    ["upload", "bucket", "key", "u".repeat(65)],
    ["part", "bucket", "key", "u"],
    ["part", "bucket", "key", "u/1"],
    ["part", "bucket", "key", "u/00000"],
    ["part", "bucket", "key", "u/10001"],
    ["part", "bucket", "key", "u/00001/"],
  ];
  for (const json of bad) {
    assertThrows(() => codec.decodeName(json), PeerFault, undefined, JSON.stringify(json));
  }
});

Deno.test("codec: each field of a record must be what it should", () => {
  const hash = "a".repeat(64);
  const good = { n: ["object", "bucket", "key"], v: version(1), d: {} };
  codec.decodeRecord(good);
  const bad: { [field: string]: Json }[] = [
    { n: null },
    { v: 5 },
    { v: version(1).slice(1) },
    { v: "G" + version(1).slice(1) },
    { d: [] },
    { d: "x" },
    { x: 1 },
    { p: [] },
    { p: { tags: [] } },
    { p: { tags: [version(1)] } },
    { p: { TAGS: [version(1), 1] } },
    { p: { tags: ["x", 1] } },
    { b: hash },
    { b: hash, z: [] },
    { b: hash, z: [0] },
    { b: hash, z: [-1] },
    { b: hash, z: [LIMITS.blockBytesMax + 1] },
    { b: hash.toUpperCase(), z: [1] },
    { b: hash + hash, z: [1] },
    { b: 5, z: [1] },
    { i: 5 },
    { i: "a".repeat(2 * LIMITS.recordInlineBytesMax + 1) },
  ];
  for (const change of bad) {
    const json = { ...good, ...change };
    assertThrows(() => codec.decodeRecord(json), PeerFault, undefined, JSON.stringify(change));
  }
});

Deno.test("codec: any JSON at all is a record or a fault", () => {
  fc.assert(fc.property(fc.jsonValue(), (json) => {
    for (const decode of [codec.decodeRecord, codec.decodeName, codec.decodeHash]) {
      try {
        decode(json as Json);
      } catch (error) {
        assert(error instanceof PeerFault, String(error));
      }
    }
  }));
});

Deno.test("codec: lists have bounds", () => {
  const name = ["object", "bucket", "key"];
  assertEquals(codec.decodeNames([name, name], 2).length, 2);
  assertThrows(() => codec.decodeNames([name, name, name], 2), PeerFault);
  assertThrows(() => codec.decodeRecords({}, 2), PeerFault);
  assertThrows(() => codec.decodeHashes(["x"], 2), PeerFault);
  assertThrows(() => codec.decodeChanges([[name, "x", 1]], 2), PeerFault);
});

Deno.test("codec: batches hold all records in order, and no more than fits", () => {
  const blocks = Array.from({ length: 9000 }, () => ({ hash: "a".repeat(64), size: 1 }));
  const given = Array.from(
    { length: 1203 },
    (_, i) => object(`k${i}`, 1, i % 100 === 0 ? { blocks } : {}),
  );
  const batches = codec.batchRecords(given);
  assertEquals(batches.flat(), given);
  for (const batch of batches) {
    assert(batch.length <= LIMITS.recordBatchMax);
    const bytes = JSON.stringify(batch.map(codec.encodeRecord)).length;
    assert(batch.length === 1 || bytes <= LIMITS.recordBatchBytes, `${bytes} bytes`);
  }
});
