import { assertEquals } from "@std/assert";
import { drain, Gate } from "../../../src/cli/drain.ts";

const REQUEST = new Request("http://127.0.0.1/b/k");
const REMOTE: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 1234 };
const delivery = (completed: Promise<void>) => ({ completed, remoteAddr: REMOTE });
const fakeServer = (events: string[]) => ({
  shutdown: () => {
    events.push("shutdown");
    return Promise.resolve();
  },
});

Deno.test("a drain waits for responses to be sent, then shuts the server down", async () => {
  const events: string[] = [];
  const sent = Promise.withResolvers<void>();
  const gate = new Gate(() => Promise.resolve(new Response()));
  await gate.handle(REQUEST, delivery(sent.promise));
  const drained = drain(fakeServer(events), gate, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(events, []);
  sent.resolve();
  assertEquals(await drained, true);
  assertEquals(events, ["shutdown"]);
});

Deno.test("a handler is told where a request came from", async () => {
  const remotes: Deno.NetAddr[] = [];
  const gate = new Gate((_request, remote) => {
    remotes.push(remote);
    return Promise.resolve(new Response());
  });
  await gate.handle(REQUEST, delivery(Promise.resolve()));
  assertEquals(remotes, [REMOTE]);
});

Deno.test("a response that can't be sent counts as done", async () => {
  const gate = new Gate(() => Promise.resolve(new Response()));
  await gate.handle(REQUEST, delivery(Promise.reject(new Error("gone"))));
  assertEquals(await drain(fakeServer([]), gate, 60_000), true);
});

Deno.test("a drain takes a bounded time", async () => {
  const gate = new Gate(() => Promise.resolve(new Response()));
  await gate.handle(REQUEST, delivery(new Promise(() => {})));
  const events: string[] = [];
  assertEquals(await drain(fakeServer(events), gate, 1), false);
  assertEquals(events, []);
});

Deno.test("new requests are turned away while draining, and told to come back elsewhere", async () => {
  const gate = new Gate(() => Promise.resolve(new Response()));
  await drain(fakeServer([]), gate, 1000);
  const response = await gate.handle(REQUEST, delivery(Promise.resolve()));
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("connection"), "close");
  assertEquals((await response.text()).includes("<Code>ServiceUnavailable</Code>"), true);
});

Deno.test("beyond so many requests clients are told to slow down, operators and nodes aren't", async () => {
  const sent = Promise.withResolvers<void>();
  const gate = new Gate(() => Promise.resolve(new Response("here")), 2);
  const statusOf = async (path: string) => {
    const response = await gate.handle(
      new Request(`http://127.0.0.1${path}`),
      delivery(sent.promise),
    );
    return [response.status, (await response.text()).includes("<Code>SlowDown</Code>")];
  };
  assertEquals(await statusOf("/b/k"), [200, false]);
  assertEquals(await statusOf("/b/k"), [200, false]);
  assertEquals(gate.inFlight, 2);
  assertEquals(await statusOf("/b/k"), [503, true]);
  assertEquals(await statusOf("/_zs3/health"), [200, false]);
  assertEquals(await statusOf("/minio/health/live"), [200, false]);
  sent.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(await statusOf("/b/k"), [200, false]);
});
