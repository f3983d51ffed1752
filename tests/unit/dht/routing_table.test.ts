import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { commonPrefixBits } from "../../../src/dht/distance.ts";
import { RoutingTable } from "../../../src/dht/routing_table.ts";
import { LIMITS } from "../../../src/limits.ts";
import { SeededRandom } from "../../support/seed.ts";
import { anyId, contactOf, idOf, idsOf, randomContact, sortedByDistance } from "./support.ts";

const SELF = idOf("");
const K = 3;

interface TestTable {
  readonly table: RoutingTable;
  /** Lets time pass. */
  readonly pass: (ms: number) => void;
}

function openTable({ self = SELF, k = K } = {}): TestTable {
  let elapsed = 0;
  const table = new RoutingTable(self, k, { elapsed: () => elapsed });
  return { table, pass: (ms) => void (elapsed += ms) };
}

/** Contacts of the half of all ids that doesn't hold the table's own. */
const far = ["8", "9", "a", "b", "c"].map((digit) => contactOf(idOf(digit)));
const [first, second, third, fourth, fifth] = far as [
  typeof far[0] & object,
  typeof far[0] & object,
  typeof far[0] & object,
  typeof far[0] & object,
  typeof far[0] & object,
];

/** A bucket with the first three, seen one second after the other, and room for no more. */
function openFullTable(): TestTable {
  const opened = openTable();
  for (const contact of [first, second, third]) {
    assertEquals(opened.table.seen(contact), undefined);
    opened.pass(1000);
  }
  opened.pass(LIMITS.dhtFreshMs);
  return opened;
}

function members(table: RoutingTable): string[] {
  return idsOf(table.closest(SELF, Infinity)).toSorted();
}

Deno.test("the closest are those of a search through all that the table holds", () => {
  const ids = fc.array(anyId, { maxLength: 200 });
  fc.assert(fc.property(anyId, ids, anyId, fc.nat(25), fc.integer({ min: 1, max: 8 }), check));
  function check(self: string, ids: readonly string[], key: string, limit: number, k: number) {
    const { table } = openTable({ self, k });
    for (const id of ids) table.seen(contactOf(id));
    const all = table.closest(self, Infinity);
    assertEquals(all.length, table.size);
    assertEquals(table.closest(key, limit), sortedByDistance(key, all).slice(0, limit));
  }
});

Deno.test("while there are no more than k nodes the table holds them all", () => {
  const { table } = openTable({ k: 20 });
  const random = new SeededRandom(1);
  const contacts = Array.from({ length: 20 }, () => randomContact(random));
  for (const contact of contacts) table.seen(contact);
  assertEquals(table.bucketCount, 1);
  assertEquals(members(table), idsOf(contacts).toSorted());
});

Deno.test("only the bucket with the own id is split, as often as needed", () => {
  const { table } = openTable();
  for (const contact of [first, second, third]) table.seen(contact);
  table.seen(fourth);
  assertEquals([table.bucketCount, table.size, table.replacements], [2, 3, 1]);
  const near = ["0f", "0e", "0d", "0c"].map((digits) => contactOf(idOf(digits)));
  for (const contact of near) table.seen(contact);
  // Four ids with a 1 as the fifth bit: buckets 0 to 4 exist, and the one for the ids nearer than these.
  assertEquals([table.bucketCount, table.size, table.replacements], [6, 6, 2]);
});

Deno.test("a node sees its own id nowhere", () => {
  const { table } = openTable();
  assertEquals(table.seen(contactOf(SELF)), undefined);
  assertEquals(table.size, 0);
});

Deno.test("a full bucket has the node seen longest ago pinged, and keeps it when it answers", () => {
  const { table } = openFullTable();
  assertEquals(table.seen(fourth), first);
  assertEquals(table.seen(fifth), undefined, "one ping at a time");
  table.seen(first);
  assertEquals(members(table), idsOf([first, second, third]));
  assertEquals(table.seen(fifth), second, "now this one was seen longest ago");
});

Deno.test("a node that doesn't answer the ping gives its place to the newest replacement", () => {
  const { table } = openFullTable();
  table.seen(fourth);
  table.seen(fifth);
  table.failed(first.id);
  assertEquals(members(table), idsOf([second, third, fifth]));
  table.failed(second.id);
  assertEquals(members(table), idsOf([third, fourth, fifth]));
  assertEquals(table.replacements, 0);
});

Deno.test("a node that was seen a moment ago isn't pinged for a newcomer", () => {
  const { table, pass } = openTable();
  for (const contact of [first, second, third]) table.seen(contact);
  pass(LIMITS.dhtFreshMs - 1);
  assertEquals(table.seen(fourth), undefined);
  pass(1);
  assertEquals(table.seen(fourth), first);
});

Deno.test("being seen again makes a node the last in line, and changes its address", () => {
  const { table } = openFullTable();
  const moved = { ...first, address: "moved.test:1" };
  table.seen(moved);
  assertEquals(table.find(first.id)?.contact, moved);
  assertEquals(table.size, 3);
  assertEquals(table.seen(fourth), second);
});

Deno.test("a failing node without replacement isn't named, but can come back", () => {
  const { table, pass } = openFullTable();
  table.failed(first.id);
  assertEquals(members(table), idsOf([second, third]));
  assertEquals(table.doubtful(Infinity), [first]);
  pass(LIMITS.dhtFailingMs - 1);
  table.failed(first.id);
  assertEquals(table.size, 3);
  table.seen(first);
  assertEquals([members(table), table.doubtful(Infinity)], [idsOf([first, second, third]), []]);
});

Deno.test("nodes that weren't seen for long are doubtful", () => {
  const { table } = openFullTable();
  assertEquals(table.doubtful(LIMITS.dhtFreshMs + 2001), [first]);
  table.seen(first);
  assertEquals(table.doubtful(LIMITS.dhtFreshMs + 1001), [second]);
});

Deno.test("a node that fails for long is dropped", () => {
  const { table, pass } = openFullTable();
  table.failed(first.id);
  pass(LIMITS.dhtFailingMs);
  table.failed(first.id);
  assertEquals([table.size, table.doubtful(Infinity)], [2, []]);
});

Deno.test("a newcomer takes the place of a failing node at once", () => {
  const { table } = openFullTable();
  table.failed(second.id);
  assertEquals(table.seen(fourth), undefined);
  assertEquals(members(table), idsOf([first, third, fourth]));
});

Deno.test("when all nodes fail none is dropped: it is this node that is cut off", () => {
  const { table, pass } = openFullTable();
  for (let round = 0; round < 3; round++) {
    for (const { id } of [first, second, third]) table.failed(id);
    pass(LIMITS.dhtFailingMs);
  }
  assertEquals([table.closest(SELF, K), table.doubtful(Infinity).length], [[], 3]);
});

Deno.test("a replacement that fails is forgotten", () => {
  const { table } = openFullTable();
  table.seen(fourth);
  table.failed(fourth.id);
  table.failed(first.id);
  assertEquals(members(table), idsOf([second, third]));
});

Deno.test("a bucket is idle until an id in its range is looked up, and random ids are in it", () => {
  const { table, pass } = openTable();
  for (const digits of ["8", "9", "a", "4", "5", "6", "2"]) table.seen(contactOf(idOf(digits)));
  assertEquals(table.bucketCount, 3);
  pass(1000);
  assertEquals(table.idleBuckets(1001), []);
  assertEquals(table.idleBuckets(1000), [0, 1, 2]);
  table.markLookup(idOf("5"));
  assertEquals(table.idleBuckets(1000), [0, 2]);
  const random = new SeededRandom(1);
  for (const bucket of [0, 1, 2]) {
    for (let time = 0; time < 50; time++) {
      assertEquals(commonPrefixBits(SELF, table.randomIdIn(bucket, random)), bucket);
    }
  }
});

Deno.test("the table is bounded, whatever ids call", () => {
  const { table } = openTable({ k: 20 });
  const random = new SeededRandom(1);
  for (let bits = 0; bits < 160; bits++) {
    for (let time = 0; time < 100; time++) table.seen(contactOf(table.randomIdIn(bits, random)));
  }
  assert(table.size <= 160 * 20, `${table.size} contacts`);
  assert(table.size > 150 * 20, "the test must try to fill it");
  assert(table.replacements <= 160 * LIMITS.dhtReplacementsMax);
});
