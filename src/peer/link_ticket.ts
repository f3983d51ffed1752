/** How a link begins: the caller asks for a ticket in a call, and shows it, with a proof, on the connection that becomes the link. */

import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";
import { LINK_PATH } from "./paths.ts";
import type { ProofKey } from "./proof_key.ts";
import type { Contact } from "./transport.ts";

/** The kind of the call that asks for a ticket. */
export const LINK_KIND = "peer.link";

const TICKET_BYTES = 16;

/** The value of the header with which the link is asked for. */
export function linkHead(key: ProofKey, ticket: string): string {
  return `${ticket} ${key.prove("link", [LINK_PATH, ticket])}`;
}

/** The ticket of such a value; undefined if nobody who holds the key has made it. */
export function findTicket(key: ProofKey, head: string | null): string | undefined {
  if (head === null || head.length > LIMITS.peerHeadCharsMax) return undefined;
  const [ticket = "", proof = ""] = head.split(" ");
  return key.isProof(proof, "link", [LINK_PATH, ticket]) ? ticket : undefined;
}

/** The key that the link's messages are proven with. */
export function linkKey(key: ProofKey, ticket: string): ProofKey {
  return key.derive("linkKey", [ticket]);
}

/** The tickets given out and not used yet. Each is good once, and for a short time. */
export class LinkTickets {
  readonly #timers: Pick<Timers, "elapsed">;
  readonly #random: Random;
  /** Oldest first. */
  readonly #tickets = new Map<string, { readonly from: Contact; readonly endsMs: number }>();

  constructor(timers: Pick<Timers, "elapsed">, random: Random) {
    this.#timers = timers;
    this.#random = random;
  }

  issue(from: Contact): string {
    const ticket = this.#random.bytes(TICKET_BYTES).toHex();
    this.#tickets.set(ticket, { from, endsMs: this.#timers.elapsed() + LIMITS.linkTicketMsMax });
    for (const oldest of this.#tickets.keys()) {
      if (this.#tickets.size <= LIMITS.linkTicketsMax) break;
      this.#tickets.delete(oldest);
    }
    return ticket;
  }

  /** Who was given the ticket; undefined if it isn't good, or not any more. */
  take(ticket: string): Contact | undefined {
    const known = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return known !== undefined && this.#timers.elapsed() < known.endsMs ? known.from : undefined;
  }
}
