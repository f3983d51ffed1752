/** Requests for the tests of src/auth, and a signer that is written from the specification, not from what it tests. */

import { createHash, createHmac } from "node:crypto";
import { createKeyring } from "../../src/auth/keyring.ts";
import type { AuthWorld } from "../../src/auth/sigv4.ts";
import { S3Error } from "../../src/errors.ts";
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
export const EXAMPLE_HOST = "examplebucket.s3.amazonaws.com";

export interface WorldOptions {
  readonly nowMs?: number;
  readonly region?: string;
}

export function exampleWorld({ nowMs, region }: WorldOptions = {}): AuthWorld {
  return {
    keyring: createKeyring([EXAMPLE_PAIR]),
    clock: { now: () => nowMs ?? EXAMPLE_TIME_MS },
    region,
  };
}

export interface RequestOptions {
  readonly method?: string;
  /** Path and query as they are on the wire. */
  readonly target?: string;
  /** Added to `host`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** A request as the server would see it, but for `new Request`, which would rewrite the target. */
export function incomingRequest(options: RequestOptions): IncomingRequest {
  const headers = Object.entries({ host: EXAMPLE_HOST, ...options.headers });
  const request: Pick<Request, "url" | "method" | "body"> = {
    url: `http://${EXAMPLE_HOST}${options.target ?? "/"}`,
    method: options.method ?? "GET",
    body: options.body ?? null,
  };
  return openIncomingRequest({ ...request, headers } as unknown as Request, "0123456789ABCDEF");
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The signature of a canonical request in the scope and at the time of the examples. */
export function signCanonical(canonical: string | Uint8Array): string {
  return signText(
    `AWS4-HMAC-SHA256\n${EXAMPLE_TIMESTAMP}\n${EXAMPLE_SCOPE}\n${sha256Hex(canonical)}`,
  );
}

/** The signature of any string to sign. */
export function signText(text: string): string {
  let key: Uint8Array = new TextEncoder().encode(`AWS4${EXAMPLE_PAIR.secretKey}`);
  for (const step of EXAMPLE_SCOPE.split("/")) {
    key = createHmac("sha256", key).update(step).digest();
  }
  return createHmac("sha256", key).update(text).digest("hex");
}

export function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${EXAMPLE_PAIR.accessKeyId}/${EXAMPLE_SCOPE},` +
    `SignedHeaders=${signedHeaders},Signature=${signature}`;
}

/** The query of a presigned URL with these parameters in place of the example's; "" leaves one out. */
export function presignedQuery(changes: Readonly<Record<string, string>> = {}): string {
  const parameters = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${EXAMPLE_PAIR.accessKeyId}/${EXAMPLE_SCOPE}`,
    "X-Amz-Date": EXAMPLE_TIMESTAMP,
    "X-Amz-Expires": "86400",
    "X-Amz-SignedHeaders": "host",
    ...changes,
  };
  return Object.entries(parameters).filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).sort().join("&");
}

/** A presigned GET of /k: query and headers as given, signed as the specification says. */
export function presignedRequest(
  changes: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): IncomingRequest {
  const query = presignedQuery(changes);
  const names = changes["X-Amz-SignedHeaders"] ?? "host";
  const values: Record<string, string> = { host: EXAMPLE_HOST, ...headers };
  const lines = names.split(";").map((name) => `${name}:${values[name] ?? ""}\n`).join("");
  const hash = names.includes("x-amz-content-sha256")
    ? headers["x-amz-content-sha256"]
    : changes["X-Amz-Content-Sha256"];
  const canonical = `GET\n/k\n${query}\n${lines}\n${names}\n${hash ?? "UNSIGNED-PAYLOAD"}`;
  const signature = changes["X-Amz-Signature"] === "" ? "" : signCanonical(canonical);
  const target = `/k?${query}${signature && `&X-Amz-Signature=${signature}`}`;
  return incomingRequest({ target, headers });
}

/** The S3Error that `act` throws. Anything else that it does is a failed test. */
export function thrownBy(act: () => unknown): S3Error {
  try {
    act();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
