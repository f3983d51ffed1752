/** Calls to members: who is meant in which incarnation, how many calls wait for one peer at most, and who was slow lately. */

import { LIMITS } from "../limits.ts";
import { type Message, PeerError, type Reply, type Transport } from "../peer/transport.ts";
import type { Timers } from "../timers.ts";
import type { Counters } from "./counters.ts";
import type { Membership } from "./membership.ts";
import type { MemberKey } from "./stages.ts";

export interface PeersOptions {
  readonly transport: Transport;
  readonly membership: Membership;
  readonly timers: Timers;
  readonly counters: Counters;
  /** Told of each member's answer or silence, for the DHT's routing table. */
  readonly onOutcome: (member: MemberKey, answered: boolean) => void;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #waiting = new Map<MemberKey, number>();
  readonly #signedMessages = new WeakMap<Message, Message>();
  readonly #suspectUntil = new Map<MemberKey, number>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Sends as this member to that one. Throws PeerError; an answer of another incarnation counts as none. */
  async call(member: MemberKey, message: Message, timeoutMs: number): Promise<Reply> {
    const { transport, membership, counters, onOutcome } = this.#options;
    const contact = membership.contactOf(member);
    if (contact === undefined) throw new PeerError("unreachable", "its address isn't known");
    const waiting = this.#waiting.get(member) ?? 0;
    if (waiting >= LIMITS.peerCallsMax) {
      throw new PeerError("unreachable", "too many calls wait for its answers");
    }
    this.#waiting.set(member, waiting + 1);
    counters.add("peer_calls");
    const { self } = membership;
    try {
      const reply = await transport.call(contact, this.#signed(message), timeoutMs);
      if (reply.data["as"] !== member) {
        throw new PeerError("otherNode", "it has become another member");
      }
      membership.heard(contact);
      this.#suspectUntil.delete(member);
      onOutcome(member, true);
      return reply;
    } catch (error) {
      this.#judge(self, member, error);
      throw error;
    } finally {
      this.#waiting.set(member, (this.#waiting.get(member) ?? 1) - 1);
    }
  }

  /** With this member as its sender; the same for all to whom the message goes. */
  #signed(message: Message): Message {
    const { self } = this.#options.membership;
    const known = this.#signedMessages.get(message);
    if (known?.data["as"] === self) return known;
    const signed = { ...message, data: { ...message.data, as: self } };
    this.#signedMessages.set(message, signed);
    return signed;
  }

  /** Whether the member gave no answer lately: others are asked first. */
  isSuspect(member: MemberKey): boolean {
    return (this.#suspectUntil.get(member) ?? -Infinity) > this.#options.timers.elapsed();
  }

  /** Has the member asked last for a while. */
  suspect(member: MemberKey): void {
    this.#suspectUntil.set(member, this.#options.timers.elapsed() + LIMITS.peerSuspectMs);
  }

  #judge(self: MemberKey, member: MemberKey, error: unknown): void {
    const { membership, counters, onOutcome } = this.#options;
    counters.add("peer_failures");
    if (!(error instanceof PeerError)) return;
    if (error.reason === "refused" && error.code === "expelled") membership.expelled(self);
    if (error.reason === "unreachable" || error.reason === "timeout") {
      this.suspect(member);
      onOutcome(member, false);
    }
  }
}
