import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  bucketIndex,
  commonPrefixBits,
  compareDistance,
  isId,
  keyOfHash,
  nearest,
  randomIdSharing,
} from "../../../src/dht/distance.ts";
import { SeededRandom } from "../../support/seed.ts";
import { anyId, distanceOf, idOf, sortedByDistance } from "./support.ts";

Deno.test("distances compare as the XOR of whole ids does", () => {
  fc.assert(fc.property(anyId, anyId, anyId, (target, a, b) => {
    const difference = distanceOf(target, a) - distanceOf(target, b);
    const expected = difference < 0n ? -1 : difference > 0n ? 1 : 0;
    assertEquals(Math.sign(compareDistance(target, a, b)), expected);
  }));
});

Deno.test("distances that a double can't tell apart are told apart", () => {
  const a = "f".repeat(39) + "0";
  const b = "f".repeat(39) + "1";
  assertEquals(Number(distanceOf(idOf(""), a)), Number(distanceOf(idOf(""), b)));
  assert(compareDistance(idOf(""), a, b) < 0);
  assert(compareDistance("0".repeat(39) + "1", a, b) > 0);
});

Deno.test("the bucket's number is the place of the highest bit that differs", () => {
  fc.assert(fc.property(anyId, anyId, (a, b) => {
    const distance = distanceOf(a, b);
    assertEquals(bucketIndex(a, b), distance === 0n ? -1 : distance.toString(2).length - 1);
    assertEquals(commonPrefixBits(a, b), 159 - bucketIndex(a, b));
  }));
});

Deno.test("the nearest are those that sorting by distance puts first", () => {
  const contacts = fc.uniqueArray(anyId, { maxLength: 60 })
    .map((ids) => ids.map((id) => ({ id })));
  fc.assert(fc.property(anyId, contacts, fc.nat(25), (target, all, limit) => {
    assertEquals(nearest(target, all, limit), sortedByDistance(target, all).slice(0, limit));
  }));
});

Deno.test("a random id shares as many bits as it should and no more", () => {
  fc.assert(fc.property(anyId, fc.nat(160), fc.nat(), (id, bits, seed) => {
    const drawn = randomIdSharing(id, bits, new SeededRandom(seed));
    assert(isId(drawn));
    assertEquals(commonPrefixBits(id, drawn), bits);
  }));
});

Deno.test("random ids spread over all bits that aren't shared", () => {
  const random = new SeededRandom(1);
  const drawn = Array.from(
    { length: 200 },
    () => BigInt(`0x${randomIdSharing(idOf(""), 5, random)}`),
  );
  assertEquals(drawn.reduce((any, id) => any | id), (1n << 155n) - 1n);
  assertEquals(drawn.reduce((all, id) => all & id), 1n << 154n);
});

Deno.test("ids have one form", () => {
  const texts = [
    "",
    "0".repeat(39),
    "0".repeat(41),
    "A".repeat(40),
    "g".repeat(40),
    `${idOf("")}\n`,
  ];
  assertEquals([...texts, 5, null, undefined, [idOf("1")]].filter(isId), []);
  assert(isId("0123456789abcdef0123456789abcdef01234567"));
});

Deno.test("content has its place at the first 160 bits of its hash", () => {
  assertEquals(keyOfHash("1234567890abcdef".repeat(4)), "1234567890abcdef1234567890abcdef12345678");
});
