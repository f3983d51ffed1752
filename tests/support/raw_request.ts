/** HTTP requests as the bytes they are, so that every one of those can be wrong. */

import { createHash } from "node:crypto";
import { amzDate, authorization, queryString } from "../suites/http_store/signer.ts";

export interface RawRequest {
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  /** Values as latin1 code units. */
  readonly headers: readonly Header[];
  readonly body: Uint8Array<ArrayBuffer>;
}

export type Header = readonly [name: string, value: string];

export interface Draft {
  readonly method: string;
  readonly rawPath: string;
  readonly query?: readonly Header[];
  readonly headers?: readonly Header[];
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** In place of the body's hash. */
  readonly payloadHash?: string;
}

/** The pair that a server has which is told of none. */
export const CREDENTIALS = {
  accessKey: "minioadmin",
  secretKey: "minioadmin",
  region: "us-east-1",
};

/** What a well-behaved client sends, on a connection of its own. All headers but Connection are signed. */
export function signed(draft: Draft, now = new Date()): RawRequest {
  const { method, rawPath, query = [] } = draft;
  const body = bytesOf(draft.body ?? "");
  const payloadHash = draft.payloadHash ?? createHash("sha256").update(body).digest("hex");
  const headers: Record<string, string> = {
    host: "localhost",
    "x-amz-date": amzDate(now),
    "x-amz-content-sha256": payloadHash,
    ...(body.length > 0 || method === "PUT" ? { "content-length": String(body.length) } : {}),
    ...Object.fromEntries(draft.headers ?? []),
  };
  const signature = authorization(
    { method, rawPath, query, headers, payloadHash },
    CREDENTIALS,
    now,
  );
  return {
    method,
    target: query.length === 0 ? rawPath : `${rawPath}?${queryString(query)}`,
    headers: [...Object.entries(headers), ["authorization", signature], ["connection", "close"]],
    body,
  };
}

export function serialize({ method, target, headers, body }: RawRequest): Uint8Array<ArrayBuffer> {
  return joinBytes([serializeHead(`${method} ${target} HTTP/1.1`, headers), body]);
}

export function serializeHead(line: string, headers: readonly Header[]): Uint8Array<ArrayBuffer> {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return latin1(`${line}\r\n${lines}\r\n`);
}

/** One byte to a code unit. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let end = 0;
  for (const piece of pieces) {
    joined.set(piece, end);
    end += piece.length;
  }
  return joined;
}

function bytesOf(body: string | Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
