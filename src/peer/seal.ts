/**
 * The head of a request or reply between nodes: one line of words, the length and hash of the body, and a proof over all of it.
 * It is checked before a byte of the body is taken, so strangers can't make a node buffer anything.
 */

import { createHash } from "node:crypto";
import { blake3Hex } from "../blake3.ts";
import { LIMITS } from "../limits.ts";
import { bodyStart } from "./frame.ts";
import type { ProofKey, ProofPurpose } from "./proof_key.ts";

/** The HTTP header that carries it, in requests and replies. */
export const SEAL_HEADER = "x-zs3-peer";

export interface Seal {
  /** Without blanks inside, none of them empty. */
  readonly words: readonly string[];
  readonly bodyBytes: number;
  /** See `digestOf`. */
  readonly bodyDigest: string;
  /** Names this very head: what a reply is bound to. */
  readonly proof: string;
}

const BODY_BYTES = /^(?:0|[1-9]\d{0,9})$/;

/** The value for the header, and its proof. `context`: what both sides know without being told. `bodyHash`: see `digestOf`. */
export function seal(
  key: ProofKey,
  purpose: ProofPurpose,
  context: readonly string[],
  words: readonly string[],
  body: Uint8Array,
  bodyHash?: string,
): { readonly text: string; readonly proof: string } {
  const sealed = [...words, String(body.length), digestOf(body, bodyHash).digest];
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
  const [bodyBytes, bodyDigest] = sealed.splice(-2);
  if (bodyBytes === undefined || bodyDigest === undefined) return undefined;
  if (!BODY_BYTES.test(bodyBytes)) return undefined;
  return { words: sealed, bodyBytes: Number(bodyBytes), bodyDigest, proof };
}

/** undefined when these aren't the bytes that were sealed; of a long frame's body the BLAKE3 hash, which was computed for that. */
export function openSealed(
  body: Uint8Array,
  { bodyBytes, bodyDigest }: Seal,
): { readonly bodyHash: string | undefined } | undefined {
  if (body.length !== bodyBytes) return undefined;
  const { digest, bodyHash } = digestOf(body);
  return digest === bodyDigest ? { bodyHash } : undefined;
}

/**
 * The SHA-256 in hex; of a long frame that of its JSON and of its body's BLAKE3 hash. That is a block's name: its sender knows it,
 * and its receiver has to compute it anyway.
 */
function digestOf(
  bytes: Uint8Array,
  knownHash?: string,
): { readonly digest: string; readonly bodyHash: string | undefined } {
  const start = bodyStart(bytes);
  if (bytes.length <= LIMITS.peerReadWholeBytesMax || start >= bytes.length) {
    return { digest: createHash("sha256").update(bytes).digest("hex"), bodyHash: undefined };
  }
  const bodyHash = knownHash ?? blake3Hex(bytes.subarray(start));
  const sha256 = createHash("sha256").update(bytes.subarray(0, start)).update(bodyHash);
  return { digest: sha256.digest("hex"), bodyHash };
}
