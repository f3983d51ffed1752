import { assertEquals } from "@std/assert";
import { sleep, within } from "../../../src/timers.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";

const MINUTE_MS = 60_000;

Deno.test("clocks differ while time goes on alike", async () => {
  const loop = new EventLoop();
  const right = new VirtualTimers(loop, { startMs: 1_000_000 });
  const ahead = new VirtualTimers(loop, { startMs: 1_000_000, offsetMs: 3 * MINUTE_MS });
  await loop.run(500.5);
  assertEquals(right.now(), 1_000_500);
  assertEquals(ahead.now() - right.now(), 3 * MINUTE_MS);
  assertEquals(ahead.elapsed(), right.elapsed());
});

Deno.test("a step of the clock moves neither elapsed time nor timers", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop, { startMs: 0 });
  let firedAt = -1;
  timers.after(100, () => firedAt = loop.nowMs);
  timers.step(-MINUTE_MS);
  await loop.run(200);
  assertEquals([firedAt, timers.elapsed(), timers.now()], [100, 200, 200 - MINUTE_MS]);
});

Deno.test("a fast clock's timers fire early, by what it takes for the time", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop, { rate: 1.25 });
  let elapsed = -1;
  timers.after(1000, () => elapsed = timers.elapsed());
  await loop.run(800);
  assertEquals(elapsed, 1000);
});

Deno.test("what reaches a stopped program waits, and comes late in its order", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  const seen: string[] = [];
  const note = (what: string) => () => void seen.push(`${what} at ${loop.nowMs}`);
  timers.after(10, note("timer"));
  const cancel = timers.after(11, note("cancelled timer"));
  loop.after(5, () => timers.stop());
  loop.after(7, () => timers.deliver(note("message")));
  await loop.run(20);
  assertEquals(seen, []);
  timers.continue();
  cancel();
  await loop.run(30);
  assertEquals(seen, ["message at 20", "timer at 20"]);
});

Deno.test("nothing reaches a killed program, nor what waited for it", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  let reached = 0;
  timers.after(10, () => reached++);
  timers.stop();
  timers.deliver(() => reached++);
  timers.kill();
  timers.continue();
  timers.deliver(() => reached++);
  await loop.run(20);
  assertEquals([reached, timers.isKilled], [0, true]);
});

Deno.test("an overloaded machine does everything late", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  const seen: number[] = [];
  timers.setLag(300);
  timers.after(10, () => seen.push(loop.nowMs));
  timers.deliver(() => seen.push(loop.nowMs));
  await loop.run(1000);
  assertEquals(seen, [300, 310]);
});

Deno.test("sleep and within of src/timers.ts run in virtual time", async () => {
  const loop = new EventLoop();
  const timers = new VirtualTimers(loop);
  await loop.drive(sleep(timers, 5000));
  assertEquals(loop.nowMs, 5000);
  const late = within(timers, 70, new Promise<string>(() => {}), () => new Error("late"));
  assertEquals(await loop.drive(late.catch((error) => error.message)), "late");
  assertEquals(loop.nowMs, 5070);
});
