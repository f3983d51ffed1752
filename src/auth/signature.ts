/** The arithmetic of AWS signatures: hashes, keyed hashes and their comparison. Knows no requests. */

import { createHash, createHmac, type Hash } from "node:crypto";

/** SHA-256 of nothing. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const SHA256_BLOCK_BYTES = 64;
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/**
 * Hex SHA-256 of text whose code units are bytes, as header values are. Pure ASCII takes the runtime's UTF-8 path, which is
 * twice as fast as its latin1 one.
 */
export function sha256OfLatin1(text: string): string {
  return createHash("sha256").update(text, ASCII.test(text) ? "utf8" : "latin1").digest("hex");
}

/**
 * Hex HMAC-SHA256. The two hashes that an HMAC starts with depend only on the key: kept from the first use of `key` on, they
 * make this twice as fast as `createHmac` (3.5 µs for 7.2 µs).
 */
export function hmacHex(key: Uint8Array, text: string): string {
  let states = hmacStates.get(key);
  if (states === undefined) hmacStates.set(key, states = startHmac(key));
  const inner = states.inner.copy().update(text).digest();
  return states.outer.copy().update(inner).digest("hex");
}

interface HmacStates {
  readonly inner: Hash;
  readonly outer: Hash;
}

const hmacStates = new WeakMap<Uint8Array, HmacStates>();

/** RFC 2104, for keys no longer than a block. */
function startHmac(key: Uint8Array): HmacStates {
  const padded = (pad: number) =>
    Uint8Array.from({ length: SHA256_BLOCK_BYTES }, (_, at) => (key[at] ?? 0) ^ pad);
  return {
    inner: createHash("sha256").update(padded(0x36)),
    outer: createHash("sha256").update(padded(0x5c)),
  };
}

/** The key that signs for one day in one region: 32 bytes. */
export function deriveSigningKey(secretKey: string, date: string, region: string): Uint8Array {
  const dateKey = hmac(new TextEncoder().encode("AWS4" + secretKey), date);
  return hmac(hmac(hmac(dateKey, region), "s3"), "aws4_request");
}

/**
 * Whether the signature given is the one computed, in a time that doesn't tell how much of it is right: every character is
 * looked at, and nothing branches on one. (`timingSafeEqual` does the same for 1 µs and two copies.)
 */
export function isSameSignature(computed: string, given: string): boolean {
  if (given.length !== computed.length) return false;
  let difference = 0;
  for (let at = 0; at < computed.length; at++) {
    difference |= computed.charCodeAt(at) ^ given.charCodeAt(at);
  }
  return difference === 0;
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}
