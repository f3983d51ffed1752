/** Signed HTTP requests as bytes, prepared before the load begins; connections are kept alive. */

import { createHash } from "node:crypto";
import {
  amzDate,
  authorization,
  type Credentials,
  queryString,
} from "../../tests/suites/http_store/signer.ts";
import { type Header, joinBytes, serializeHead } from "../../tests/support/raw_request.ts";

/** A body with its hash, which is computed once for all requests that carry it. */
export interface Payload {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

export interface Draft {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** As it will stand in the request line, without the query. */
  readonly path: string;
  readonly query?: readonly Header[];
  readonly headers?: readonly Header[];
  readonly payload?: Payload;
}

/** Where a request goes, and as whom. */
export interface Addressee {
  readonly port: number;
  readonly credentials: Credentials;
}

export const NO_PAYLOAD = toPayload(new Uint8Array(0));

export function toPayload(bytes: Uint8Array<ArrayBuffer>): Payload {
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** Head and body. Servers take it for 15 minutes. */
export function signWhole(draft: Draft, addressee: Addressee): Uint8Array<ArrayBuffer> {
  const head = signHead(draft, addressee);
  return draft.payload === undefined ? head : joinBytes([head, draft.payload.bytes]);
}

/** To be followed by the payload's bytes. All headers are signed. */
export function signHead(
  draft: Draft,
  { port, credentials }: Addressee,
): Uint8Array<ArrayBuffer> {
  const { method, path, query = [], payload = NO_PAYLOAD } = draft;
  const now = new Date();
  const hasBody = payload.bytes.length > 0 || method === "PUT" || method === "POST";
  const headers = {
    host: `127.0.0.1:${port}`,
    "x-amz-date": amzDate(now),
    "x-amz-content-sha256": payload.sha256,
    ...(hasBody ? { "content-length": String(payload.bytes.length) } : {}),
    ...Object.fromEntries(draft.headers ?? []),
  };
  const signable = { method, rawPath: path, query, headers, payloadHash: payload.sha256 };
  const target = query.length === 0 ? path : `${path}?${queryString(query)}`;
  return serializeHead(`${method} ${target} HTTP/1.1`, [
    ...Object.entries(headers),
    ["authorization", authorization(signable, credentials, now)],
  ]);
}
