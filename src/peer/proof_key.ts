/** A secret key that proves who said something. It can be used, but not read, printed or logged. */

import type { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { isSameText } from "../constant_time.ts";

/** What is being proved. No proof of one purpose is one of another. */
export type ProofPurpose =
  | "hello"
  | "welcome"
  | "call"
  | "reply"
  | "token"
  | "link"
  | "linkKey"
  | "beacon";

// Changes when what is proved changes: nodes of different protocols are strangers, not a puzzle.
const PROTOCOL = "zs3 peer 2";

export class ProofKey {
  readonly #key: Uint8Array;

  /** The key must be of 32 bytes that nobody can guess. */
  constructor(key: Uint8Array) {
    if (key.length !== 32) throw new RangeError("a proof key has 32 bytes");
    this.#key = new Uint8Array(key);
  }

  /** Hex HMAC-SHA256 over the purpose and the facts, which can't be read in another way: as JSON they have one text each. */
  prove(purpose: ProofPurpose, facts: readonly string[]): string {
    return this.#prove(purpose, facts).toString("hex");
  }

  /** In a time that doesn't tell how much of the proof is right. */
  isProof(proof: string, purpose: ProofPurpose, facts: readonly string[]): boolean {
    return isSameText(this.prove(purpose, facts), proof);
  }

  /** A key that only those know who know this one and the facts. */
  derive(purpose: ProofPurpose, facts: readonly string[]): ProofKey {
    return new ProofKey(this.#prove(purpose, facts));
  }

  /** HMAC-SHA256 over two pieces of bytes, the first of a fixed length: for a key that is used for nothing else. */
  stamp(head: Uint8Array, bytes: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(head).update(bytes).digest();
  }

  #prove(purpose: ProofPurpose, facts: readonly string[]): Buffer {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([PROTOCOL, purpose, ...facts]))
      .digest();
  }
}
