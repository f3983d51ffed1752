/** Who sent a request, by AWS Signature Version 4. */

import type { Clock } from "../clock.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type { Caller, Keyring } from "./keyring.ts";

export interface AuthWorld {
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** The only region that may be signed for; undefined accepts any. */
  readonly region: string | undefined;
}

/** A verified signature: what the signatures of a body's chunks build on. */
export interface Signing {
  readonly form: "header" | "presigned";
  /** 32 bytes. */
  readonly signingKey: Uint8Array;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  /** `YYYYMMDD/region/s3/aws4_request`. */
  readonly scope: string;
  /** 64 hex digits, lower case. */
  readonly signature: string;
}

export interface Authentication {
  readonly caller: Caller;
  /** undefined for an anonymous caller. */
  readonly signing: Signing | undefined;
  /** What the sender says of the body (`x-amz-content-sha256`): a hash or a mode; undefined when it says nothing. */
  readonly contentSha256: string | undefined;
}

/** The caller of a request; anonymous when it carries no signature. Throws S3Error for a signature that doesn't hold. */
export function authenticate(_request: IncomingRequest, _world: AuthWorld): Authentication {
  throw new S3Error("NotImplemented");
}
