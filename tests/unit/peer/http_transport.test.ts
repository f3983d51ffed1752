/** Two nodes that talk over HTTP, and what the caller is told when they can't. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { blake3Hex } from "../../../src/blake3.ts";
import { LIMITS } from "../../../src/limits.ts";
import {
  type Message,
  PeerError,
  type PeerErrorReason,
  PeerFault,
} from "../../../src/peer/transport.ts";
import { patternBytes } from "../../support/bytes.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { PATIENT_MS, PeerNode, TestTimers } from "../../support/peer_node.ts";

const PING: Message = { kind: "test.ping", data: { count: 1 } };

async function assertPeerError(
  reason: PeerErrorReason,
  run: () => Promise<unknown>,
): Promise<PeerError> {
  const error = await assertRejects(run, PeerError);
  assertEquals(error.reason, reason, String(error));
  return error;
}

Deno.test("a node is told who answers, and how it is seen itself", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  assertEquals(await a.transport.identify(b.address, PATIENT_MS), b.contact);
  assertEquals(a.transport.observedAddress, a.address);
  assertEquals(b.endpoint.sessionCount, 0);
});

const BODIES: readonly { readonly name: string; readonly message: Message }[] = [
  { name: "nothing", message: { kind: "test.none", data: {} } },
  {
    name: "nested data",
    message: { kind: "test.data", data: { a: [1, null, { "": "\ud800é\0" }] } },
  },
  { name: "a byte", message: { kind: "test.byte", data: {}, body: patternBytes(1) } },
  { name: "64 KiB", message: { kind: "test.read", data: {}, body: patternBytes(65_536) } },
  {
    name: "the largest body",
    message: { kind: "test.body", data: { a: 1 }, body: patternBytes(LIMITS.peerBodyBytesMax) },
  },
  {
    name: "the largest message",
    message: {
      kind: "test.both",
      // Of the JSON, `{"kind":"test.both","data":{"text":""}}` is the rest.
      data: { text: "x".repeat(LIMITS.peerJsonBytesMax - 39) },
      body: patternBytes(LIMITS.peerBodyBytesMax),
    },
  },
];

for (const isTls of [false, true]) {
  Deno.test(`messages and answers arrive as they were, over ${isTls ? "https" : "http"}`, async (test) => {
    const tls = isTls ? { tls: makeCertificate() } : {};
    await using a = new PeerNode({ name: "a", ...tls });
    await using b = new PeerNode({ name: "b", ...tls });
    for (const { name, message } of BODIES) {
      await test.step(name, async () => {
        const { kind, data, body } = message;
        const isLong = (body?.length ?? 0) >= LIMITS.peerReadWholeBytesMax;
        const content = {
          data,
          ...(body && { body }),
          ...(body && isLong && { bodyHash: blake3Hex(body) }),
        };
        assertEquals(await a.transport.call(b.contact, message, PATIENT_MS), content);
        assertEquals(b.received.splice(0), [{ from: a.contact, message: { kind, ...content } }]);
      });
    }
  });
}

Deno.test("a hash that a caller knows is taken from it, and one that is wrong proves nothing", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  const body = patternBytes(100_000);
  const call = (bodyHash: string) =>
    a.transport.call(b.contact, { kind: "test.hash", data: {}, body, bodyHash }, PATIENT_MS);
  assertEquals((await call(blake3Hex(body))).bodyHash, blake3Hex(body));
  await assertPeerError("unreachable", () => call("0".repeat(64)));
  assertEquals(b.received.length, 1);
});

Deno.test("an empty body arrives as none", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  const message = { kind: "test.empty", data: {}, body: new Uint8Array() };
  assertEquals(await a.transport.call(b.contact, message, PATIENT_MS), { data: {} });
});

Deno.test("200 calls at once share one session and get their own answers", async () => {
  let hellos = 0;
  const checkCaller = () => Promise.resolve(void hellos++);
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b", checkCaller });
  const calls = Array.from({ length: 200 }, async (_, count) => {
    const message = { kind: "test.count", data: { count }, body: patternBytes(count) };
    const { data, body } = await a.transport.call(b.contact, message, PATIENT_MS);
    assertEquals([data.count, body?.length ?? 0], [count, count]);
  });
  await Promise.all(calls);
  assertEquals([hellos, b.endpoint.sessionCount, b.received.length], [1, 1, 200]);
});

Deno.test("no more calls are under way to a peer than the limit, and none is forgotten", async () => {
  const max = LIMITS.peerCallsAtOnceMax;
  const full = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using a = new PeerNode({ name: "a" });
  await using b: PeerNode = new PeerNode({
    name: "b",
    handler: async () => {
      if (b.received.length === max) full.resolve();
      await gate.promise;
      return { data: {} };
    },
  });
  const calls = Array.from(
    { length: max * 2 },
    () => a.transport.call(b.contact, PING, PATIENT_MS),
  );
  await full.promise;
  // Whatever else was sent by now is there before these are answered.
  for (let times = 0; times < 3; times++) await a.transport.identify(b.address, PATIENT_MS);
  assertEquals(b.received.length, max);
  gate.resolve();
  await Promise.all(calls);
  assertEquals(b.received.length, max * 2);
});

Deno.test("both may call each other from a call", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b: PeerNode = new PeerNode({
    name: "b",
    handler: async (from, { data }) => {
      return await b.transport.call(from, { kind: "test.back", data }, PATIENT_MS);
    },
  });
  assertEquals(await a.transport.call(b.contact, PING, PATIENT_MS), { data: PING.data });
  assertEquals(a.received, [{ from: b.contact, message: { ...PING, kind: "test.back" } }]);
});

Deno.test("a node is called at the address that it advertises", async () => {
  await using a = new PeerNode({ name: "a", advertise: "a.example:9000" });
  await using b = new PeerNode({ name: "b" });
  await a.transport.call(b.contact, PING, PATIENT_MS);
  assertEquals(b.received[0]?.from, { id: a.self.id, address: "a.example:9000" });
  assertEquals(a.transport.observedAddress, "a.example:9000");
});

Deno.test("a refusal and a failure of the handler are told apart, and no internals told", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({
    name: "b",
    handler: (_from, { kind }) => {
      if (kind === "test.refuse") throw new PeerFault("noRoom", "the disk is full");
      if (kind === "test.huge") {
        return Promise.resolve({ data: {}, body: new Uint8Array(LIMITS.peerBodyBytesMax + 1) });
      }
      return Promise.reject(new Error("secret path /etc/shadow"));
    },
  });
  const call = (kind: string) => () => a.transport.call(b.contact, { kind, data: {} }, PATIENT_MS);
  const refused = await assertPeerError("refused", call("test.refuse"));
  assertEquals(refused.code, "noRoom");
  assert(refused.message.includes("the disk is full"));
  const failed = await assertPeerError("failed", call("test.fail"));
  assert(!failed.message.includes("shadow"));
  assertEquals(b.faults.map(String), ["Error: secret path /etc/shadow"]);
  const huge = await assertPeerError("refused", call("test.huge"));
  assertEquals(huge.code, "tooLarge");
});

const TOO_LARGE: readonly { readonly name: string; readonly message: Message }[] = [
  {
    name: "body",
    message: { kind: "test", data: {}, body: new Uint8Array(LIMITS.peerBodyBytesMax + 1) },
  },
  { name: "JSON", message: { kind: "test", data: { x: "x".repeat(LIMITS.peerJsonBytesMax) } } },
];

for (const { name, message } of TOO_LARGE) {
  Deno.test(`a message with too large a ${name} isn't sent`, async () => {
    await using a = new PeerNode({ name: "a" });
    await using b = new PeerNode({ name: "b" });
    const error = await assertPeerError(
      "refused",
      () => a.transport.call(b.contact, message, PATIENT_MS),
    );
    assertEquals([error.code, b.received.length], ["tooLarge", 0]);
  });
}

Deno.test("nobody at the address is unreachable", async () => {
  await using a = new PeerNode({ name: "a" });
  const gone = new PeerNode({ name: "b" });
  const { contact } = gone;
  await gone[Symbol.asyncDispose]();
  await assertPeerError("unreachable", () => a.transport.call(contact, PING, PATIENT_MS));
  await assertPeerError("unreachable", () => a.transport.identify(contact.address, PATIENT_MS));
});

for (
  const address of [
    "",
    "127.0.0.1",
    "x@127.0.0.1:1",
    "127.0.0.1:1/x",
    "127.0.0.1:1?",
    "a b:1",
    "[::1:1",
  ]
) {
  Deno.test(`the address "${address}" is never fetched`, async () => {
    await using a = new PeerNode({ name: "a" });
    const error = await assertPeerError(
      "unreachable",
      () => a.transport.identify(address, PATIENT_MS),
    );
    assert(error.message.endsWith("is no address"), error.message);
  });
}

Deno.test("a handler that never ends is a timeout", async () => {
  const never = Promise.withResolvers<never>();
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b", handler: () => never.promise });
  await a.transport.identify(b.address, PATIENT_MS);
  await assertPeerError("timeout", () => a.transport.call(b.contact, PING, 50));
  assertEquals(b.received.length, 1);
  never.reject(new PeerFault("late", ""));
});

for (const what of ["identify", "call"] as const) {
  Deno.test(`a peer that takes connections and says nothing is a timeout for ${what}`, async () => {
    await using a = new PeerNode({ name: "a" });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${listener.addr.port}`;
    await assertPeerError(
      "timeout",
      () =>
        what === "identify"
          ? a.transport.identify(address, 50)
          : a.transport.call({ id: "b".repeat(40), address }, PING, 50),
    );
  });
}

Deno.test("a caller whose time is over doesn't end the hello that others wait for", async () => {
  const gate = Promise.withResolvers<void>();
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b", checkCaller: () => gate.promise });
  const patient = a.transport.call(b.contact, PING, PATIENT_MS);
  await assertPeerError("timeout", () => a.transport.call(b.contact, PING, 20));
  gate.resolve();
  assertEquals(await patient, { data: PING.data });
  assertEquals(b.received.length, 1);
});

Deno.test("another node at the address isn't given the call", async () => {
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  const wrong = { id: "c".repeat(40), address: b.address };
  await assertPeerError("otherNode", () => a.transport.call(wrong, PING, PATIENT_MS));
  assertEquals(b.received, []);
});

Deno.test("a node that took another's place is found out in the middle of a session", async () => {
  await using a = new PeerNode({ name: "a" });
  const b = new PeerNode({ name: "b" });
  const { contact, port } = b;
  await a.transport.call(contact, PING, PATIENT_MS);
  await b[Symbol.asyncDispose]();
  await using c = new PeerNode({ name: "c", port });
  await assertPeerError("otherNode", () => a.transport.call(contact, PING, PATIENT_MS));
  assertEquals(c.received, []);
});

Deno.test("a peer that was restarted is called in a new session, once", async () => {
  await using a = new PeerNode({ name: "a" });
  const before = new PeerNode({ name: "b" });
  const { contact, port } = before;
  await a.transport.call(contact, PING, PATIENT_MS);
  await before[Symbol.asyncDispose]();
  await using after = new PeerNode({ name: "b", port });
  // The answer that the session is unknown comes while such a body is still on its way.
  const large = { ...PING, body: patternBytes(LIMITS.peerBodyBytesMax) };
  await Promise.all(Array.from({ length: 20 }, async () => {
    assertEquals((await a.transport.call(contact, large, PATIENT_MS)).data, PING.data);
  }));
  assertEquals(after.received.length, 20);
});

Deno.test("a session is renewed by the caller before it ends, and by the receiver's word after", async () => {
  let hellos = 0;
  const timers = { a: new TestTimers(), b: new TestTimers() };
  const checkCaller = () => Promise.resolve(void hellos++);
  await using a = new PeerNode({ name: "a", timers: timers.a });
  await using b = new PeerNode({ name: "b", timers: timers.b, checkCaller });
  const call = () => a.transport.call(b.contact, PING, PATIENT_MS);
  await call();
  await call();
  assertEquals(hellos, 1);
  timers.a.skip(LIMITS.peerSessionMsMax);
  await call();
  assertEquals(hellos, 2);
  timers.b.skip(LIMITS.peerSessionMsMax + 1);
  await call();
  assertEquals([hellos, b.received.length], [3, 4]);
});

Deno.test("clocks that differ by hours change nothing", async () => {
  const timers = new TestTimers();
  timers.skip(7 * 3_600_000);
  await using a = new PeerNode({ name: "a", timers });
  await using b = new PeerNode({ name: "b" });
  assertEquals(await a.transport.call(b.contact, PING, PATIENT_MS), { data: PING.data });
  assertEquals(await b.transport.call(a.contact, PING, PATIENT_MS), { data: PING.data });
});

for (const [ours, theirs] of [["wrong", undefined], [undefined, "wrong"]] as const) {
  Deno.test(`who has the secret ${ours ?? "right"} and calls one with the ${theirs ?? "right"} is a stranger`, async () => {
    await using a = new PeerNode({ name: "a", ...(ours && { secret: ours }) });
    await using b = new PeerNode({ name: "b", ...(theirs && { secret: theirs }) });
    await assertPeerError("stranger", () => a.transport.identify(b.address, PATIENT_MS));
    await assertPeerError("stranger", () => a.transport.call(b.contact, PING, PATIENT_MS));
    assertEquals([b.received.length, b.endpoint.sessionCount], [0, 0]);
  });
}

Deno.test("a second process with the id is refused and told so", async () => {
  await using first = new PeerNode({ name: "a", advertise: "10.0.0.7:9000" });
  await using copy = new PeerNode({ name: "a" });
  const error = await assertPeerError(
    "refused",
    () => copy.transport.identify(first.address, PATIENT_MS),
  );
  assertEquals(error.code, "duplicateId");
  assert(error.message.includes(first.address) && error.message.includes("10.0.0.7:9000"));
});

Deno.test("a node that calls itself gets itself", async () => {
  await using a = new PeerNode({ name: "a" });
  assertEquals(await a.transport.identify(a.address, PATIENT_MS), a.contact);
});

Deno.test("a caller that counts differently is refused with the difference", async () => {
  await using a = new PeerNode({ name: "a", config: { replicas: 2, quorum: 2 } });
  await using b = new PeerNode({ name: "b", config: { replicas: 3, quorum: 2 } });
  const error = await assertPeerError(
    "refused",
    () => a.transport.call(b.contact, PING, PATIENT_MS),
  );
  assertEquals(error.code, "config");
  assert(error.message.endsWith("replicas is 3 on this node and 2 on yours"), error.message);
  assertEquals(b.received, []);
});

Deno.test("the membership may refuse a caller, with all that it says of itself", async () => {
  const callers: unknown[] = [];
  await using a = new PeerNode({ name: "a", config: { replicas: 3 } });
  await using b = new PeerNode({
    name: "b",
    config: { replicas: 3 },
    checkCaller: (caller) => {
      callers.push(caller);
      return Promise.reject(new PeerFault("duplicateId", "it lives at 10.0.0.7:9000"));
    },
  });
  const error = await assertPeerError("refused", () => a.transport.identify(b.address, PATIENT_MS));
  assertEquals(error.code, "duplicateId");
  const { contact, self: { bootId } } = a;
  assertEquals(callers, [{ contact, bootId, config: { replicas: 3 } }]);
});

Deno.test("disposing ends the calls under way, and later ones at once", async () => {
  const never = Promise.withResolvers<never>();
  const delivered = Promise.withResolvers<void>();
  const a = new PeerNode({ name: "a" });
  await using b = new PeerNode({
    name: "b",
    handler: () => {
      delivered.resolve();
      return never.promise;
    },
  });
  const ended = assertPeerError("unreachable", () => a.transport.call(b.contact, PING, PATIENT_MS));
  await delivered.promise;
  await a[Symbol.asyncDispose]();
  await ended;
  await assertPeerError("unreachable", () => a.transport.call(b.contact, PING, PATIENT_MS));
  never.reject(new PeerFault("late", ""));
});

Deno.test("a fault of the endpoint itself is told, and the caller gets nothing of it", async () => {
  await using b = new PeerNode({ name: "b" });
  const request = new Request(`http://${b.address}/_zs3/peer`, { method: "POST" });
  Object.defineProperty(request, "headers", {
    get: () => {
      throw new Error("broken");
    },
  });
  const remote = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
  const response = await b.endpoint.handle(request, remote);
  assertEquals([response.status, await response.text()], [500, ""]);
  assertEquals(b.faults.map(String), ["Error: broken"]);
});
