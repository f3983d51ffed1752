/** The signed policy of a browser's POST form: who signed it, and whether the form keeps to it. */

import { S3Error } from "../errors.ts";
import type { Caller } from "./keyring.ts";
import type { AuthWorld } from "./sigv4.ts";

/** Form fields before the file: names lower case, values as text. `bucket` is for the handler to add, and `key` after `${filename}`. */
export type PostFields = ReadonlyMap<string, string>;

export interface PostPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly PostCondition[];
}

export type PostCondition =
  | { readonly kind: "eq"; readonly field: string; readonly value: string }
  | { readonly kind: "starts-with"; readonly field: string; readonly prefix: string }
  | { readonly kind: "content-length-range"; readonly min: number; readonly max: number };

/** Bytes that the file may have, both inclusive. */
export interface FileSizeBounds {
  readonly min: number;
  readonly max: number;
}

export interface PostAuthentication {
  readonly caller: Caller;
  /** undefined for a form without policy and signature: an anonymous caller. */
  readonly policy: PostPolicy | undefined;
}

export function authenticatePostPolicy(_fields: PostFields, _world: AuthWorld): PostAuthentication {
  throw new S3Error("NotImplemented");
}

/** Throws AccessDenied when the form isn't what the policy allows. The bounds are for the handler to hold the file to. */
export function checkPolicy(
  _policy: PostPolicy,
  _fields: PostFields,
  _nowMs: number,
): FileSizeBounds {
  throw new S3Error("NotImplemented");
}
