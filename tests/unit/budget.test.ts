/** Shares: never more than there is, in the order of asking, and given back whatever happens. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Budget } from "../../src/budget.ts";

const forever = new AbortController().signal;

Deno.test("who asks for more than is left waits for it, in line", async () => {
  const budget = new Budget(10, 10);
  const order: string[] = [];
  const first = await budget.take(8, forever);
  const take = async (name: string, amount: number) => {
    const taken = await budget.take(amount, forever);
    order.push(name);
    return taken;
  };
  const large = take("large", 5);
  const small = take("small", 1); // there is room for it, but it came later
  assertEquals(order, []);
  first[Symbol.dispose]();
  for (const taken of [await large, await small]) taken[Symbol.dispose]();
  assertEquals(order, ["large", "small"]);
  assert(budget.isIdle);
});

Deno.test("who gives up waiting holds up nobody", async () => {
  const budget = new Budget(10, 10);
  const first = await budget.take(6, forever);
  const impatient = new AbortController();
  const large = budget.take(5, impatient.signal);
  const small = budget.take(4, forever);
  impatient.abort(new Error("late"));
  await assertRejects(() => large, Error, "late");
  for (const taken of [first, await small]) taken[Symbol.dispose]();
  await assertRejects(() => budget.take(1, impatient.signal), Error, "late");
  assert(budget.isIdle);
  (await budget.take(10, forever))[Symbol.dispose]();
});

Deno.test("the line has an end", async () => {
  const budget = new Budget(1, 1);
  const first = await budget.take(1, forever);
  const second = budget.take(1, forever);
  await assertRejects(() => budget.take(1, forever), RangeError);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assert(budget.isIdle);
});
