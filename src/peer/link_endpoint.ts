/**
 * The side of links that is called: gives out tickets, and answers what comes on a connection that was opened with one. Who has no
 * ticket gets 403 and nothing else.
 */

import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";
import { deliver, encodeOutcome } from "./delivery.ts";
import type { LinkMessage } from "./link_codec.ts";
import { LinkEnd } from "./link_end.ts";
import { findTicket, LINK_KIND, linkKey, LinkTickets } from "./link_ticket.ts";
import { refusal } from "./outcome.ts";
import type { ProofKey } from "./proof_key.ts";
import { SEAL_HEADER } from "./seal.ts";
import { type Contact, type MessageHandler, PeerFault } from "./transport.ts";

export interface LinkEndpointOptions {
  readonly key: ProofKey;
  readonly timers: Timers;
  readonly random: Random;
  /** Answers the calls of all links. */
  readonly handler: MessageHandler;
  /** Told what a handler threw that wasn't a PeerFault. */
  readonly onFault: (cause: unknown) => void;
}

export class LinkEndpoint {
  readonly #options: LinkEndpointOptions;
  readonly #tickets: LinkTickets;
  readonly #links = new Set<ServedLink>();

  constructor(options: LinkEndpointOptions) {
    this.#options = options;
    this.#tickets = new LinkTickets(options.timers, options.random);
  }

  /** For the endpoint that takes calls one by one: answers those for a ticket, and hands on all others. */
  readonly handler: MessageHandler = async (from, message) => {
    if (message.kind !== LINK_KIND) return await this.#options.handler(from, message);
    return { data: { ticket: this.#tickets.issue(from) } };
  };

  get linkCount(): number {
    return this.#links.size;
  }

  /** Answers a POST to LINK_PATH. */
  handle(request: Pick<Request, "headers" | "body" | "method">): Response {
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const { key } = this.#options;
    const ticket = findTicket(key, request.headers.get(SEAL_HEADER));
    const from = ticket === undefined ? undefined : this.#tickets.take(ticket);
    if (ticket === undefined || from === undefined || request.body === null) {
      return new Response(null, { status: 403 });
    }
    const link = new ServedLink(this.#options, from, linkKey(key, ticket));
    this.#links.add(link);
    link.serve(request.body).finally(() => this.#links.delete(link));
    return new Response(link.outgoing, { headers: { "content-type": "application/octet-stream" } });
  }

  /** Answers what has come, and ends all links. */
  close(): void {
    for (const link of this.#links) link.close();
  }
}

class ServedLink {
  readonly #options: LinkEndpointOptions;
  readonly #from: Contact;
  readonly #end: LinkEnd;
  #underWay = 0;
  #heardAt: number;
  #isClosing = false;
  #cancelIncoming = () => {};

  constructor(options: LinkEndpointOptions, from: Contact, key: ProofKey) {
    this.#options = options;
    this.#from = from;
    this.#heardAt = options.timers.elapsed();
    this.#end = new LinkEnd({
      key,
      sends: "answers",
      messageBytesMax: LIMITS.linkCallBytesMax,
      messagesMax: LIMITS.peerCallsAtOnceMax,
    });
  }

  get outgoing(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#end.outgoing;
  }

  /** Resolves when nothing comes any more, or nothing that is proven. */
  async serve(incoming: ReadableStream<Uint8Array>): Promise<void> {
    const stopped = Promise.withResolvers<void>();
    this.#cancelIncoming = stopped.resolve;
    const cancelWatch = this.#watch();
    try {
      await Promise.race([
        this.#end.receive(incoming, (messages) => this.#take(messages)),
        stopped.promise,
      ]);
    } catch {
      // Whoever it was, nobody who can be told.
    } finally {
      cancelWatch();
      this.close();
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#cancelIncoming();
    if (this.#underWay === 0) this.#end.end();
  }

  #take(messages: readonly LinkMessage[]): void {
    this.#heardAt = this.#options.timers.elapsed();
    for (const message of messages) void this.#answer(message);
  }

  async #answer({ number, bytes }: LinkMessage): Promise<void> {
    if (this.#isClosing) return;
    this.#underWay++;
    const isBusy = this.#underWay > LIMITS.peerCallsAtOnceMax;
    const answer = isBusy
      ? encodeOutcome(refusal(new PeerFault("busy", "too many calls at once")))
      : await deliver(this.#options, this.#from, bytes);
    this.#end.send({ number, bytes: answer });
    this.#underWay--;
    if (this.#isClosing && this.#underWay === 0) this.#end.end();
  }

  /** A caller that is gone without a word would hold the connection forever. */
  #watch(): () => void {
    const { timers } = this.#options;
    let cancel = () => {};
    const look = () => {
      if (timers.elapsed() - this.#heardAt > LIMITS.linkSilentMsMax) this.close();
      else cancel = timers.after(LIMITS.linkSilentMsMax / 2, look);
    };
    look();
    return () => cancel();
  }
}
