/** Presigned URLs of Signature Version 2, signed over a text that the test itself writes: nothing is derived from the target. */

import { createHmac } from "node:crypto";

export interface SignedText {
  readonly accessKeyId: string;
  readonly secretKey: string;
  /** Seconds since the epoch. */
  readonly expires: number | string;
  readonly method?: string;
  readonly md5?: string;
  readonly type?: string;
  /** `x-amz-…:…\n` lines. */
  readonly amz?: string;
  /** `/bucket/key?…`. */
  readonly resource: string;
}

/** Base64, as it is before it goes into a URL. */
export function signatureV2(text: SignedText): string {
  const { method = "GET", md5 = "", type = "", expires, amz = "", resource } = text;
  const toSign = `${method}\n${md5}\n${type}\n${expires}\n${amz}${resource}`;
  return createHmac("sha1", text.secretKey).update(toSign, "utf8").digest("base64");
}

/** The target with the parameters of the signature. */
export function presignV2(target: string, text: SignedText): string {
  const query = [
    `AWSAccessKeyId=${encodeURIComponent(text.accessKeyId)}`,
    `Signature=${encodeURIComponent(signatureV2(text))}`,
    `Expires=${encodeURIComponent(text.expires)}`,
  ].join("&");
  return `${target}${target.includes("?") ? "&" : "?"}${query}`;
}
