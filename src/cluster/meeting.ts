/**
 * Meeting the other nodes: from the addresses that this one was told of, found, or knows from before, to views exchanged. What
 * follows from the views is the membership's matter.
 */

import type { Dht } from "../dht/dht.ts";
import { LIMITS } from "../limits.ts";
import { type Contact, PeerError, PeerFault, type Transport } from "../peer/transport.ts";
import type { Timers } from "../timers.ts";
import type { Membership } from "./membership.ts";
import { ignoreSilence } from "./quorum.ts";

export interface MeetingOptions {
  readonly self: Contact;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly membership: Membership;
  readonly dht: Pick<Dht, "seen" | "failed">;
  /** Addresses of nodes to join. */
  readonly bootstrap: readonly string[];
  /** How long the network has to name others. */
  readonly discoveryMs: number;
  readonly onRefused?: ((address: string, error: PeerError) => void) | undefined;
  readonly onFault: (what: string, error: unknown) => void;
}

/** Codes of refusals that say that this node can't be one of the cluster's as it is. */
const WILL_NOT_PASS: ReadonlySet<string> = new Set(["duplicateId", "config"]);

export class Meeting {
  readonly #options: MeetingOptions;
  /** Addresses that were found to be this node's own. */
  readonly #ownAddresses = new Set<string>();
  /** Those at which a node was met: it may go by another one since. */
  readonly #met = new Set<string>();
  readonly #discovered = new Set<string>();
  /** Why a node couldn't be met the last time, by address, and how often it was that. */
  readonly #unreached = new Map<string, { readonly reason: string; readonly times: number }>();
  readonly #startedAt: number;

  constructor(options: MeetingOptions) {
    this.#options = options;
    this.#startedAt = options.timers.elapsed();
  }

  /** Hears of an address; whether it is a new one. */
  discovered(address: string): boolean {
    const { membership } = this.#options;
    if (this.#ownAddresses.has(address) || this.#discovered.size >= LIMITS.membersMax) return false;
    if (membership.addresses().includes(address)) return false;
    this.#discovered.add(address);
    return true;
  }

  /** Asks at all addresses of which it isn't known yet which node is there, and exchanges views with who answers. */
  async meetUnmet(): Promise<void> {
    await Promise.all(
      this.#unmet().map(async (address) => {
        const contact = await this.#identify(address);
        this.#discovered.delete(address);
        if (contact === undefined) return;
        if (contact.id === this.#options.self.id) this.#ownAddresses.add(address);
        else await this.#tell(contact);
      }),
    );
  }

  /**
   * Everybody who was named is met, or is this node, and the network has had its time to name others. A node that begins a cluster
   * before that, alone or with others, would have to merge it with the one that those it hasn't met are in.
   */
  mayFound(): boolean {
    const { bootstrap, discoveryMs, timers, membership } = this.#options;
    const isMet = (address: string) => this.#ownAddresses.has(address) || this.#met.has(address);
    // Who was found may have met this node first.
    const known = new Set(membership.addresses());
    const isKnown = (address: string) => isMet(address) || known.has(address);
    if (!bootstrap.every(isMet) || !Array.from(this.#discovered).every(isKnown)) return false;
    if (membership.hasOthers) return true;
    return membership.formerAddresses().length === 0 &&
      timers.elapsed() - this.#startedAt >= discoveryMs;
  }

  /** Tells everybody, and hears from them. */
  async gossip(): Promise<void> {
    const { membership } = this.#options;
    const contacts = new Map<string, Contact>();
    for (const member of membership.others()) {
      const contact = membership.contactOf(member);
      if (contact !== undefined) contacts.set(contact.id, contact);
    }
    await Promise.all(Array.from(contacts.values(), (contact) => this.#tell(contact)));
  }

  #unmet(): string[] {
    const { bootstrap, membership } = this.#options;
    const former = membership.formerAddresses();
    const met = new Set([...membership.addresses(), ...this.#ownAddresses]);
    const named = [...bootstrap, ...this.#discovered];
    return [...former, ...named.filter((address) => !met.has(address))];
  }

  async #identify(address: string): Promise<Contact | undefined> {
    try {
      return await this.#options.transport.identify(address, LIMITS.viewCallMs);
    } catch (error) {
      ignoreSilence(error);
      this.#noteRefusal(address, error);
      this.#noteUnreached(address, error);
      return undefined;
    }
  }

  #noteRefusal(address: string, error: unknown): void {
    if (!(error instanceof PeerError && error.reason === "refused")) return;
    if (WILL_NOT_PASS.has(error.code ?? "")) this.#options.onRefused?.(address, error);
  }

  /** An operator who waits for a node to join wants to know why it doesn't: once for each reason, if it isn't just starting too. */
  #noteUnreached(address: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const known = this.#unreached.get(address);
    const times = known?.reason === reason ? known.times + 1 : 1;
    if (this.#unreached.size >= LIMITS.membersMax) this.#unreached.clear();
    this.#unreached.set(address, { reason, times });
    if (times !== LIMITS.triesBeforeTold) return;
    this.#options.onFault(`no node of this cluster was reached at ${address} yet`, error);
  }

  async #tell(contact: Contact): Promise<void> {
    const { transport, membership, dht } = this.#options;
    const message = { kind: "cluster.view", data: membership.view() };
    try {
      const { data } = await transport.call(contact, message, LIMITS.viewCallMs);
      dht.seen(contact);
      await membership.take(contact, data);
      if (this.#met.size < LIMITS.membersMax) this.#met.add(contact.address);
    } catch (error) {
      if (!(error instanceof PeerError || error instanceof PeerFault)) throw error;
      this.#noteRefusal(contact.address, error);
      membership.missed(contact.id);
      dht.failed(contact.id);
    }
  }
}
