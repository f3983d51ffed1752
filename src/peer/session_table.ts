/**
 * The receiver's side of sessions: which caller a token was given to, and which of its calls have come.
 *
 * A token is freshness without clocks that agree: it was made by this process, not long ago on its own clock, so nothing that
 * was recorded before can be sent again. It carries its own proof, under a key that lives as long as the process, and takes no
 * memory until the first proven call: a stranger who repeats a hello gets tokens that it can't use, and costs nothing.
 *
 * Memory is bounded by forgetting the session that wasn't used for the longest time. With it goes the knowledge which of its
 * calls have come, so its token, and any older one that isn't in the table, must never open a session again: `#floor`.
 */

import { Buffer } from "node:buffer";
import type { Random } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";
import { ProofKey } from "./proof_key.ts";
import { ReplayWindow } from "./replay_window.ts";
import type { Contact } from "./transport.ts";

export type Admission =
  | { readonly kind: "admitted"; readonly from: Contact }
  /** Made by another process, too old, or forgotten. It wasn't admitted in this session; a new token is to be asked for. */
  | { readonly kind: "unknown" }
  /** Admitted before, or too far behind to know. */
  | { readonly kind: "replayed" };

interface Session {
  readonly serial: number;
  readonly issuedMs: number;
  readonly from: Contact;
  readonly window: ReplayWindow;
}

const KEY_BYTES = 32;

export class SessionTable {
  readonly #timers: Pick<Timers, "elapsed">;
  readonly #key: ProofKey;
  /** By token, least recently used first. */
  readonly #sessions = new Map<string, Session>();
  #serial = 0;
  /** The highest serial number of a forgotten session. */
  #floor = 0;

  constructor(timers: Pick<Timers, "elapsed">, random: Random) {
    this.#timers = timers;
    this.#key = new ProofKey(random.bytes(KEY_BYTES));
  }

  /** How many sessions take memory. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A token for a caller: text without blanks, valid for LIMITS.peerSessionMsMax. */
  issue({ id, address }: Contact): string {
    const text = JSON.stringify([++this.#serial, this.#timers.elapsed(), id, address]);
    const encoded = Buffer.from(text).toString("base64url");
    return `${encoded}.${this.#key.prove("token", [encoded])}`;
  }

  /** To be asked for proven calls only, once each: what is admitted won't be a second time. */
  admit(token: string, counter: number): Admission {
    const session = this.#sessions.get(token) ?? this.#parse(token);
    if (session === undefined) return { kind: "unknown" };
    // First of all: an old token's call that has come must not be called unknown, or it would be made again.
    if (!session.window.claim(counter)) return { kind: "replayed" };
    const ageMs = this.#timers.elapsed() - session.issuedMs;
    if (ageMs > LIMITS.peerSessionMsMax) return { kind: "unknown" };
    this.#remember(token, session);
    return { kind: "admitted", from: session.from };
  }

  /** A session that is new to the table, or undefined when the token isn't ours or might be a forgotten one's. */
  #parse(token: string): Session | undefined {
    const [encoded = "", proof = ""] = token.split(".");
    if (!this.#key.isProof(proof, "token", [encoded])) return undefined;
    const text = Buffer.from(encoded, "base64url").toString(); // proven to be what `issue` wrote
    const [serial, issuedMs, id, address]: [number, number, string, string] = JSON.parse(text);
    if (serial <= this.#floor) return undefined;
    const window = new ReplayWindow(LIMITS.peerReplayWindow);
    return { serial, issuedMs, from: { id, address }, window };
  }

  #remember(token: string, session: Session): void {
    this.#sessions.delete(token);
    this.#sessions.set(token, session);
    if (this.#sessions.size > LIMITS.peerSessionsMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const [token, { serial }] of this.#sessions) {
      this.#sessions.delete(token);
      this.#floor = Math.max(this.#floor, serial);
      return;
    }
  }
}
