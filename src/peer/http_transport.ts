/**
 * The calling side of the peer protocol, over `fetch`. Knows no kinds of messages.
 *
 * It POSTs to two paths and follows no redirect, so no answer can send it elsewhere; and no byte of an answer is used before its
 * head has proved that a holder of the key made it for this very request.
 *
 * A call goes out once. Only when the peer proves that it doesn't know the call's session, and so hasn't taken the call in it, is
 * it sent once more in a new one. Who can hold and copy packets while the peer restarts could have the call made in the process
 * before and in the one after; that it costs a hello instead of an error whenever a peer was restarted is worth it, since
 * handlers must bear being asked again.
 */

import { Budget } from "../budget.ts";
import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { JsonObject } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import { isAddress } from "./address.ts";
import { Deadline, orAborted } from "./deadline.ts";
import { openDirectClient } from "./direct_client.ts";
import { decodeFrame, decodeJson, FRAME_BYTES_MAX } from "./frame.ts";
import { createHello, isWelcome, type SelfNode } from "./hello.ts";
import { decodeAnswer, encodeMessage, excuse, readReply } from "./message_bytes.ts";
import { CALL_PATH, HELLO_PATH } from "./paths.ts";
import type { ProofKey } from "./proof_key.ts";
import { findBytes } from "./receive.ts";
import { findSeal, openSealed, seal, SEAL_HEADER } from "./seal.ts";
import {
  type Contact,
  type Message,
  type NodeId,
  PeerError,
  type Reply,
  type Transport,
} from "./transport.ts";

export interface HttpTransportOptions {
  readonly self: SelfNode;
  readonly key: ProofKey;
  readonly timers: Timers;
  readonly random: Random;
  /** What must be the same on all nodes of the cluster. */
  readonly config: JsonObject;
  readonly scheme: "http" | "https";
  /** PEM, in addition to the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** The address of this machine to connect from. */
  readonly localAddress?: string | undefined;
}

/** What a peer gave us to call it with. */
interface Session {
  readonly peer: NodeId;
  readonly bootId: string;
  readonly token: string;
  /** On our own clock; before it ends on the peer's. */
  readonly endsMs: number;
  calls: number;
}

interface Post {
  readonly path: string;
  readonly purpose: "hello" | "call";
  readonly answerPurpose: "welcome" | "reply";
  readonly words: readonly string[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly bodyHash?: string | undefined;
  readonly answerBytesMax: number;
}

interface Answer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bodyHash: string | undefined;
}

const TRIES = 2;

export class HttpTransport implements Transport, AsyncDisposable {
  readonly #options: HttpTransportOptions;
  readonly #client: Deno.HttpClient;
  /** By address, least recently made first. */
  readonly #sessions = new Map<string, Session>();
  readonly #hellos = new Map<string, Promise<Session>>();
  readonly #lines = new Map<string, Budget>();
  readonly #running = new Map<Deadline, Promise<unknown>>();
  #observedAddress: string | undefined;
  #isClosed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#client = openDirectClient(options);
  }

  /** Where the peer that answered the last hello would call this node. */
  get observedAddress(): string | undefined {
    return this.#observedAddress;
  }

  /**
   * Throws PeerError; "refused" with the code "duplicateId" when another process has this node's id, "config" when it counts
   * differently. Our own address is answered by ourselves.
   */
  async identify(address: string, timeoutMs: number): Promise<Contact> {
    const { id } = await this.meet(address, timeoutMs);
    return { id, address };
  }

  /** Which process of which node answers at the address. Throws as `identify`. */
  async meet(address: string, timeoutMs: number): Promise<Pick<SelfNode, "id" | "bootId">> {
    return await this.#within(address, timeoutMs, async (signal) => {
      const { peer, bootId } = await orAborted(this.#greet(address), signal);
      return { id: peer, bootId };
    });
  }

  /**
   * Beside what the handler refuses, "refused" has the codes of `identify`, "tooLarge" (LIMITS.peerJsonBytesMax and
   * peerBodyBytesMax, of the message or the reply) and "busy": the peer has too much to receive at once.
   */
  async call(to: Contact, message: Message, timeoutMs: number): Promise<Reply> {
    const { address } = to;
    const body = encodeMessage(message);
    return await this.#within(address, timeoutMs, async (signal) => {
      using _turn = await this.#takeTurn(address, signal);
      for (let tries = 1;; tries++) {
        const session = await this.#findSession(to, signal);
        const post = callPost(session, body, message.bodyHash);
        const { bytes, bodyHash } = await this.#post(address, post, signal);
        const reply = readReply(address, decodeAnswer(address, () => decodeFrame(bytes)));
        if (reply !== "unknownSession") {
          return bodyHash === undefined ? reply : { ...reply, bodyHash };
        }
        this.#forget(address, session);
        if (tries === TRIES) throw new PeerError("failed", `${address} forgets sessions at once`);
      }
    });
  }

  /**
   * A request whose body and whose answer's are streams that stay open together, until either ends or the signal is aborted. Nobody
   * has proved anything by that. Throws PeerError "unreachable", "stranger".
   */
  async openStreams(
    address: string,
    path: string,
    head: string,
    outgoing: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    if (this.#isClosed) throw closed();
    const { status, body } = await this.#fetch(address, { path, body: outgoing }, head, signal);
    if (status === 200 && body !== null) return body;
    void body?.cancel().catch(() => {});
    throw new PeerError("stranger", `${address} didn't take the link`);
  }

  /** Gives up the calls under way, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const deadline of this.#running.keys()) deadline.abort(closed());
    await Promise.allSettled(this.#running.values());
    this.#client.close();
  }

  /** Runs `work` with a signal that ends it in time, or when the transport is disposed. */
  #within<T>(
    address: string,
    timeoutMs: number,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#isClosed) return Promise.reject(closed());
    const late = () => new PeerError("timeout", `${address} didn't answer in ${timeoutMs} ms`);
    const deadline = new Deadline(this.#options.timers, timeoutMs, late);
    const running = work(deadline.signal).finally(() => {
      deadline[Symbol.dispose]();
      this.#running.delete(deadline);
    });
    this.#running.set(deadline, running);
    return running;
  }

  /** A bound for each peer: each call under way is a connection, and so a file descriptor, on both sides. */
  async #takeTurn(address: string, signal: AbortSignal): Promise<Disposable> {
    const line = this.#lines.get(address) ??
      new Budget(LIMITS.peerCallsAtOnceMax, LIMITS.peerCallsWaitingMax);
    this.#lines.set(address, line);
    const turn = await line.take(1, signal).catch((error) => {
      if (error instanceof PeerError) throw error;
      throw new PeerError("unreachable", `too many calls wait for ${address}`);
    });
    return {
      [Symbol.dispose]: () => {
        turn[Symbol.dispose]();
        if (line.isIdle && this.#lines.get(address) === line) this.#lines.delete(address);
      },
    };
  }

  async #findSession(to: Contact, signal: AbortSignal): Promise<Session> {
    const known = this.#sessions.get(to.address);
    const isGood = known?.peer === to.id && this.#options.timers.elapsed() < known.endsMs;
    const session = isGood ? known : await orAborted(this.#greet(to.address), signal);
    if (session.peer === to.id) return session;
    throw new PeerError("otherNode", `${to.address} is ${session.peer}, not ${to.id}`);
  }

  /** Says hello; calls that need a session at the same time share one. */
  #greet(address: string): Promise<Session> {
    const started = this.#hellos.get(address);
    if (started !== undefined) return started;
    const hello = this.#within(
      address,
      LIMITS.peerHelloMsMax,
      (signal) => this.#hello(address, signal),
    )
      .finally(() => this.#hellos.delete(address));
    this.#hellos.set(address, hello);
    return hello;
  }

  async #hello(address: string, signal: AbortSignal): Promise<Session> {
    const { self, config, random, timers } = this.#options;
    const startedMs = timers.elapsed();
    const body = new TextEncoder().encode(JSON.stringify(createHello(self, config, random)));
    const { bytes } = await this.#post(address, helloPost(body), signal);
    const welcome = decodeAnswer(address, () => decodeJson(bytes));
    if (!isWelcome(welcome)) throw excuse(address, welcome);
    this.#observedAddress = welcome.seenAs;
    const { id: peer, bootId, token, tokenMs } = welcome;
    const session = { peer, bootId, token, endsMs: startedMs + tokenMs * 3 / 4, calls: 0 };
    this.#remember(address, session);
    return session;
  }

  #remember(address: string, session: Session): void {
    this.#sessions.delete(address);
    this.#sessions.set(address, session);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= LIMITS.peerSessionsMax) return;
      this.#sessions.delete(oldest);
    }
  }

  #forget(address: string, session: Session): void {
    if (this.#sessions.get(address) === session) this.#sessions.delete(address);
  }

  /** The body of the answer, once proven. Throws PeerError. */
  async #post(address: string, post: Post, signal: AbortSignal): Promise<Answer> {
    const { key } = this.#options;
    const { purpose, path, words, body, bodyHash } = post;
    const request = seal(key, purpose, [path], words, body, bodyHash);
    const response = await this.#fetch(address, post, request.text, signal);
    const head = response.status === 200 ? response.headers.get(SEAL_HEADER) : null;
    const answer = findSeal(key, post.answerPurpose, [request.proof], head);
    if (answer === undefined || answer.bodyBytes > post.answerBytesMax) {
      void response.body?.cancel().catch(() => {});
      throw new PeerError("stranger", `${address} didn't prove to be of this cluster`);
    }
    const bytes = await findBytes(response, answer.bodyBytes, signal);
    signal.throwIfAborted();
    if (bytes === undefined) throw new PeerError("unreachable", `${address} broke off its answer`);
    const opened = openSealed(bytes, answer);
    if (opened === undefined) {
      throw new PeerError("stranger", `the answer of ${address} was altered on its way`);
    }
    return { bytes, bodyHash: opened.bodyHash };
  }

  async #fetch(
    address: string,
    { path, body }: { readonly path: string; readonly body: NonNullable<BodyInit> },
    head: string,
    signal: AbortSignal,
  ): Promise<Response> {
    if (!isAddress(address)) throw new PeerError("unreachable", `${address} is no address`);
    try {
      return await fetch(`${this.#options.scheme}://${address}${path}`, {
        method: "POST",
        headers: {
          [SEAL_HEADER]: head,
          "accept-encoding": "identity",
          "content-type": "application/octet-stream",
        },
        body,
        redirect: "manual",
        signal,
        client: this.#client,
      });
    } catch (cause) {
      if (cause instanceof PeerError) throw cause; // the signal's reason
      throw new PeerError("unreachable", `${address} can't be reached`, undefined, { cause });
    }
  }
}

function helloPost(body: Uint8Array<ArrayBuffer>): Post {
  return {
    path: HELLO_PATH,
    purpose: "hello",
    answerPurpose: "welcome",
    words: [],
    body,
    answerBytesMax: LIMITS.peerHelloBytesMax,
  };
}

/** Counts the call: to be posted at once, so that calls come about in the order of their numbers. */
function callPost(
  session: Session,
  body: Uint8Array<ArrayBuffer>,
  bodyHash: string | undefined,
): Post {
  session.calls++;
  return {
    path: CALL_PATH,
    purpose: "call",
    answerPurpose: "reply",
    words: [session.peer, session.token, String(session.calls)],
    body,
    bodyHash,
    answerBytesMax: FRAME_BYTES_MAX,
  };
}

function closed(): PeerError {
  return new PeerError("unreachable", "this node is stopping");
}
