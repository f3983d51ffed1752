import { assertEquals } from "@std/assert";
import { drain, Gate } from "../../../src/cli/drain.ts";

const REQUEST = new Request("http://127.0.0.1/b/k");
const fakeServer = (events: string[]) => ({
  shutdown: () => {
    events.push("shutdown");
    return Promise.resolve();
  },
});

Deno.test("a drain waits for handlers, then shuts the server down", async () => {
  const events: string[] = [];
  const work = Promise.withResolvers<Response>();
  const gate = new Gate(() => work.promise);
  const response = gate.handle(REQUEST).then(() => events.push("handled"));
  const drained = drain(fakeServer(events), gate, 60_000);
  await Promise.resolve();
  assertEquals(events, []);
  work.resolve(new Response());
  assertEquals(await drained, true);
  await response;
  assertEquals(events.toSorted(), ["handled", "shutdown"]);
});

Deno.test("a handler that throws counts as done", async () => {
  const gate = new Gate(() => Promise.reject(new Error("x")));
  await gate.handle(REQUEST).catch(() => {});
  assertEquals(await drain(fakeServer([]), gate, 60_000), true);
});

Deno.test("a drain takes a bounded time", async () => {
  const gate = new Gate(() => new Promise(() => {}));
  gate.handle(REQUEST);
  const events: string[] = [];
  assertEquals(await drain(fakeServer(events), gate, 1), false);
  assertEquals(events, []);
});

Deno.test("new requests are turned away while draining, and told to come back elsewhere", async () => {
  const gate = new Gate(() => Promise.resolve(new Response()));
  await drain(fakeServer([]), gate, 1000);
  const response = await gate.handle(REQUEST);
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("connection"), "close");
  assertEquals((await response.text()).includes("<Code>ServiceUnavailable</Code>"), true);
});
