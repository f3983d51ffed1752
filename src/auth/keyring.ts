/** Who may call: key pairs with roles, and the caller that a request turned out to be. */

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

/** Throws a RangeError for two pairs with one access key id. */
export function openKeyring(_pairs: readonly KeyPair[]): Keyring {
  throw new RangeError("being written");
}
