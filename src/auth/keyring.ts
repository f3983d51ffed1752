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
