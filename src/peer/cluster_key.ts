/** The key that all nodes of a cluster share, from what their operator gave each of them. */

import { hkdfSync } from "node:crypto";
import { ProofKey } from "./proof_key.ts";

/** What makes nodes one cluster: a secret of its own, or the root key pair that all of them are started with. */
export type ClusterSecret =
  | { readonly kind: "secret"; readonly secret: string }
  | { readonly kind: "rootKeyPair"; readonly accessKeyId: string; readonly secretKey: string };

const KEY_BYTES = 32;

/**
 * HKDF-SHA256 (RFC 5869). The same secret gives the same key on every node, and a cluster secret never gives the key of a key
 * pair. A key is as hard to guess as the secret: whoever sees a beacon or a hello can try secrets on it at home.
 * Throws a RangeError for an empty secret.
 */
export function deriveClusterKey(from: ClusterSecret): ProofKey {
  const secret = from.kind === "secret" ? from.secret : from.secretKey;
  if (secret === "") throw new RangeError("the secret of a cluster must not be empty");
  const material = from.kind === "secret"
    ? JSON.stringify([from.secret])
    : JSON.stringify([from.accessKeyId, from.secretKey]);
  const info = `zs3 cluster key from ${from.kind}`;
  return new ProofKey(new Uint8Array(hkdfSync("sha256", material, "", info, KEY_BYTES)));
}
