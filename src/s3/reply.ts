/** What a handler answers: plain data, of which server.ts makes one Response with what every reply carries. */

import { Buffer } from "node:buffer";

/** Lower-case names, values as latin1 code units. */
export type ReplyHeaders = Record<string, string>;

/** Adding a header to a Response that is made already costs a small request several percent of its time. */
export class Reply {
  readonly body: ReplyBody;
  readonly status: number;
  readonly headers: ReplyHeaders;

  constructor(
    body: ReplyBody,
    init: { readonly status?: number; readonly headers?: ReplyHeaders } = {},
  ) {
    this.body = body;
    this.status = init.status ?? 200;
    this.headers = init.headers ?? {};
  }

  /** Bytes of the body, or of the one that a HEAD tells of; undefined when it is streamed without being known. */
  get size(): number | undefined {
    const length = this.headers["content-length"];
    if (length !== undefined) return Number(length);
    if (this.body === null) return 0;
    if (this.body instanceof ReadableStream) return undefined;
    return Buffer.byteLength(this.body);
  }

  toResponse(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers });
  }
}

export type ReplyBody =
  | string
  | Uint8Array<ArrayBuffer>
  | ReadableStream<Uint8Array<ArrayBuffer>>
  | null;
