/** Continuation tokens: a position in a listing as text that a client hands back unread. */

import { S3Error } from "../errors.ts";
import type { ListPosition } from "../storage/object_store.ts";

const ALPHABET = { alphabet: "base64url" } as const;

/** The token stays good when the key it names is deleted: it is a place in the order, not an object. */
export function formatToken(position: ListPosition): string {
  return new TextEncoder().encode(positionText(position)).toBase64({
    ...ALPHABET,
    omitPadding: true,
  });
}

/** Throws InvalidArgument for what `formatToken` didn't make. */
export function parseToken(token: string): ListPosition {
  const text = decode(token);
  const rest = text.slice(1);
  switch (text.charAt(0)) {
    case "k":
      return { kind: "key", key: rest };
    case "p":
      return { kind: "prefix", prefix: rest };
    default:
      throw incorrect(token);
  }
}

function positionText(position: ListPosition): string {
  switch (position.kind) {
    case "start":
      return "k";
    case "key":
      return "k" + position.key;
    case "prefix":
      return "p" + position.prefix;
  }
}

function decode(token: string): string {
  try {
    const bytes = Uint8Array.fromBase64(token, ALPHABET);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw incorrect(token, cause);
  }
}

function incorrect(token: string, cause?: unknown): S3Error {
  return new S3Error("InvalidArgument", {
    message: "The continuation token provided is incorrect",
    details: { ArgumentName: "continuation-token", ArgumentValue: token },
    cause,
  });
}
