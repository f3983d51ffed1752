import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { EventLoop, StuckError } from "../../sim/event_loop.ts";
import { SeededRandom, withSeed } from "../../support/seed.ts";

Deno.test("events happen by time, those of one time in the order in which they were asked for", async () => {
  await withSeed(import.meta.url, async (random) => {
    const loop = new EventLoop();
    const seen: [atMs: number, index: number][] = [];
    const asked: [atMs: number, index: number][] = [];
    for (let index = 0; index < 2000; index++) {
      const atMs = random.below(50);
      asked.push([atMs, index]);
      loop.after(atMs, () => seen.push([loop.nowMs, index]));
    }
    await loop.run(50);
    assertEquals(seen, asked.toSorted(([a, i], [b, j]) => a - b || i - j));
  });
});

Deno.test("run goes up to its time and stops there", async () => {
  const loop = new EventLoop();
  const seen: number[] = [];
  for (const ms of [5, 10, 11]) loop.after(ms, () => seen.push(ms));
  await loop.run(10);
  assertEquals([seen, loop.nowMs], [[5, 10], 10]);
  await loop.run(300);
  assertEquals([seen, loop.nowMs], [[5, 10, 11], 300]);
});

Deno.test("what was cancelled doesn't happen, also at the last moment", async () => {
  const loop = new EventLoop();
  let happened = 0;
  const cancelLater = loop.after(5, () => happened++);
  loop.after(5, () => cancelLast());
  const cancelLast = loop.after(5, () => happened++);
  cancelLater();
  await loop.run(10);
  cancelLast();
  assertEquals(happened, 0);
});

Deno.test("promises go as far as they can before time passes", async () => {
  const loop = new EventLoop();
  const seen: string[] = [];
  loop.after(1, async () => {
    for (let step = 0; step < 100; step++) await Promise.resolve();
    seen.push(`long chain at ${loop.nowMs}`);
  });
  loop.after(2, () => seen.push("next event"));
  await loop.run(2);
  assertEquals(seen, ["long chain at 1", "next event"]);
});

Deno.test("drive gives the outcome of what waits for virtual time", async () => {
  const loop = new EventLoop();
  const work = async () => {
    await loop.sleep(3_600_000);
    return loop.nowMs;
  };
  assertEquals(await loop.drive(work()), 3_600_000);
  const failing = loop.sleep(1).then(() => Promise.reject(new RangeError("as it should")));
  await assertRejects(() => loop.drive(failing), RangeError, "as it should");
});

Deno.test("a simulation that can't go on says so", async (t) => {
  await t.step("nothing is left to happen", async () => {
    const error = await assertRejects(() => new EventLoop().drive(new Promise(() => {})));
    assert(error instanceof StuckError);
    assertStringIncludes(error.message, "nothing is left to happen");
  });
  await t.step("it never comes true", async () => {
    const loop = new EventLoop();
    const tick = () => void loop.after(10, tick);
    tick();
    const error = await assertRejects(() => loop.runUntil(() => false, 1000), StuckError);
    assertStringIncludes(error.message, "in 1000 ms");
    assertEquals(loop.nowMs, 1000);
  });
  await t.step("time stands still", async () => {
    const loop = new EventLoop();
    const spin = () => void Array.from({ length: 1000 }, () => loop.after(0, () => {}));
    const again = () => {
      spin();
      loop.after(0, again);
    };
    again();
    await assertRejects(() => loop.run(1), StuckError, "time stands still");
  });
  await t.step("it is driven twice", async () => {
    const loop = new EventLoop();
    await assertRejects(() => loop.drive(loop.run(1)), Error, "driven already");
  });
});

Deno.test("equal seeds give equal runs", async () => {
  const run = async () => {
    const loop = new EventLoop();
    const random = new SeededRandom(7);
    const seen: string[] = [];
    const walk = async (name: string) => {
      for (let step = 0; step < 50; step++) {
        await loop.sleep(random.below(10));
        seen.push(`${name} ${loop.nowMs}`);
      }
    };
    await loop.drive(Promise.all(["a", "b", "c"].map(walk)));
    return seen;
  };
  assertEquals(await run(), await run());
});
