/** Somebody between two peers who keeps, repeats, changes and swaps what they say. They must not be fooled. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { decodeFrame } from "../../src/peer/frame.ts";
import { CALL_PATH, HELLO_PATH } from "../../src/peer/paths.ts";
import { seal, SEAL_HEADER } from "../../src/peer/seal.ts";
import { type Message, PeerError, type PeerErrorReason } from "../../src/peer/transport.ts";
import { eachLimited } from "../../src/storage/turns.ts";
import { type Answer, Meddler, type Meddling, type Passed, send } from "../support/peer_meddler.ts";
import { PATIENT_MS, PeerNode, testKey } from "../support/peer_node.ts";

const PING: Message = { kind: "test.ping", data: { count: 1 }, body: Uint8Array.of(1, 2, 3) };

interface Between extends AsyncDisposable {
  readonly a: PeerNode;
  readonly b: PeerNode;
  readonly meddler: Meddler;
  /** Calls b from a, by way of the meddler. */
  readonly call: (message?: Message) => Promise<unknown>;
}

function standBetween(meddling?: Meddling): Between {
  const a = new PeerNode({ name: "a" });
  const b = new PeerNode({ name: "b" });
  const meddler = new Meddler(b.address, meddling);
  const to = { id: b.self.id, address: meddler.address };
  const parts = [a, meddler, b];
  return {
    a,
    b,
    meddler,
    call: (message = PING) => a.transport.call(to, message, PATIENT_MS),
    [Symbol.asyncDispose]: async () => {
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}

async function failure(run: () => Promise<unknown>): Promise<PeerErrorReason> {
  return (await assertRejects(run, PeerError)).reason;
}

/** What an endpoint's answer to a call says, without looking at its proof. */
function outcomeOf({ status, body }: Answer & Pick<Passed, "body">): unknown {
  return status === 200 ? decodeFrame(body).json.outcome : status;
}

function captured(meddler: Meddler, path: string): Passed {
  const request = meddler.requests.findLast((one) => one.path === path);
  if (request === undefined) throw new Error(`nothing was sent to ${path}`);
  return request;
}

Deno.test("a captured call that is sent again isn't delivered again", async () => {
  await using between = standBetween();
  const { b, meddler, call } = between;
  await call();
  const copy = captured(meddler, CALL_PATH);
  for (let times = 0; times < 3; times++) {
    assertEquals(outcomeOf(await send(b.address, copy)), "replayed");
  }
  assertEquals(b.received.length, 1);
});

Deno.test("a captured call isn't delivered after thousands of later ones", async () => {
  await using between = standBetween();
  const { a, b, meddler, call } = between;
  await call();
  const copy = captured(meddler, CALL_PATH);
  // The session is the one that was made by way of the meddler: continue it without him.
  const [to = "", token = ""] = copy.seal?.split(" ") ?? [];
  const counters = Array.from({ length: LIMITS.peerReplayWindow * 2 }, (_, at) => at + 2);
  await eachLimited(counters, 32, async (counter) => {
    const words = [to, token, String(counter)];
    const { text } = seal(testKey(), "call", [CALL_PATH], words, copy.body);
    const remote = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
    const { path, method, body } = copy;
    const request = new Request(`http://b${path}`, {
      method,
      body,
      headers: { [SEAL_HEADER]: text },
    });
    const response = await b.endpoint.handle(request, remote);
    await response.body?.cancel();
  });
  assertEquals(b.received.length, 1 + counters.length);
  assertEquals(outcomeOf(await send(b.address, copy)), "replayed");
  assertEquals(b.received.length, 1 + counters.length);
  assertEquals(a.received, []);
});

Deno.test("a captured call isn't delivered by a node that was restarted, nor by another", async () => {
  await using between = standBetween();
  const { b, meddler, call } = between;
  await call();
  const copy = captured(meddler, CALL_PATH);
  await using restarted = new PeerNode({ name: "b" });
  await using other = new PeerNode({ name: "c" });
  assertEquals(outcomeOf(await send(restarted.address, copy)), "unknownSession");
  assertEquals(outcomeOf(await send(other.address, copy)), "otherNode");
  assertEquals([b, restarted, other].map(({ received }) => received.length), [1, 0, 0]);
});

Deno.test("a call that is sent twice on its way is delivered once, and its caller hears of no other", async () => {
  const copies: Promise<unknown>[] = [];
  await using between = standBetween({
    request: (request) => {
      if (request.path === CALL_PATH) copies.push(send(between.b.address, request));
      return request;
    },
  });
  await Promise.allSettled([between.call()]);
  await Promise.all(copies);
  assertEquals(between.b.received.length, 1);
});

Deno.test("a captured hello gives whoever repeats it nothing to use", async () => {
  await using between = standBetween();
  const { b, meddler, call } = between;
  await call();
  const hello = captured(meddler, HELLO_PATH);
  const { sessionCount } = b.endpoint;
  const answer = await send(b.address, hello);
  assertEquals([answer.status, b.endpoint.sessionCount], [200, sessionCount]);
  const { token } = JSON.parse(new TextDecoder().decode(answer.body));
  const { body } = captured(meddler, CALL_PATH);
  const { text } = seal(testKey("wrong"), "call", [CALL_PATH], [b.self.id, token, "1"], body);
  const call2 = { path: CALL_PATH, method: "POST", seal: text, body };
  assertEquals(outcomeOf(await send(b.address, call2)), 403);
  // The token in place of the captured call's own:
  const words = captured(meddler, CALL_PATH).seal?.split(" ") ?? [];
  const patched = { ...call2, seal: words.with(1, token).join(" ") };
  assertEquals(outcomeOf(await send(b.address, patched)), 403);
  assertEquals([b.received.length, b.endpoint.sessionCount], [1, sessionCount]);
});

const word = (at: number, change: (word: string) => string) => (request: Passed): Passed => {
  const words = request.seal?.split(" ") ?? [];
  return { ...request, seal: words.map((text, i) => i === at ? change(text) : text).join(" ") };
};
const otherHex = (text: string) => (text.startsWith("0") ? "1" : "0") + text.slice(1);

/** Words of a call's head: receiver, token, counter, length, hash, proof. */
const ALTERATIONS: Readonly<Record<string, (request: Passed) => Passed>> = {
  "the receiver": word(0, () => "c".repeat(40)),
  "the token": word(1, (token) => token.slice(0, -1) + (token.endsWith("0") ? "1" : "0")),
  "the counter": word(2, (counter) => String(Number(counter) + 1)),
  "the length": word(3, (length) => String(Number(length) + 1)),
  "the hash": word(4, otherHex),
  "the proof": word(5, otherHex),
  "the case of the proof": word(5, (proof) => proof.toUpperCase()),
  "a word more": (request) => ({ ...request, seal: `x ${request.seal}` }),
  "a word less": (request) => ({ ...request, seal: request.seal?.replace(/^\S+ /, "") ?? null }),
  "the head gone": (request) => ({ ...request, seal: null }),
  "the path": (request) => ({ ...request, path: HELLO_PATH }),
  "a query": (request) => ({ ...request, path: `${request.path}?` }),
  "the method": (request) => ({ ...request, method: "PUT" }),
  "a bit of the kind": (request) => ({ ...request, body: flip(request.body, 14) }),
  "a bit of the body": (request) => ({ ...request, body: flip(request.body, -1) }),
  "a byte less": (request) => ({ ...request, body: request.body.slice(0, -1) }),
  "a byte more": (request) => ({ ...request, body: Uint8Array.of(...request.body, 0) }),
  "no body": (request) => ({ ...request, body: new Uint8Array() }),
};

function flip(bytes: Uint8Array<ArrayBuffer>, at: number): Uint8Array<ArrayBuffer> {
  const index = at < 0 ? bytes.length + at : at;
  return bytes.map((byte, i) => i === index ? byte ^ 1 : byte);
}

for (const [what, alter] of Object.entries(ALTERATIONS)) {
  Deno.test(`a call isn't delivered when this is altered: ${what}`, async () => {
    await using between = standBetween({
      request: (request) => request.path === CALL_PATH ? alter(request) : request,
    });
    const delivered = what === "a query" ? 1 : 0; // says nothing that the proof doesn't
    const outcome = await between.call().catch((error) => error);
    assertEquals(outcome instanceof PeerError, delivered === 0);
    assertEquals([between.b.received.length, between.b.faults.length], [delivered, 0]);
  });
}

const FALSE_ANSWERS: Readonly<Record<string, Meddling["answer"]>> = {
  "a bit of the body": (answer) => ({ ...answer, body: flip(answer.body, -1) }),
  "a byte less": (answer) => ({ ...answer, body: answer.body.slice(0, -1) }),
  "a byte more": (answer) => ({ ...answer, body: Uint8Array.of(...answer.body, 0) }),
  "endless bytes": (answer) => ({ ...answer, body: endless() }),
  "the head": (answer) => ({ ...answer, seal: otherHex(answer.seal ?? "") }),
  "the head gone": (answer) => ({ ...answer, seal: null }),
  "the status": (answer) => ({ ...answer, status: 500 }),
  "junk": () => ({ status: 200, seal: null, body: "<html>" }),
  "a huge head": (answer) => ({ ...answer, seal: "x ".repeat(3000) }),
  "the request's own head": (answer, request) => ({ ...answer, seal: request.seal }),
  "the request itself": (_answer, { seal, body }) => ({ status: 200, seal, body }),
};

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
}

for (const path of [HELLO_PATH, CALL_PATH]) {
  for (const [what, swap] of Object.entries(FALSE_ANSWERS)) {
    Deno.test(`the answer of ${path} isn't believed with this altered: ${what}`, async () => {
      await using between = standBetween({
        answer: (answer, request) =>
          request.path === path ? swap?.(answer, request) ?? answer : answer,
      });
      const reason = await failure(between.call);
      // That bytes are missing is the network's doing, not a lie; which is told either way doesn't matter.
      const isLength = ["a byte less", "a byte more", "endless bytes"].includes(what);
      assertEquals(reason, isLength ? "unreachable" : "stranger");
    });
  }

  Deno.test(`the answer of ${path} to another request isn't believed`, async () => {
    let first: Answer | undefined;
    await using between = standBetween({
      answer: (answer, request) => {
        if (request.path !== path) return answer;
        first ??= answer;
        return first;
      },
    });
    const { a, meddler, call } = between;
    if (path === HELLO_PATH) {
      await a.transport.identify(meddler.address, PATIENT_MS);
      assertEquals(
        await failure(() => a.transport.identify(meddler.address, PATIENT_MS)),
        "stranger",
      );
    } else {
      await call();
      assertEquals(await failure(call), "stranger");
    }
  });

  Deno.test(`a redirect from ${path} is followed nowhere`, async () => {
    let trapped = 0;
    await using trap = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      () => new Response(String(++trapped)),
    );
    for (const status of [301, 302, 303, 307, 308]) {
      await using between = standBetween({
        answer: (answer, request) => {
          if (request.path !== path) return answer;
          const location = `http://127.0.0.1:${trap.addr.port}${path}`;
          return { ...answer, status, body: null as unknown as string, location };
        },
      });
      assertEquals(await failure(between.call), "stranger");
    }
    assertEquals(trapped, 0);
  });
}

Deno.test("two answers that are swapped are both refused", async () => {
  const waiting: { answer: Answer; resolve: (answer: Answer) => void }[] = [];
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using swapper = Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    const seal = request.headers.get(SEAL_HEADER);
    const passed = { path: pathname, method: "POST", seal, body: await request.bytes() };
    const answer = await send(b.address, passed);
    if (pathname === HELLO_PATH) return respond(answer);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    waiting.push({ answer, resolve });
    if (waiting.length === 2) {
      const [one, two] = waiting;
      if (one !== undefined && two !== undefined) {
        one.resolve(two.answer);
        two.resolve(one.answer);
      }
    }
    return respond(await promise);
  });
  const to = { id: b.self.id, address: `127.0.0.1:${swapper.addr.port}` };
  const call = () => a.transport.call(to, PING, PATIENT_MS);
  assertEquals(await Promise.all([failure(call), failure(call)]), ["stranger", "stranger"]);
  assertEquals(b.received.length, 2);
});

function respond({ seal, body }: Answer): Response {
  return new Response(body, { headers: { [SEAL_HEADER]: seal ?? "" } });
}

Deno.test("a peer that hangs in the middle of its answer is a timeout", async () => {
  await using between = standBetween({
    answer: (answer, request) => request.path === CALL_PATH ? { ...answer, body: stuck() } : answer,
  });
  const { a, b, meddler } = between;
  await a.transport.identify(meddler.address, PATIENT_MS);
  const to = { id: b.self.id, address: meddler.address };
  assertEquals(await failure(() => a.transport.call(to, PING, 100)), "timeout");
});

function stuck(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
}

Deno.test("an unknown session is believed when the peer proves it only, and the call is made at most twice", async () => {
  // Another process of b answers the calls: it knows none of the sessions that this one gives.
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  await using twin = new PeerNode({ name: "b" });
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const paths: string[] = [];
  await using between = Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    const seal = request.headers.get(SEAL_HEADER);
    const to = pathname === HELLO_PATH ? b : twin;
    return respond(
      await send(to.address, { path: pathname, method: "POST", seal, body: await request.bytes() }),
    );
  });
  const to = { id: b.self.id, address: `127.0.0.1:${between.addr.port}` };
  assertEquals(await failure(() => a.transport.call(to, PING, PATIENT_MS)), "failed");
  assertEquals(paths, [HELLO_PATH, CALL_PATH, HELLO_PATH, CALL_PATH]);
  assert(b.received.length + twin.received.length === 0);
});
