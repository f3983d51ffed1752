/**
 * A Transport in which short calls to a peer travel together, on one long request whose body and answer both stay open: a call
 * costs a sixth of a request of its own. Long calls, the first ones to a peer, and all for which there is no link go by the
 * transport beneath: a link is never waited for, and whoever can't have one (a proxy in between that holds streams up) does without.
 *
 * A link is begun with a call, answered with a ticket that nobody has used, and so its key is one that only holders of the cluster's
 * key can make, and good for this link alone: what was recorded of another proves nothing in it.
 */

import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";
import { decodeFrame, FRAME_BYTES_MAX } from "./frame.ts";
import type { LinkMessage } from "./link_codec.ts";
import { LinkEnd } from "./link_end.ts";
import { LINK_KIND, linkHead, linkKey } from "./link_ticket.ts";
import { decodeAnswer, encodeMessage, readReply } from "./message_bytes.ts";
import { LINK_PATH } from "./paths.ts";
import type { ProofKey } from "./proof_key.ts";
import { type Contact, type Message, PeerError, type Reply, type Transport } from "./transport.ts";

export interface LinkTransportOptions {
  /** Closed by its owner, after this. */
  readonly inner: Transport & StreamOpener;
  readonly key: ProofKey;
  readonly timers: Timers;
}

export interface StreamOpener {
  openStreams(
    address: string,
    path: string,
    head: string,
    outgoing: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

export class LinkTransport implements Transport, AsyncDisposable {
  readonly #options: LinkTransportOptions;
  /** By address. */
  readonly #links = new Map<string, Link>();
  /** When another may be tried, by address; Infinity while one is being opened. */
  readonly #nextTry = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: LinkTransportOptions) {
    this.#options = options;
  }

  identify(address: string, timeoutMs: number): Promise<Contact> {
    return this.#options.inner.identify(address, timeoutMs);
  }

  async call(to: Contact, message: Message, timeoutMs: number): Promise<Reply> {
    const { inner } = this.#options;
    const isLong = (message.body?.length ?? 0) > LIMITS.linkCallBytesMax;
    const link = isLong ? undefined : this.#findLink(to);
    if (link === undefined) return await inner.call(to, message, timeoutMs);
    const bytes = encodeMessage(message);
    if (bytes.length > LIMITS.linkCallBytesMax) return await inner.call(to, message, timeoutMs);
    return await link.call(bytes, timeoutMs);
  }

  /** Gives up the calls under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(stopping());
    await Promise.all(this.#running);
  }

  /** The link to be used now; has one opened for later when there is none. */
  #findLink(to: Contact): Link | undefined {
    const link = this.#links.get(to.address);
    if (link?.isUsable && link.to.id === to.id) return link.isFull ? undefined : link;
    if (link !== undefined) {
      link.retire();
      this.#links.delete(to.address);
    }
    const now = this.#options.timers.elapsed();
    if (now >= (this.#nextTry.get(to.address) ?? -Infinity) && !this.#closing.signal.aborted) {
      this.#run(this.#open(to));
    }
    return undefined;
  }

  #run(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Opens a link and serves it until it ends. */
  async #open(to: Contact): Promise<void> {
    const { timers } = this.#options;
    this.#forgetOldTries();
    this.#nextTry.set(to.address, Infinity);
    try {
      const link = await this.#connect(to);
      this.#links.set(to.address, link);
      this.#nextTry.delete(to.address);
      await link.serve();
      if (this.#links.get(to.address) === link) this.#links.delete(to.address);
    } catch {
      // The calls go the other way, and are told what is wrong there.
      this.#nextTry.set(to.address, timers.elapsed() + LIMITS.linkRetryMs);
    }
  }

  async #connect(to: Contact): Promise<Link> {
    const { inner, key, timers } = this.#options;
    const late = new AbortController();
    const cancel = timers.after(LIMITS.linkOpenMsMax, () => late.abort(stopping()));
    try {
      const ask = { kind: LINK_KIND, data: {} };
      const { data: { ticket } } = await inner.call(to, ask, LIMITS.linkOpenMsMax);
      if (typeof ticket !== "string") throw new PeerError("failed", "it gave no ticket");
      const link = new Link(to, linkKey(key, ticket), timers, this.#closing.signal);
      const head = linkHead(key, ticket);
      const signal = AbortSignal.any([link.signal, late.signal]);
      const { outgoing } = link.end;
      link.incoming = await inner.openStreams(to.address, LINK_PATH, head, outgoing, signal);
      return link;
    } finally {
      cancel();
    }
  }

  #forgetOldTries(): void {
    const now = this.#options.timers.elapsed();
    for (const [address, until] of this.#nextTry) if (until <= now) this.#nextTry.delete(address);
  }
}

interface Call {
  readonly resolve: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: PeerError) => void;
}

class Link {
  readonly to: Contact;
  readonly end: LinkEnd;
  incoming: ReadableStream<Uint8Array> | undefined;
  readonly #timers: Timers;
  readonly #closing = new AbortController();
  readonly #calls = new Map<number, Call>();
  #number = 0;
  #usedAt: number;
  #isRetired = false;

  constructor(to: Contact, key: ProofKey, timers: Timers, stop: AbortSignal) {
    this.to = to;
    this.#timers = timers;
    this.#usedAt = timers.elapsed();
    this.end = new LinkEnd({
      key,
      sends: "calls",
      messageBytesMax: FRAME_BYTES_MAX,
      messagesMax: LIMITS.peerCallsAtOnceMax,
    });
    const close = () => this.#close();
    stop.addEventListener("abort", close);
    this.signal.addEventListener("abort", () => stop.removeEventListener("abort", close));
    if (stop.aborted) close();
  }

  /** Aborted when the link is to be closed. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** One that was idle for long may lead nowhere since the network was cut. */
  get isUsable(): boolean {
    const idleMs = this.#timers.elapsed() - this.#usedAt;
    return !this.#isRetired && (this.#calls.size > 0 || idleMs < LIMITS.linkIdleMs);
  }

  get isFull(): boolean {
    return this.#calls.size >= LIMITS.peerCallsAtOnceMax;
  }

  async call(bytes: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<Reply> {
    const { address } = this.to;
    const answer = await this.#exchange(bytes, timeoutMs);
    const reply = readReply(address, decodeAnswer(address, () => decodeFrame(answer)));
    if (reply === "unknownSession") throw new PeerError("failed", `${address} couldn't`);
    return reply;
  }

  /** Takes no more calls; is closed when those under way have ended. */
  retire(): void {
    this.#isRetired = true;
    if (this.#calls.size === 0) this.#close();
  }

  /** Resolves when the link has ended, however. */
  async serve(): Promise<void> {
    try {
      if (this.incoming !== undefined) {
        await this.end.receive(this.incoming, (messages) => this.#take(messages));
      }
    } catch {
      // What came of the calls isn't known: that is all there is to say.
    } finally {
      this.#close();
    }
  }

  #exchange(bytes: Uint8Array<ArrayBuffer>, timeoutMs: number): Promise<Uint8Array<ArrayBuffer>> {
    const number = this.#number = (this.#number + 1) >>> 0;
    this.#usedAt = this.#timers.elapsed();
    return new Promise((resolve, reject) => {
      const cancel = this.#timers.after(timeoutMs, () => {
        this.#calls.get(number)?.reject(
          new PeerError("timeout", `${this.to.address} didn't answer in ${timeoutMs} ms`),
        );
        // Perhaps it is slow, perhaps the network was cut: the next call finds out on another connection.
        this.retire();
      });
      const ended = <T>(settle: (value: T) => void) => (value: T) => {
        cancel();
        this.#calls.delete(number);
        if (this.#isRetired && this.#calls.size === 0) this.#close();
        settle(value);
      };
      this.#calls.set(number, { resolve: ended(resolve), reject: ended(reject) });
      this.end.send({ number, bytes });
    });
  }

  #take(messages: readonly LinkMessage[]): void {
    this.#usedAt = this.#timers.elapsed();
    for (const { number, bytes } of messages) this.#calls.get(number)?.resolve(bytes);
  }

  #close(): void {
    this.#isRetired = true;
    const error = new PeerError("unreachable", `the link to ${this.to.address} was closed`);
    for (const call of Array.from(this.#calls.values())) call.reject(error);
    this.end.end();
    this.#closing.abort(error);
  }
}

function stopping(): PeerError {
  return new PeerError("unreachable", "this node is stopping");
}
