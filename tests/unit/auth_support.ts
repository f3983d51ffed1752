/** Requests for the tests of src/auth, and a signer that is written from the specification, not from what it tests. */

import { createHash, createHmac } from "node:crypto";
import type { AuthWorld } from "../../src/auth/sigv4.ts";
import { createKeyring } from "../../src/auth/keyring.ts";
import { type IncomingRequest, openIncomingRequest } from "../../src/incoming_request.ts";

/** The credentials of all of AWS's examples. */
export const EXAMPLE_PAIR = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  role: "admin",
} as const;

export const EXAMPLE_TIME_MS = Date.UTC(2013, 4, 24);
export const EXAMPLE_TIMESTAMP = "20130524T000000Z";
export const EXAMPLE_SCOPE = "20130524/us-east-1/s3/aws4_request";

export function exampleWorld(options: Partial<{ nowMs: number; region: string }> = {}): AuthWorld {
  return {
    keyring: createKeyring([EXAMPLE_PAIR]),
    clock: { now: () => options.nowMs ?? EXAMPLE_TIME_MS },
    region: options.region,
  };
}

export interface RequestOptions {
  readonly method?: string;
  /** Path and query as they are on the wire. */
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** A request as the server would see it, but for `new Request`, which would rewrite the target. */
export function incomingRequest(options: RequestOptions): IncomingRequest {
  const request = {
    url: `http://examplebucket.s3.amazonaws.com${options.target ?? "/"}`,
    method: options.method ?? "GET",
    headers: Object.entries({ host: "examplebucket.s3.amazonaws.com", ...options.headers }),
    body: options.body ?? null,
    signal: new AbortController().signal,
  };
  return openIncomingRequest(request as unknown as Request, "0123456789ABCDEF");
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** What `canonical` (a canonical request, bytes) has as its signature in the examples' scope and time. */
export function signCanonical(
  canonical: string | Uint8Array,
  timestamp = EXAMPLE_TIMESTAMP,
): string {
  const date = timestamp.slice(0, 8);
  const scope = `${date}/us-east-1/s3/aws4_request`;
  return signText(`AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256Hex(canonical)}`, date);
}

/** Signature of any string to sign. */
export function signText(text: string, date = "20130524"): string {
  const steps = [date, "us-east-1", "s3", "aws4_request"];
  let key: Uint8Array = new TextEncoder().encode(`AWS4${EXAMPLE_PAIR.secretKey}`);
  for (const step of steps) key = createHmac("sha256", key).update(step).digest();
  return createHmac("sha256", key).update(text).digest("hex");
}

export function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${EXAMPLE_PAIR.accessKeyId}/${EXAMPLE_SCOPE},` +
    `SignedHeaders=${signedHeaders},Signature=${signature}`;
}
