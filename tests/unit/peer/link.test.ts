/** Short calls that share a connection: what arrives, what is refused, and what is made of a connection that isn't what it was. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemRandom } from "../../../src/clock.ts";
import { LIMITS } from "../../../src/limits.ts";
import { LinkBroken, LinkReader, LinkWriter } from "../../../src/peer/link_codec.ts";
import { LinkEndpoint } from "../../../src/peer/link_endpoint.ts";
import { linkHead } from "../../../src/peer/link_ticket.ts";
import { LinkTransport, type StreamOpener } from "../../../src/peer/link_transport.ts";
import { LINK_PATH } from "../../../src/peer/paths.ts";
import { SEAL_HEADER } from "../../../src/peer/seal.ts";
import {
  type Contact,
  type Message,
  type MessageHandler,
  PeerError,
  type PeerErrorReason,
  PeerFault,
  type Transport,
} from "../../../src/peer/transport.ts";
import { patternBytes } from "../../support/bytes.ts";
import { PATIENT_MS, testKey, TestTimers } from "../../support/peer_node.ts";

const PING: Message = { kind: "test.ping", data: { count: 1 } };
const A: Contact = { id: "a".repeat(40), address: "127.0.0.1:1" };

type Bytes = Uint8Array<ArrayBuffer>;
type Meddle = (stream: ReadableStream<Bytes>) => ReadableStream<Bytes>;

interface PairOptions {
  readonly handler?: MessageHandler;
  readonly calls?: Meddle;
  readonly answers?: Meddle;
  readonly timers?: TestTimers;
  readonly serverKey?: string;
}

const echo: MessageHandler = (_from, { data, body }) =>
  Promise.resolve(body === undefined ? { data } : { data, body });

/** A caller and a called node, with all that goes between them over HTTP in sight. */
class Pair implements AsyncDisposable {
  readonly received: Message[] = [];
  readonly faults: unknown[] = [];
  /** Calls that took the way beneath. */
  readonly beneath: string[] = [];
  readonly heads: string[] = [];
  readonly endpoint: LinkEndpoint;
  readonly links: LinkTransport;
  readonly b: Contact;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #client = Deno.createHttpClient({ http2: false });

  constructor({ handler = echo, calls, answers, timers, serverKey }: PairOptions = {}) {
    const time = timers ?? new TestTimers();
    this.endpoint = new LinkEndpoint({
      key: testKey(serverKey),
      timers: time,
      random: systemRandom,
      handler: (from, message) => {
        this.received.push(message);
        return handler(from, message);
      },
      onFault: (cause) => this.faults.push(cause),
    });
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.endpoint.handle(request),
    );
    this.b = { id: "b".repeat(40), address: `127.0.0.1:${this.#server.addr.port}` };
    const inner: Transport & StreamOpener = {
      identify: () => Promise.resolve(this.b),
      call: async (_to, message) => {
        this.beneath.push(message.kind);
        return await this.endpoint.handler(A, message);
      },
      openStreams: async (_address, path, head, outgoing, signal) => {
        this.heads.push(head);
        const body = await this.post(path, head, calls?.(outgoing) ?? outgoing, signal);
        return answers?.(body) ?? body;
      },
    };
    this.links = new LinkTransport({ inner, key: testKey(), timers: time });
  }

  async post(path: string, head: string, body: BodyInit, signal?: AbortSignal) {
    const response = await fetch(`http://${this.b.address}${path}`, {
      method: "POST",
      headers: { [SEAL_HEADER]: head },
      body,
      client: this.#client,
      ...(signal && { signal }),
    });
    if (response.status === 200 && response.body !== null) return response.body;
    await response.body?.cancel();
    throw new PeerError("stranger", `status ${response.status}`);
  }

  call(message: Message = PING, timeoutMs = PATIENT_MS) {
    return this.links.call(this.b, message, timeoutMs);
  }

  /** From now on there is a link. */
  async connect(): Promise<this> {
    do {
      this.beneath.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 1));
      await this.call();
    } while (this.beneath.length > 0);
    this.received.length = 0;
    this.beneath.length = 0;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.links[Symbol.asyncDispose]();
    this.endpoint.close();
    this.#client.close();
    await this.#server.shutdown();
  }
}

async function assertPeerError(
  reason: PeerErrorReason,
  run: () => Promise<unknown>,
): Promise<PeerError> {
  const error = await assertRejects(run, PeerError);
  assertEquals(error.reason, reason, String(error));
  return error;
}

Deno.test("calls before there is a link go another way, later ones by it, long ones never", async () => {
  await using pair = new Pair();
  assertEquals(await pair.call(), { data: PING.data });
  assertEquals(pair.beneath, ["peer.link", "test.ping"]);
  await pair.connect();
  assertEquals(await pair.call(), { data: PING.data });
  assertEquals([pair.beneath, pair.received], [[], [PING]]);
  const long = { ...PING, body: patternBytes(LIMITS.linkCallBytesMax) };
  assertEquals((await pair.call(long)).body?.length, LIMITS.linkCallBytesMax);
  assertEquals(pair.beneath, ["test.ping"]);
});

Deno.test("calls at once get their own answers, in whatever order these come, and however long they are", async () => {
  await using pair = new Pair({
    handler: async (_from, { data: { count } }) => {
      if (Number(count) % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const sizeBytes = Number(count) % 10 === 0 ? 1_000_000 + Number(count) : Number(count);
      return { data: { count: Number(count) }, body: patternBytes(sizeBytes) };
    },
  });
  await pair.connect();
  await Promise.all(Array.from({ length: 100 }, async (_, count) => {
    const { data, body } = await pair.call({ kind: "test.count", data: { count } });
    const sizeBytes = count % 10 === 0 ? 1_000_000 + count : count;
    assertEquals(data, { count });
    assertEquals(body ?? new Uint8Array(), patternBytes(sizeBytes));
  }));
  assertEquals([pair.beneath, pair.endpoint.linkCount], [[], 1]);
});

Deno.test("refusals and failures are told apart, and no internals told", async () => {
  await using pair = new Pair({
    handler: (_from, { kind }) =>
      kind === "test.refuse"
        ? Promise.reject(new PeerFault("noRoom", "the disk is full"))
        : kind === "test.fail"
        ? Promise.reject(new Error("secret path /etc/shadow"))
        : Promise.resolve({ data: {} }),
  });
  await pair.connect();
  const refused = await assertPeerError(
    "refused",
    () => pair.call({ ...PING, kind: "test.refuse" }),
  );
  assertEquals(refused.code, "noRoom");
  const failed = await assertPeerError("failed", () => pair.call({ ...PING, kind: "test.fail" }));
  assert(!failed.message.includes("shadow"));
  assertEquals(pair.faults.map(String), ["Error: secret path /etc/shadow"]);
});

Deno.test("a call that takes too long leaves the link to those under way, and the next makes another", async () => {
  const gate = Promise.withResolvers<void>();
  await using pair = new Pair({
    handler: async (_from, { data }) => {
      if (data["slow"] === true) await gate.promise;
      return { data };
    },
  });
  await pair.connect();
  const patient = pair.call({ kind: "test", data: { slow: true } });
  await assertPeerError("timeout", () => pair.call({ kind: "test", data: { slow: true } }, 20));
  assertEquals(await pair.call(), { data: PING.data });
  assertEquals(pair.beneath.includes("test.ping"), true);
  await pair.connect();
  gate.resolve();
  assertEquals(await patient, { data: { slow: true } });
  while (pair.endpoint.linkCount > 1) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("a link that was idle for long isn't trusted, and one that stays silent is closed", async () => {
  const timers = new TestTimers(1000);
  await using pair = new Pair({ timers });
  await pair.connect();
  timers.skip(LIMITS.linkIdleMs);
  await pair.call();
  assertEquals(pair.beneath.includes("test.ping"), true);
  await pair.connect();
  timers.skip(LIMITS.linkSilentMsMax + 1);
  while (pair.endpoint.linkCount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("when the called node ends its links, what it has got is answered first", async () => {
  const gate = Promise.withResolvers<void>();
  await using pair = new Pair({
    handler: async (_from, { data }) => {
      if (data["slow"] === true) await gate.promise;
      return { data };
    },
  });
  await pair.connect();
  const slow = pair.call({ kind: "test", data: { slow: true } });
  while (pair.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  pair.endpoint.close();
  gate.resolve();
  assertEquals(await slow, { data: { slow: true } });
});

Deno.test("disposing ends the calls under way", async () => {
  const never = Promise.withResolvers<never>();
  await using pair = new Pair({
    handler: (_from, { data }) => data["slow"] === true ? never.promise : Promise.resolve({ data }),
  });
  await pair.connect();
  const ended = assertPeerError(
    "unreachable",
    () => pair.call({ kind: "test", data: { slow: true } }),
  );
  while (pair.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await pair.links[Symbol.asyncDispose]();
  await ended;
  never.reject(new PeerFault("late", ""));
});

Deno.test("only who holds the key and a ticket that is new gets a link", async () => {
  await using pair = new Pair();
  await pair.connect();
  const [used = ""] = pair.heads;
  const { data: { ticket } } = await pair.endpoint.handler(A, { kind: "peer.link", data: {} });
  const heads = [
    "",
    "x",
    used,
    linkHead(testKey(), "0".repeat(32)),
    linkHead(testKey("wrong"), String(ticket)),
    `${linkHead(testKey(), String(ticket)).slice(0, -1)}x`,
  ];
  for (const head of heads) {
    const error = await assertRejects(() => pair.post(LINK_PATH, head, "x"), PeerError);
    assertEquals(error.message, "status 403", head);
  }
  assertEquals(pair.endpoint.linkCount, 1);
});

Deno.test("a ticket is good for a short time, and few are kept", async () => {
  const timers = new TestTimers();
  await using pair = new Pair({ timers });
  const ask = async () =>
    linkHead(
      testKey(),
      String((await pair.endpoint.handler(A, { kind: "peer.link", data: {} })).data["ticket"]),
    );
  const late = await ask();
  timers.skip(LIMITS.linkTicketMsMax);
  await assertRejects(() => pair.post(LINK_PATH, late, "x"), PeerError, "403");
  const pushedOut = await ask();
  for (let count = 0; count < LIMITS.linkTicketsMax; count++) await ask();
  await assertRejects(() => pair.post(LINK_PATH, pushedOut, "x"), PeerError, "403");
});

/** Lets the first pieces of a stream pass, and makes something of the next. */
function meddling(after: () => boolean, meddle: (piece: Bytes) => Bytes[]): Meddle {
  return (stream) =>
    stream.pipeThrough(
      new TransformStream<Bytes, Bytes>({
        transform(piece, controller) {
          for (const each of after() ? meddle(piece) : [piece]) controller.enqueue(each);
        },
      }),
    );
}

const flipped = (piece: Bytes) => {
  const copy = piece.slice();
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
  return [copy];
};

for (
  const [what, meddle] of [
    ["altered", flipped],
    ["repeated", (piece: Bytes) => [piece, piece]],
    ["far too long", () => [new Uint8Array(64).fill(0xff)]],
  ] as const
) {
  Deno.test(`calls that are ${what} on their way end the link and reach nobody twice`, async () => {
    let isOn = false;
    await using pair = new Pair({ calls: meddling(() => isOn, meddle) });
    await pair.connect();
    isOn = true;
    const outcome = await pair.call().catch((error) => error);
    if (what !== "repeated") assertEquals([outcome.reason, pair.received], ["unreachable", []]);
    while (pair.endpoint.linkCount > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(pair.received.length <= 1);
  });
}

for (
  const [what, meddle] of [
    ["altered", flipped],
    ["repeated", (piece: Bytes) => [piece, piece]],
  ] as const
) {
  Deno.test(`answers that are ${what} on their way are believed once at most`, async () => {
    let isOn = false;
    await using pair = new Pair({ answers: meddling(() => isOn, meddle) });
    await pair.connect();
    isOn = true;
    const outcome = await pair.call().catch((error) => error);
    if (what === "altered") assertEquals(outcome.reason, "unreachable");
    else assertEquals(outcome, { data: PING.data });
    isOn = false;
    await pair.call().catch(() => {});
    while (pair.endpoint.linkCount > 0 && pair.beneath.length === 0) {
      await pair.call().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  });
}

Deno.test("pieces of one link or one way mean nothing in another", () => {
  const key = testKey().derive("linkKey", ["1"]);
  const piece = () => {
    const writer = new LinkWriter(key, "calls");
    writer.add({ number: 7, bytes: patternBytes(10) });
    return writer.take();
  };
  const read = (of: ReturnType<typeof testKey>, way: "calls" | "answers") => () =>
    new LinkReader(of, way, 100, 1).read(piece());
  assertEquals(read(key, "calls")(), [{ number: 7, bytes: patternBytes(10) }]);
  for (const wrong of [read(key, "answers"), read(testKey().derive("linkKey", ["2"]), "calls")]) {
    try {
      wrong();
      assert(false, "it was believed");
    } catch (error) {
      assert(error instanceof LinkBroken, String(error));
    }
  }
});

Deno.test("a reader holds no more than it may, and takes a stream cut anywhere", () => {
  const key = testKey().derive("linkKey", ["1"]);
  const writer = new LinkWriter(key, "calls");
  const messages = [0, 1, 300_000, 5, 70_000].map((size, number) => ({
    number,
    bytes: patternBytes(size),
  }));
  messages.forEach((message) => writer.add(message));
  const reader = new LinkReader(key, "calls", 300_000, 2);
  const read = [];
  while (!writer.isEmpty) {
    const piece = writer.take();
    for (let at = 0; at < piece.length; at += 777) {
      read.push(...reader.read(piece.subarray(at, at + 777)));
    }
  }
  assertEquals(read.sort((a, b) => a.number - b.number), messages);
  const tooMuch = [
    { messages: [patternBytes(101)], bytesMax: 100, messagesMax: 9 },
    { messages: [patternBytes(99_999), patternBytes(99_999)], bytesMax: 100_000, messagesMax: 1 },
  ];
  for (const { messages, bytesMax, messagesMax } of tooMuch) {
    const writer = new LinkWriter(key, "calls");
    messages.forEach((bytes, number) => writer.add({ number, bytes }));
    const reader = new LinkReader(key, "calls", bytesMax, messagesMax);
    try {
      reader.read(writer.take());
      assert(false, "it was taken");
    } catch (error) {
      assert(error instanceof LinkBroken, String(error));
    }
  }
});
