import { assertEquals } from "@std/assert";
import { Allowance } from "../../src/storage/allowance.ts";

Deno.test("an allowance is used up, and grows back up to its limit", () => {
  const allowance = new Allowance(2, 10);
  const take = (nowMs: number) => allowance.take(nowMs);
  assertEquals([0, 0, 0].map(take), [true, true, false]);
  assertEquals([99, 100, 100].map(take), [false, true, false]);
  assertEquals([60_000, 60_000, 60_000].map(take), [true, true, false]);
});
