/**
 * The iterative lookup of the Kademlia paper (section 2.3) for nodes near a target. `Lookup` decides whom to ask next and when to
 * end, without time or network; `driveLookup` does the asking.
 */

import { LIMITS } from "../limits.ts";
import type { Contact, NodeId } from "../peer/transport.ts";
import type { Timers } from "../timers.ts";
import type { DhtKey } from "./dht.ts";
import { insertByDistance } from "./distance.ts";

/**
 * new: heard of. asked: called, no answer yet. slow: the same, but too long ago to be waited for. failed: the call failed.
 */
type State = "new" | "asked" | "slow" | "answered" | "failed";

interface Candidate {
  readonly id: NodeId;
  /** Where others say that it is: it may have moved, or somebody lies. Tried one after the other. */
  readonly addresses: string[];
  /** How many of the addresses failed. */
  failed: number;
  /** Whether it has been asked a second time. */
  isAskedAgain: boolean;
  state: State;
  /** How many calls after one another led to this node, the call to itself included. */
  readonly hops: number;
}

export interface LookupOptions {
  /** This node: it isn't asked, and isn't part of the result. */
  readonly self: NodeId;
  /** How many nodes to find. */
  readonly k: number;
  /** How many to ask at once. */
  readonly alpha: number;
  readonly messagesMax?: number;
}

/** What a lookup took. */
export interface LookupReport {
  readonly messages: number;
  /** Nodes that didn't answer, or not in time, or nonsense. */
  readonly failures: number;
  /** Calls after one another that led to the nearest node found; 0 when none was. */
  readonly hops: number;
}

/**
 * The state of one lookup. The k nearest nodes heard of are asked, α at a time; when the answers of a round name none that is nearer
 * than the nearest known, all that are left of the k at once. It ends when the k nearest have answered. Nodes that fail are skipped,
 * nodes that are slow too, until they answer.
 */
export class Lookup {
  readonly #target: DhtKey;
  readonly #options: Required<LookupOptions>;
  readonly #candidates = new Map<NodeId, Candidate>();
  /** The same, nearest first. */
  readonly #byDistance: Candidate[] = [];
  #messages = 0;
  #failures = 0;
  /** Calls that ended since a node was heard of that is nearer than all before. */
  #endedSinceNearer = 0;
  #isEnded = false;

  constructor(target: DhtKey, options: LookupOptions) {
    this.#target = target;
    this.#options = { messagesMax: LIMITS.dhtLookupMessagesMax, ...options };
  }

  /** Takes nodes to start from. */
  offer(contacts: Iterable<Contact>): void {
    for (const contact of contacts) this.#hear(contact, 1);
  }

  /** The contacts that are to be asked now: what comes of each call must be told. */
  take(): Contact[] {
    if (this.#isEnded) return [];
    const frontier = this.#frontier();
    const { k, alpha, messagesMax } = this.#options;
    const atOnce = this.#endedSinceNearer >= alpha ? k : alpha;
    const inFlight = frontier.filter(({ state }) => state === "asked").length;
    const room = Math.min(atOnce - inFlight, messagesMax - this.#messages);
    const taken = frontier.filter(({ state }) => state === "new").slice(0, Math.max(room, 0));
    this.#messages += taken.length;
    for (const candidate of taken) candidate.state = "asked";
    return taken.map(contactOf);
  }

  /** Takes the nodes that an answer names. */
  answered(id: NodeId, contacts: readonly Contact[]): void {
    const candidate = this.#candidates.get(id);
    if (candidate === undefined || candidate.state === "answered") return;
    candidate.state = "answered";
    this.#endedSinceNearer++;
    for (const contact of contacts.slice(0, LIMITS.dhtAnswerContactsMax)) {
      this.#hear(contact, candidate.hops + 1);
    }
  }

  /** Hears that there is no answer yet: the message may be lost, so the node is asked once more; then it goes on without. */
  slow(id: NodeId): void {
    const candidate = this.#candidates.get(id);
    if (candidate?.state !== "asked") return;
    candidate.state = candidate.isAskedAgain ? "slow" : "new";
    candidate.isAskedAgain = true;
    this.#endedSinceNearer++;
  }

  failed(id: NodeId): void {
    const candidate = this.#candidates.get(id);
    if (candidate === undefined || candidate.state === "answered") return;
    this.#failures++;
    this.#endedSinceNearer++;
    candidate.failed++;
    candidate.state = candidate.failed < candidate.addresses.length ? "new" : "failed";
  }

  /** Ends it here: what was looked for is found. */
  end(): void {
    this.#isEnded = true;
  }

  get isDone(): boolean {
    if (this.#isEnded) return true;
    const frontier = this.#frontier();
    if (frontier.some(({ state }) => state === "asked")) return false;
    const canAsk = this.#messages < this.#options.messagesMax;
    if (canAsk && frontier.some(({ state }) => state === "new")) return false;
    const answers = frontier.filter(({ state }) => state === "answered").length;
    return answers >= this.#options.k || !this.#byDistance.some(({ state }) => state === "slow");
  }

  /** Those that answered, nearest first: the first k are the result. */
  get found(): Contact[] {
    return this.#byDistance.filter(({ state }) => state === "answered").map(contactOf);
  }

  get report(): LookupReport {
    const hops = this.#byDistance.find(({ state }) => state === "answered")?.hops ?? 0;
    return { messages: this.#messages, failures: this.#failures, hops };
  }

  #hear({ id, address }: Contact, hops: number): void {
    if (id === this.#options.self) return;
    const known = this.#candidates.get(id);
    if (known !== undefined) return hearAddress(known, address);
    const candidate: Candidate = {
      id,
      addresses: [address],
      failed: 0,
      isAskedAgain: false,
      state: "new",
      hops,
    };
    this.#candidates.set(id, candidate);
    insertByDistance(this.#target, this.#byDistance, candidate);
    if (this.#byDistance[0] === candidate) this.#endedSinceNearer = 0;
  }

  /** The k nearest of those that count. */
  #frontier(): Candidate[] {
    const frontier: Candidate[] = [];
    for (const candidate of this.#byDistance) {
      if (candidate.state === "failed" || candidate.state === "slow") continue;
      if (frontier.push(candidate) >= this.#options.k) break;
    }
    return frontier;
  }
}

function contactOf({ id, addresses, failed }: Candidate): Contact {
  return { id, address: addresses[failed] ?? "" };
}

function hearAddress(known: Candidate, address: string): void {
  if (known.addresses.includes(address)) return;
  if (known.addresses.length >= LIMITS.dhtAddressesTriedMax) return;
  known.addresses.push(address);
  if (known.state === "failed") known.state = "new";
}

export interface DriveOptions {
  readonly timers: Timers;
  /** After how long a call isn't waited for any more. */
  readonly slowMs: number;
  /** Ends the lookup with what has been found. */
  readonly signal: AbortSignal;
}

/**
 * Runs the lookup to its end. `ask` resolves to the nodes that an answer names, or undefined when there was none; when it rejects, so
 * does this. Calls that aren't needed any more may still be going on when it resolves; all timers are cancelled.
 */
export async function driveLookup(
  lookup: Lookup,
  ask: (contact: Contact) => Promise<readonly Contact[] | undefined>,
  { timers, slowMs, signal }: DriveOptions,
): Promise<void> {
  const end = Promise.withResolvers<void>();
  const cancels = new Set<() => void>();
  let isOver = false;
  const step = () => {
    if (isOver) return;
    if (lookup.isDone || signal.aborted) return end.resolve();
    for (const contact of lookup.take()) call(contact).catch(end.reject);
  };
  const call = async ({ id, address }: Contact) => {
    const cancel = timers.after(slowMs, () => {
      lookup.slow(id);
      step();
    });
    cancels.add(cancel);
    const contacts = await ask({ id, address });
    cancel();
    cancels.delete(cancel);
    if (contacts === undefined) lookup.failed(id);
    else lookup.answered(id, contacts);
    step();
  };
  signal.addEventListener("abort", step);
  try {
    step();
    await end.promise;
  } finally {
    isOver = true;
    signal.removeEventListener("abort", step);
    for (const cancel of cancels) cancel();
  }
}
