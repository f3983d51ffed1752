/**
 * The head of a request or reply between nodes: one line of words, the length and hash of the body, and a proof over all of it.
 * It is checked before a byte of the body is taken, so strangers can't make a node buffer anything.
 */

import { createHash } from "node:crypto";
import { LIMITS } from "../limits.ts";
import type { ProofKey, ProofPurpose } from "./proof_key.ts";

/** The HTTP header that carries it, in requests and replies. */
export const SEAL_HEADER = "x-zs3-peer";

export interface Seal {
  /** Without blanks inside, none of them empty. */
  readonly words: readonly string[];
  readonly bodyBytes: number;
  /** Hex. */
  readonly bodySha256: string;
  /** Names this very head: what a reply is bound to. */
  readonly proof: string;
}

const BODY_BYTES = /^(?:0|[1-9]\d{0,9})$/;

/** The value for the header, and its proof. `context`: what both sides know without being told. */
export function seal(
  key: ProofKey,
  purpose: ProofPurpose,
  context: readonly string[],
  words: readonly string[],
  body: Uint8Array,
): { readonly text: string; readonly proof: string } {
  const sealed = [...words, String(body.length), sha256(body)];
  const proof = key.prove(purpose, [...context, ...sealed]);
  return { text: [...sealed, proof].join(" "), proof };
}

/** undefined for anything but a head that a holder of the key made for this purpose and context. */
export function findSeal(
  key: ProofKey,
  purpose: ProofPurpose,
  context: readonly string[],
  text: string | null,
): Seal | undefined {
  if (text === null || text.length > LIMITS.peerHeadCharsMax) return undefined;
  const sealed = text.split(" ");
  const proof = sealed.pop() ?? "";
  if (!key.isProof(proof, purpose, [...context, ...sealed])) return undefined;
  const [bodyBytes, bodySha256] = sealed.splice(-2);
  if (bodyBytes === undefined || bodySha256 === undefined) return undefined;
  if (!BODY_BYTES.test(bodyBytes)) return undefined;
  return { words: sealed, bodyBytes: Number(bodyBytes), bodySha256, proof };
}

export function isSealed(body: Uint8Array, { bodyBytes, bodySha256 }: Seal): boolean {
  return body.length === bodyBytes && sha256(body) === bodySha256;
}

function sha256(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
