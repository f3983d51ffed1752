/** The value of `x-amz-content-sha256`: how a body is wrapped, and what its sender vouches for. */

import { S3Error } from "../errors.ts";

export type PayloadMode =
  /** The bytes as they are. `sha256` (64 hex digits, lower case) when their hash was given. */
  | { readonly kind: "plain"; readonly sha256: string | undefined }
  /** `aws-chunked` framing, with or without a signature on each chunk, with or without a trailer. */
  | { readonly kind: "chunked"; readonly isSigned: boolean; readonly hasTrailer: boolean };

const UNSIGNED: PayloadMode = { kind: "plain", sha256: undefined };

const NAMED_MODES: ReadonlyMap<string, PayloadMode> = new Map<string, PayloadMode>([
  ["UNSIGNED-PAYLOAD", UNSIGNED],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { kind: "chunked", isSigned: true, hasTrailer: false }],
  [
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    { kind: "chunked", isSigned: true, hasTrailer: true },
  ],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { kind: "chunked", isSigned: false, hasTrailer: true }],
]);

/** Framing without any signature: what senders use who don't sign at all, so have no `x-amz-content-sha256` to name it in. */
export const UNSIGNED_CHUNKS: PayloadMode = { kind: "chunked", isSigned: false, hasTrailer: true };

/** Throws NotImplemented for ECDSA signatures, InvalidArgument for what is no mode and no SHA-256. */
export function parsePayloadMode(contentSha256: string | undefined): PayloadMode {
  if (contentSha256 === undefined) return UNSIGNED;
  if (/^[0-9a-fA-F]{64}$/.test(contentSha256)) {
    return { kind: "plain", sha256: contentSha256.toLowerCase() };
  }
  const mode = NAMED_MODES.get(contentSha256);
  if (mode !== undefined) return mode;
  if (contentSha256.startsWith("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")) {
    throw new S3Error("NotImplemented", {
      message: "Chunks signed with Signature Version 4A (ECDSA) are not implemented.",
    });
  }
  throw new S3Error("InvalidArgument", {
    message: `x-amz-content-sha256 must be ${[...NAMED_MODES.keys()].join(", ")} ` +
      "or a valid sha256 value.",
    details: { ArgumentName: "x-amz-content-sha256", ArgumentValue: contentSha256 },
  });
}
