/** Many who wait, by few timers of the system's. */

import { assert, assertEquals } from "@std/assert";
import { systemTimers } from "../../src/timers.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("each is called once, when it is due, in the order of asking", async () => {
  const startMs = performance.now();
  const called: string[] = [];
  const note = (name: string, dueMs: number) => () => {
    called.push(name);
    assert(performance.now() - startMs >= dueMs - 1, name);
  };
  systemTimers.after(20, note("a", 20));
  systemTimers.after(20, () => systemTimers.after(20, note("c", 40)));
  await pause(10);
  systemTimers.after(20, note("b", 30));
  await pause(80);
  assertEquals(called, ["a", "b", "c"]);
});

Deno.test("whoever was cancelled isn't called, not even by one called before it", async () => {
  const called: string[] = [];
  const cancels = Array.from(
    { length: 3000 },
    (_, at) => systemTimers.after(10, () => called.push(String(at))),
  );
  for (const [at, cancel] of cancels.entries()) if (at !== 2999) cancel();
  let cancelNext = () => {};
  systemTimers.after(10, () => cancelNext());
  cancelNext = systemTimers.after(10, () => called.push("next"));
  await pause(40);
  for (const cancel of cancels) cancel();
  assertEquals(called, ["2999"]);
});
