import { assertEquals } from "@std/assert";
import { Providers } from "../../../src/dht/providers.ts";
import { contactOf, idOf, idsOf } from "./support.ts";

const TTL_MS = 1000;
const [KEY, OTHER_KEY, THIRD_KEY] = [idOf("1"), idOf("2"), idOf("3")];
const [a, b, c, d] = [
  contactOf(idOf("a")),
  contactOf(idOf("b")),
  contactOf(idOf("c")),
  contactOf(idOf("d")),
];

function openProviders(bounds = { perKeyMax: 3, recordsMax: 6 }) {
  let elapsed = 0;
  const providers = new Providers(TTL_MS, { elapsed: () => elapsed }, bounds);
  return { providers, pass: (ms: number) => void (elapsed += ms) };
}

Deno.test("providers are found until their records expire, the latest first", () => {
  const { providers, pass } = openProviders();
  providers.add(KEY, a);
  pass(400);
  providers.add(KEY, b);
  assertEquals(providers.find(KEY, ""), [b, a]);
  pass(599);
  assertEquals(providers.find(KEY, ""), [b, a]);
  pass(1);
  assertEquals(providers.find(KEY, ""), [b]);
  pass(400);
  assertEquals(providers.find(KEY, ""), []);
});

Deno.test("an announcement that is repeated counts from then on, with the new address", () => {
  const { providers, pass } = openProviders();
  providers.add(KEY, a);
  pass(900);
  const moved = { ...a, address: "moved.test:1" };
  providers.add(KEY, moved);
  pass(900);
  assertEquals(providers.find(KEY, ""), [moved]);
  assertEquals(providers.count, 1);
});

Deno.test("whoever asks isn't told of himself", () => {
  const { providers } = openProviders();
  for (const contact of [a, b]) providers.add(KEY, contact);
  assertEquals(providers.find(KEY, b.id), [a]);
});

Deno.test("of too many providers of a key the oldest goes", () => {
  const { providers } = openProviders();
  for (const contact of [a, b, c, a, d]) providers.add(KEY, contact);
  assertEquals(idsOf(providers.find(KEY, "")), idsOf([d, a, c]));
});

Deno.test("of too many records the oldest of the key announced least recently goes", () => {
  const { providers } = openProviders();
  for (const contact of [a, b, c]) providers.add(KEY, contact);
  for (const contact of [a, b]) providers.add(OTHER_KEY, contact);
  providers.add(KEY, a);
  providers.add(THIRD_KEY, a);
  providers.add(THIRD_KEY, b);
  const found = [KEY, OTHER_KEY, THIRD_KEY].map((key) => idsOf(providers.find(key, "")).length);
  assertEquals(found, [3, 1, 2]);
  assertEquals(providers.find(OTHER_KEY, ""), [b]);
  providers.add(THIRD_KEY, c);
  assertEquals([providers.keyCount, providers.count], [2, 6]);
});

Deno.test("nothing is kept of what has expired", () => {
  const { providers, pass } = openProviders({ perKeyMax: 3, recordsMax: 100 });
  for (const contact of [a, b]) providers.add(KEY, contact);
  pass(500);
  for (const contact of [a, b]) providers.add(OTHER_KEY, contact);
  pass(500);
  providers.expire();
  assertEquals([providers.keyCount, providers.count], [1, 2]);
  pass(100);
  providers.add(OTHER_KEY, a);
  pass(500);
  providers.expire();
  providers.add(OTHER_KEY, a);
  assertEquals([providers.keyCount, providers.count], [1, 1]);
  pass(TTL_MS);
  providers.expire();
  assertEquals([providers.keyCount, providers.count], [0, 0]);
});
