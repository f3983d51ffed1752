/** What a request says of its own signature, before anyone has checked it. */

import type { Credential } from "./credential.ts";

export interface SignatureClaim {
  readonly form: "header" | "presigned";
  readonly credential: Credential;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly timeMs: number;
  /** Presigned: how long the URL holds from its time on; undefined for a header, which holds for the allowed skew. */
  readonly expiresSeconds: number | undefined;
  /** Lower case, ascending. */
  readonly signedHeaders: readonly string[];
  /** As given: perhaps not even 64 hex digits. */
  readonly signature: string;
  /** Last line of the canonical request: a hash of the body, or the name of a payload mode. */
  readonly contentSha256: string;
}
