/**
 * The side of the peer protocol that is called: `POST /_zs3/hello` and `POST /_zs3/peer`. Knows no kinds of messages.
 *
 * Who doesn't hold the key gets 403 and nothing else, before a byte of its body is read. Whatever a holder of the key is
 * answered is sealed, and bound to the very request: it can't be swapped with another answer or used again. What the key can't
 * do is hide: on plain http anyone on the way reads along, https is against that.
 *
 * A call is delivered once: its counter is claimed in the caller's session before its body is read, whatever comes of it.
 */

import { Budget } from "../budget.ts";
import type { Random } from "../clock.ts";
import { splitUrl } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { JsonObject } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import { joinAddress } from "./address.ts";
import { Deadline } from "./deadline.ts";
import { type Answer, deliver, encodeOutcome, excuse } from "./delivery.ts";
import { decodeJson, FRAME_BYTES_MAX } from "./frame.ts";
import { type Caller, checkConfig, parseHello, type SelfNode, type Welcome } from "./hello.ts";
import { refusal } from "./outcome.ts";
import { CALL_PATH, HELLO_PATH, isPeerPath } from "./paths.ts";
import type { ProofKey } from "./proof_key.ts";
import { findBytes, type Incoming } from "./receive.ts";
import { findSeal, openSealed, type Seal, seal, SEAL_HEADER } from "./seal.ts";
import { SessionTable } from "./session_table.ts";
import { type Contact, type MessageHandler, PeerFault } from "./transport.ts";

export interface PeerEndpointOptions {
  readonly self: SelfNode;
  readonly key: ProofKey;
  readonly timers: Timers;
  readonly random: Random;
  /** What must be the same on all nodes of the cluster. */
  readonly config: JsonObject;
  readonly handler: MessageHandler;
  /**
   * Asked at each hello, after the checks of our own; throws PeerFault to refuse the caller. It must not take the hello for news:
   * it may be an old one that somebody recorded, so whatever the answer, nothing may change by it.
   */
  readonly checkCaller?: ((caller: Caller) => Promise<void>) | undefined;
  /** Told what a handler threw that wasn't a PeerFault. */
  readonly onFault: (cause: unknown) => void;
}

type PeerRequest = Incoming & Pick<Request, "method" | "url">;

/** Answers with a status and nothing to read: to somebody who proved nothing, or isn't there any more. */
class Unanswerable extends Error {
  constructor(readonly status: 403 | 404 | 405 | 408) {
    super(`status ${status}`);
  }
}

const NOTHING_TAKEN: Disposable = { [Symbol.dispose]: () => {} };

export class PeerEndpoint {
  readonly #options: PeerEndpointOptions;
  readonly #sessions: SessionTable;
  /** Bytes of calls, from when they are announced until they are answered. */
  readonly #room = new Budget(LIMITS.peerReceivedBytesAtOnceMax, LIMITS.peerReceivesWaitingMax);

  constructor(options: PeerEndpointOptions) {
    this.#options = options;
    this.#sessions = new SessionTable(options.timers, options.random);
  }

  /** How many callers' sessions take memory: at most LIMITS.peerSessionsMax. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Never rejects. `remote`: where the connection came from. */
  async handle(request: PeerRequest, remote: Deno.NetAddr): Promise<Response> {
    try {
      return await this.#answer(request, remote);
    } catch (error) {
      if (error instanceof Unanswerable) return new Response(null, { status: error.status });
      this.#options.onFault(error);
      return new Response(null, { status: 500 });
    }
  }

  async #answer(request: PeerRequest, remote: Deno.NetAddr): Promise<Response> {
    const { rawPath } = splitUrl(request.url);
    if (!isPeerPath(rawPath)) throw new Unanswerable(404);
    if (request.method !== "POST") throw new Unanswerable(405);
    return rawPath === HELLO_PATH
      ? await this.#answerHello(request, remote)
      : await this.#answerCall(request);
  }

  async #answerHello(request: PeerRequest, remote: Deno.NetAddr): Promise<Response> {
    const { key, timers } = this.#options;
    const head = findSeal(key, "hello", [HELLO_PATH], request.headers.get(SEAL_HEADER));
    if (head === undefined || head.bodyBytes > LIMITS.peerHelloBytesMax) {
      throw new Unanswerable(403);
    }
    using deadline = receiveDeadline(timers, head.bodyBytes);
    const bytes = await findBytes(request, head.bodyBytes, deadline.signal);
    if (bytes === undefined) throw new Unanswerable(408);
    if (openSealed(bytes, head) === undefined) throw new Unanswerable(403);
    const answer = await this.#welcome(bytes, remote)
      .catch((error) => excuse(error, this.#options.onFault));
    const text = new TextEncoder().encode(JSON.stringify(answer));
    return sealedResponse(key, "welcome", head, text);
  }

  async #welcome(bytes: Uint8Array, remote: Deno.NetAddr): Promise<Welcome> {
    const { self, config, checkCaller } = this.#options;
    const hello = parseHello(decodeJson(bytes));
    if (hello.id === self.id && hello.bootId !== self.bootId) {
      const where = self.advertise === undefined ? "" : ` at ${self.advertise}`;
      const message = `a node with the id ${self.id} is running already${where}`;
      throw new PeerFault("duplicateId", message);
    }
    checkConfig(config, hello.config);
    const address = hello.advertise ?? joinAddress(remote.hostname, hello.port);
    const contact = { id: hello.id, address };
    await checkCaller?.({ contact, bootId: hello.bootId, config: hello.config });
    return {
      id: self.id,
      bootId: self.bootId,
      token: this.#sessions.issue(contact),
      tokenMs: LIMITS.peerSessionMsMax,
      seenAs: address,
    };
  }

  async #answerCall(request: PeerRequest): Promise<Response> {
    const { key } = this.#options;
    const head = findSeal(key, "call", [CALL_PATH], request.headers.get(SEAL_HEADER));
    if (head === undefined) throw new Unanswerable(403);
    return sealedResponse(key, "reply", head, await this.#judge(head, request));
  }

  /** What comes of a call whose caller holds the key, though the call itself may be a copy. */
  async #judge(head: Seal, request: PeerRequest): Promise<Answer> {
    const [to = "", token = "", counter = ""] = head.words;
    const { id } = this.#options.self;
    if (to !== id) return encodeOutcome({ outcome: "otherNode", id });
    const admission = this.#sessions.admit(token, Number(counter));
    switch (admission.kind) {
      case "unknown":
        return encodeOutcome({ outcome: "unknownSession" });
      case "replayed":
        return encodeOutcome({ outcome: "replayed" });
      case "admitted":
        return await this.#receive(head, request, admission.from);
    }
  }

  async #receive(head: Seal, request: PeerRequest, from: Contact): Promise<Answer> {
    if (head.bodyBytes > FRAME_BYTES_MAX) return encodeOutcome({ outcome: "broken" });
    using deadline = receiveDeadline(this.#options.timers, head.bodyBytes);
    const taken = await this.#takeRoom(head.bodyBytes, deadline.signal).catch(() => undefined);
    if (taken === undefined) return encodeOutcome(refusal(new PeerFault("busy", "out of room")));
    using _room = taken;
    const bytes = await findBytes(request, head.bodyBytes, deadline.signal);
    const opened = bytes && openSealed(bytes, head);
    if (bytes === undefined || opened === undefined) return encodeOutcome({ outcome: "broken" });
    return await deliver(this.#options, from, bytes, opened.bodyHash);
  }

  /** Short calls are as free as connections: the cluster must live on, however slowly somebody sends large ones. */
  async #takeRoom(bytes: number, signal: AbortSignal): Promise<Disposable> {
    if (bytes <= LIMITS.peerReadWholeBytesMax) return NOTHING_TAKEN;
    return await this.#room.take(bytes, signal);
  }
}

/** Slower than a rate is as good as never: a sender of a byte now and then would hold its room for hours. */
function receiveDeadline(timers: Timers, bytes: number): Deadline {
  const ms = LIMITS.peerReceiveGraceMs + bytes / LIMITS.peerReceiveBytesPerSecondMin * 1000;
  return new Deadline(timers, ms, () => new Error(`${bytes} bytes took longer than ${ms} ms`));
}

/** The purpose and the request's own proof make it the answer to nothing else. */
function sealedResponse(
  key: ProofKey,
  purpose: "welcome" | "reply",
  request: Seal,
  body: Uint8Array<ArrayBuffer>,
): Response {
  const { text } = seal(key, purpose, [request.proof], [], body);
  const headers = { "content-type": "application/octet-stream", [SEAL_HEADER]: text };
  return new Response(body, { headers });
}
