/** Who may call: key pairs with roles, and the caller that a request turned out to be. */

import { LIMITS } from "../limits.ts";
import { deriveSigningKey } from "./signature.ts";

/**
 * admin: everything. writer: read and write any object. reader: read any object.
 * user: create buckets, and everything in those that it owns; elsewhere what is public.
 */
export type Role = "admin" | "writer" | "reader" | "user";

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly role: Role;
}

export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "signed"; readonly accessKeyId: string; readonly role: Role };

/** The key pairs in force. Owns the cache of signing keys (LIMITS.signingKeysCachedMax). */
export interface Keyring {
  find(accessKeyId: string): KeyPair | undefined;
  /** HMAC chain over date (YYYYMMDD), region, "s3", "aws4_request" with the pair's secret: 32 bytes. */
  signingKey(pair: KeyPair, date: string, region: string): Uint8Array;
}

/** One whose pairs can be replaced while requests are under way: those already authenticated end as who they were. */
export interface ReplaceableKeyring extends Keyring {
  /** These pairs are in force from now on, and no others. Throws a RangeError for two with one id, and changes nothing then. */
  replace(pairs: readonly KeyPair[]): void;
}

/** A keyring of these pairs. Throws a RangeError for two pairs with one access key id. */
export function createKeyring(pairs: readonly KeyPair[]): ReplaceableKeyring {
  return new CachingKeyring(pairs);
}

class CachingKeyring implements ReplaceableKeyring {
  #pairs: ReadonlyMap<string, KeyPair>;
  /** Least recently used first. Only of pairs in force. */
  readonly #signingKeys = new Map<string, Uint8Array>();

  constructor(pairs: readonly KeyPair[]) {
    this.#pairs = byId(pairs);
  }

  replace(pairs: readonly KeyPair[]): void {
    this.#pairs = byId(pairs);
    this.#signingKeys.clear();
  }

  find(accessKeyId: string): KeyPair | undefined {
    return this.#pairs.get(accessKeyId);
  }

  signingKey(pair: KeyPair, date: string, region: string): Uint8Array {
    // A pair found before it was replaced must not leave its key to the one that has its id now.
    if (this.#pairs.get(pair.accessKeyId) !== pair) {
      return deriveSigningKey(pair.secretKey, date, region);
    }
    const name = `${pair.accessKeyId}/${date}/${region}`;
    const key = this.#signingKeys.get(name) ?? deriveSigningKey(pair.secretKey, date, region);
    this.#signingKeys.delete(name);
    this.#signingKeys.set(name, key);
    if (this.#signingKeys.size > LIMITS.signingKeysCachedMax) this.#forgetOldest();
    return key;
  }

  #forgetOldest(): void {
    for (const name of this.#signingKeys.keys()) {
      this.#signingKeys.delete(name);
      return;
    }
  }
}

function byId(pairs: readonly KeyPair[]): ReadonlyMap<string, KeyPair> {
  const found = new Map<string, KeyPair>();
  for (const pair of pairs) {
    const { accessKeyId } = pair;
    if (found.has(accessKeyId)) {
      throw new RangeError(`The access key id ${accessKeyId} is given twice.`);
    }
    found.set(accessKeyId, pair);
  }
  return found;
}
