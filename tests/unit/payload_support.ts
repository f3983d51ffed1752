/** Requests with bodies, framed and signed as clients do it, for the tests of payloads. */

import { openPayload, type Payload } from "../../src/auth/payload.ts";
import type { Authentication } from "../../src/auth/sigv4.ts";
import { checksumOf } from "../../src/checksum.ts";
import { S3Error } from "../../src/errors.ts";
import {
  EXAMPLE_PAIR,
  EXAMPLE_SCOPE,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  type RequestOptions,
  sha256Hex,
  signText,
} from "./auth_support.ts";

export const SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
export const SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
export const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

export const SEED_SIGNATURE = "5".repeat(64);

export const CRC32 = "x-amz-checksum-crc32";

export function crc32Of(text: string): string {
  return checksumOf("CRC32", bytesOf(text));
}

/** The headers of a framed body that has this length when decoded. */
export function decoded(
  length: number,
  more: Record<string, string> = {},
): Record<string, string> {
  return { "x-amz-decoded-content-length": String(length), ...more };
}

/** As `authenticate` would return it for a request whose signature is the seed. */
export function signedAs(contentSha256: string | undefined): Authentication {
  const signingKey = exampleWorld().keyring.signingKey(EXAMPLE_PAIR, "20130524", "us-east-1");
  return {
    caller: { kind: "signed", accessKeyId: EXAMPLE_PAIR.accessKeyId, role: "admin" },
    signing: {
      form: "header",
      signingKey,
      timestamp: EXAMPLE_TIMESTAMP,
      scope: EXAMPLE_SCOPE,
      signature: SEED_SIGNATURE,
    },
    contentSha256,
  };
}

export function anonymousAs(contentSha256: string | undefined): Authentication {
  return { caller: { kind: "anonymous" }, signing: undefined, contentSha256 };
}

/** Bytes of latin1 text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

export function textOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

export function streamOf(chunks: readonly Uint8Array<ArrayBuffer>[]) {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** The body cut before each of these positions. */
export function cut(bytes: Uint8Array<ArrayBuffer>, positions: readonly number[]) {
  const sorted = [0, ...positions.toSorted((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, at) => bytes.slice(sorted[at], end));
}

/** Frames without signatures, and a trailer. */
export function unsignedFrames(chunks: readonly string[], trailer = ""): string {
  const frames = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  return `${frames.join("")}0\r\n${trailer}\r\n`;
}

export interface Trailer {
  readonly name: string;
  readonly value: string;
}

/** Frames with the chain of signatures from the seed on, and a signed trailer if one is given. */
export function signedFrames(chunks: readonly string[], trailer?: Trailer): string {
  const head = `${EXAMPLE_TIMESTAMP}\n${EXAMPLE_SCOPE}`;
  let previous = SEED_SIGNATURE;
  let wire = "";
  for (const chunk of [...chunks, ""]) {
    const hashes = `${sha256Hex("")}\n${sha256Hex(bytesOf(chunk))}`;
    previous = signText(`AWS4-HMAC-SHA256-PAYLOAD\n${head}\n${previous}\n${hashes}`);
    wire += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n`;
    if (chunk !== "") wire += `${chunk}\r\n`;
  }
  if (trailer === undefined) return `${wire}\r\n`;
  const line = `${trailer.name}:${trailer.value}`;
  const toSign = `AWS4-HMAC-SHA256-TRAILER\n${head}\n${previous}\n${sha256Hex(`${line}\n`)}`;
  return `${wire}${line}\r\nx-amz-trailer-signature:${signText(toSign)}\r\n\r\n`;
}

export interface Sent {
  readonly body: string | ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly mode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly options?: RequestOptions;
  readonly anonymous?: boolean;
  readonly idleMsMax?: number;
}

/**
 * The payload of a PUT with this body. Text has its Content-Length and a stream chunked encoding, unless `headers` say otherwise
 * ("" leaves one out).
 */
export function openSent({ body, mode, headers, options, anonymous, idleMsMax }: Sent): Payload {
  const framing = typeof body === "string"
    ? { "content-length": String(body.length) }
    : headers?.["content-length"] === undefined
    ? { "transfer-encoding": "chunked" }
    : {};
  const all = { ...framing, ...headers };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
  const stream = typeof body === "string" ? streamOf([bytesOf(body)]) : body;
  const request = incomingRequest({ method: "PUT", headers: given, body: stream, ...options });
  const authentication = anonymous ? anonymousAs(mode) : signedAs(mode);
  return openPayload(request, authentication, idleMsMax);
}

export async function readText(payload: Payload): Promise<string> {
  let text = "";
  for await (const chunk of payload.body) text += textOf(chunk);
  return text;
}

/** The code of the S3Error that opening or reading ends with; what was read when it ends well. */
export async function outcome(sent: Sent): Promise<string> {
  try {
    return `read ${await readText(openSent(sent))}`;
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}
