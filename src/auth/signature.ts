/** The arithmetic of AWS signatures: hashes and keyed hashes. Knows no requests. */

import { createHmac } from "node:crypto";
import { type HmacKey, hmacSha256Hex, openHmacKey } from "../hashing/short_sha256.ts";

/** SHA-256 of nothing. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Hex HMAC-SHA256. The two hashes that an HMAC starts with depend only on the key: kept from the first use of `key` on. */
export function hmacHex(key: Uint8Array, text: string): string {
  let opened = hmacKeys.get(key);
  if (opened === undefined) hmacKeys.set(key, opened = openHmacKey(key));
  return hmacSha256Hex(opened, text);
}

const hmacKeys = new WeakMap<Uint8Array, HmacKey>();

/** The key that signs for one day in one region: 32 bytes. */
export function deriveSigningKey(secretKey: string, date: string, region: string): Uint8Array {
  const dateKey = hmac(new TextEncoder().encode("AWS4" + secretKey), date);
  return hmac(hmac(hmac(dateKey, region), "s3"), "aws4_request");
}

function hmac(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}
