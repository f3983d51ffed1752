import { assert, assertEquals, assertNotStrictEquals, assertRejects } from "@std/assert";
import {
  type Contact,
  type Message,
  type MessageHandler,
  PeerError,
  type PeerErrorReason,
  PeerFault,
  type Reply,
} from "../../../src/peer/transport.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { GOOD_NETWORK, type Port, SimNetwork } from "../../sim/sim_network.ts";
import { randomFor } from "../../sim/sim_random.ts";
import { Trace } from "../../sim/trace.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";

const TIMEOUT_MS = 1000;

interface Machine {
  readonly contact: Contact;
  readonly timers: VirtualTimers;
  readonly port: Port;
  /** What its handler was given. */
  readonly received: Message[];
}

class World {
  readonly loop = new EventLoop();
  readonly trace = new Trace(() => this.loop.nowMs);
  readonly network: SimNetwork;

  constructor(seed = 1) {
    this.network = new SimNetwork(this.loop, randomFor(seed, "network"), this.trace);
  }

  machine(
    name: string,
    handler: MessageHandler = (_from, { data }) => Promise.resolve({ data }),
    secret = "",
  ): Machine {
    const contact = { id: name.repeat(40).slice(0, 40), address: `${name}:1` };
    const timers = new VirtualTimers(this.loop);
    const port = this.network.plug({ contact, timers, secret });
    const received: Message[] = [];
    port.listen((from, message) => {
      received.push(message);
      return handler(from, message);
    });
    return { contact, timers, port, received };
  }

  call(from: Machine, to: Machine, message: Partial<Message> = {}): Promise<Reply> {
    const full = { kind: "test.echo", data: {}, ...message };
    return this.loop.drive(from.port.transport.call(to.contact, full, TIMEOUT_MS));
  }

  async assertFails(
    from: Machine,
    to: Machine,
    reason: PeerErrorReason,
  ): Promise<{ readonly error: PeerError; readonly tookMs: number }> {
    const startMs = this.loop.nowMs;
    const error: PeerError = await assertRejects(() => this.call(from, to), PeerError);
    assertEquals(error.reason, reason);
    return { error, tookMs: this.loop.nowMs - startMs };
  }
}

Deno.test("a call reaches its handler with its caller's contact, and its reply comes back", async () => {
  const world = new World();
  const a = world.machine("a");
  const b = world.machine(
    "b",
    (from, message) =>
      Promise.resolve({ data: { from: from.id, got: message.data }, body: Uint8Array.of(7) }),
  );
  const reply = await world.call(a, b, { data: { n: 1 }, body: Uint8Array.of(1, 2) });
  assertEquals(reply, { data: { from: a.contact.id, got: { n: 1 } }, body: Uint8Array.of(7) });
  assertEquals(b.received[0]?.body, Uint8Array.of(1, 2));
  assertEquals(world.network.counts.get("test.echo"), {
    calls: 1,
    delivered: 1,
    answered: 1,
    bodyBytes: 3,
  });
});

Deno.test("machines share no memory", async () => {
  const world = new World();
  const kept = { data: { list: [1] as number[] }, body: Uint8Array.of(1) };
  const a = world.machine("a");
  const b = world.machine("b", () => Promise.resolve(kept));
  const sent = { data: { list: [1] as number[] }, body: Uint8Array.of(1) };
  const pending = a.port.transport.call(b.contact, { kind: "test.echo", ...sent }, TIMEOUT_MS);
  sent.data.list.push(2);
  sent.body[0] = 9;
  const reply = await world.loop.drive(pending);
  assertEquals(b.received[0]?.data, { list: [1] });
  assertEquals(b.received[0]?.body, Uint8Array.of(1));
  assertNotStrictEquals(reply.data["list"], kept.data.list);
  assertNotStrictEquals(reply.body, kept.body);
});

Deno.test("identify says who is at an address", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  const found = a.port.transport.identify(b.contact.address, TIMEOUT_MS);
  assertEquals(await world.loop.drive(found), b.contact);
});

Deno.test("what a handler throws reaches the caller", async () => {
  const world = new World();
  const a = world.machine("a");
  const refusing = world.machine("b", () => Promise.reject(new PeerFault("full", "no room")));
  const failing = world.machine("c", () => {
    throw new TypeError("a bug");
  });
  const { error } = await world.assertFails(a, refusing, "refused");
  assertEquals([error.code, error.message], ["full", "no room"]);
  await world.assertFails(a, failing, "failed");
});

Deno.test("only the node that was meant, and that knows the secret, gets a call", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  const stranger = world.machine("s", undefined, "another secret");
  await world.assertFails(a, stranger, "stranger");
  await world.assertFails(stranger, a, "stranger");
  const renamed = { ...b, contact: { ...b.contact, id: a.contact.id } };
  await world.assertFails(a, renamed, "otherNode");
  assertEquals([b.received, stranger.received, a.received], [[], [], []]);
});

Deno.test("a killed process is unreachable at once, a machine without power only in the end", async () => {
  const world = new World();
  const [a, b, c] = [world.machine("a"), world.machine("b"), world.machine("c")];
  b.port.unplug("reset");
  c.port.unplug("silent");
  assert((await world.assertFails(a, b, "unreachable")).tookMs < TIMEOUT_MS);
  assertEquals((await world.assertFails(a, c, "timeout")).tookMs, TIMEOUT_MS);
});

Deno.test("who is killed during a call answers nobody, and its connections break", async () => {
  const world = new World();
  const a = world.machine("a");
  const answer = Promise.withResolvers<Reply>();
  const b = world.machine("b", () => answer.promise);
  world.loop.after(100, () => {
    b.timers.kill();
    b.port.unplug("reset");
    answer.resolve({ data: {} });
  });
  const { tookMs } = await world.assertFails(a, b, "unreachable");
  assert(tookMs >= 100 && tookMs < TIMEOUT_MS);
});

Deno.test("a stopped process takes calls, and carries them out when it goes on", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  b.timers.stop();
  await world.assertFails(a, b, "timeout");
  assertEquals(b.received.length, 0);
  b.timers.continue();
  await world.loop.run(world.loop.nowMs + 1);
  assertEquals(b.received.length, 1);
});

Deno.test("a cut goes one way: the request arrives, the reply doesn't", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  world.network.cut(b.contact.address, a.contact.address);
  await world.assertFails(a, b, "timeout");
  assertEquals(b.received.length, 1);
  await world.assertFails(b, a, "timeout");
  assertEquals(a.received.length, 0);
  world.network.heal(b.contact.address, a.contact.address);
  await world.call(b, a);
});

Deno.test("what is under way when a link is cut is lost", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  world.loop.after(0.1, () => world.network.cut(a.contact.address, b.contact.address));
  await world.assertFails(a, b, "timeout");
  assertEquals(b.received.length, 0);
});

Deno.test("a partition parts its groups and nobody else, until it heals", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  const [c, d] = [world.machine("c"), world.machine("d")];
  world.network.partition([[a.contact.address, b.contact.address], [c.contact.address]]);
  await world.call(a, b);
  await world.call(c, d);
  await world.assertFails(a, c, "timeout");
  await world.assertFails(c, b, "timeout");
  world.network.healAll();
  await world.call(a, c);
});

Deno.test("loss takes requests and replies; a call is delivered at most once", async () => {
  const world = new World(5);
  const [a, b] = [world.machine("a"), world.machine("b")];
  world.network.faults = { ...GOOD_NETWORK, lossOneIn: 4 };
  const calls = Array.from(
    { length: 400 },
    (_, n) => a.port.transport.call(b.contact, { kind: "test.echo", data: { n } }, TIMEOUT_MS),
  );
  const outcomes = await world.loop.drive(Promise.allSettled(calls));
  const answered = outcomes.filter(({ status }) => status === "fulfilled").length;
  const numbers = b.received.map(({ data }) => data["n"]);
  assertEquals(new Set(numbers).size, numbers.length);
  assert(numbers.length > 250 && numbers.length < 350, `${numbers.length} delivered`);
  assert(answered > 180 && answered < 270, `${answered} answered`);
});

Deno.test("a late message is carried out after its caller gave up, and after newer ones", async () => {
  const world = new World();
  const [a, b] = [world.machine("a"), world.machine("b")];
  world.network.faults = { ...GOOD_NETWORK, lateOneIn: 1, lateMsMax: 100_000 };
  await world.assertFails(a, b, "timeout");
  world.network.faults = GOOD_NETWORK;
  await world.call(a, b, { data: { n: "newer" } });
  await world.loop.run(200_000);
  assertEquals(b.received.map(({ data }) => data), [{ n: "newer" }, {}]);
});

Deno.test("a call's traces are equal for equal seeds, and differ for others", async () => {
  const digest = async (seed: number) => {
    const world = new World(seed);
    const [a, b] = [world.machine("a"), world.machine("b")];
    world.network.faults = { ...GOOD_NETWORK, lossOneIn: 5 };
    for (let n = 0; n < 20; n++) await world.call(a, b).catch(() => {});
    return world.trace.digest();
  };
  assertEquals(await digest(1), await digest(1));
  assert(await digest(1) !== await digest(2));
});
