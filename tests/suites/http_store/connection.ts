/** Signed requests to one endpoint and their answers: HTTP and errors, nothing of what the operations mean. */

import { createHash } from "node:crypto";
import { Agent, type ClientRequest, type IncomingMessage, request as openRequest } from "node:http";
import { S3Error, type S3ErrorCode } from "../../../src/errors.ts";
import { amzDate, authorization, type Credentials, encode, queryString } from "./signer.ts";
import { findRoot, findText } from "./xml.ts";

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names; values as latin1 code units. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** From this size on a body is sent as UNSIGNED-PAYLOAD, so that both modes are used. */
const SIGNED_BODY_BYTES_MAX = 256 * 1024;

export class S3Connection implements Disposable {
  readonly #base: URL;
  readonly #credentials: Credentials;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(baseUrl: string, credentials: Credentials) {
    this.#base = new URL(baseUrl);
    this.#credentials = credentials;
  }

  /** Throws the S3Error that the server answers; for a HEAD, which has no body to say it, NoSuchKey for any 404. */
  async send(request: S3Request): Promise<S3Reply> {
    const reply = await this.#sendRaw(request, payloadHash(request.body ?? new Uint8Array()));
    if (reply.status < 300) return reply;
    throw await errorOf(request, reply);
  }

  /** As `send` for the operations that answer 200 first and say in XML how it went. */
  async sendForXml(request: S3Request): Promise<string> {
    const reply = await this.send(request);
    const text = await reply.text();
    const error = findRoot(text, "Error");
    if (error !== undefined) throw s3Error(findText(error, "Code"), text);
    return text;
  }

  /** Sends less than announced and hangs up, as a client does that dies. */
  async sendBroken(request: S3Request & { readonly body: Uint8Array }): Promise<void> {
    const length = request.body.length + 1;
    const outgoing = this.#open(request, "UNSIGNED-PAYLOAD", length);
    const closed = new Promise<void>((resolve) => outgoing.once("close", resolve));
    outgoing.on("error", () => {}); // hanging up is one
    outgoing.on("response", (answer) => answer.resume());
    outgoing.write(request.body, () => outgoing.destroy());
    await closed;
  }

  /** Sends the body under the hash of another one. Throws unless that is refused. */
  async sendForged(request: S3Request & { readonly body: Uint8Array }): Promise<void> {
    const reply = await this.#sendRaw(request, payloadHash(new TextEncoder().encode("other")));
    if (reply.status === 200) throw new Error("a body was taken that isn't what was signed");
    const error = await errorOf(request, reply);
    if (reply.status !== 400) throw error;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #sendRaw(request: S3Request, hash: string): Promise<S3Reply> {
    const body = request.body ?? new Uint8Array();
    const outgoing = this.#open(request, hash, body.length);
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once("response", resolve);
      outgoing.once("error", reject);
    });
    outgoing.end(body);
    return new S3Reply(await answered);
  }

  #open(request: S3Request, hash: string, contentLength: number): ClientRequest {
    const { method, bucket = "", key } = request;
    const rawPath = `/${bucket}` + (key === undefined ? "" : `/${encodeKey(key)}`);
    const query = Object.entries(request.query ?? {});
    const now = new Date();
    const headers = {
      ...request.headers,
      host: this.#base.host,
      "x-amz-date": amzDate(now),
      "x-amz-content-sha256": hash,
    };
    const signable = { method, rawPath, query, headers, payloadHash: hash };
    return openRequest({
      agent: this.#agent,
      host: this.#base.hostname,
      port: this.#base.port,
      method,
      path: query.length === 0 ? rawPath : `${rawPath}?${queryString(query)}`,
      headers: {
        ...headers,
        ...(method === "PUT" || method === "POST" ? { "content-length": contentLength } : {}),
        authorization: authorization(signable, this.#credentials, now),
      },
    });
  }
}

/** An answer whose body must be read or cancelled. */
export class S3Reply {
  readonly #message: IncomingMessage;

  constructor(message: IncomingMessage) {
    this.#message = message;
  }

  get status(): number {
    return this.#message.statusCode ?? 0;
  }

  /** Names lower-case, values as latin1 code units. */
  get headers(): ReadonlyMap<string, string> {
    return new Map(
      Object.entries(this.#message.headers).map(([name, value]) => [name, String(value)]),
    );
  }

  /** Throws when there is none. */
  header(name: string): string {
    const value = this.headers.get(name);
    if (value === undefined) throw new Error(`no ${name} in the answer`);
    return value;
  }

  etag(): string {
    return this.header("etag").replaceAll('"', "");
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const message = this.#message;
    const chunks = message[Symbol.asyncIterator]();
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
      cancel: () => void message.destroy(),
    });
  }

  async text(): Promise<string> {
    return await new Response(this.stream()).text();
  }

  /** Lets go of the body. Harmless when it was read. */
  cancel(): void {
    this.#message.destroy();
  }
}

function encodeKey(key: string): string {
  return key.split("/").map(encode).join("/");
}

function payloadHash(body: Uint8Array): string {
  if (body.length > SIGNED_BODY_BYTES_MAX) return "UNSIGNED-PAYLOAD";
  return createHash("sha256").update(body).digest("hex");
}

async function errorOf(request: S3Request, reply: S3Reply): Promise<Error> {
  const text = await reply.text();
  if (request.method === "HEAD") return s3Error(HEAD_CODES[reply.status], `HEAD ${reply.status}`);
  const error = findRoot(text, "Error");
  return s3Error(error && findText(error, "Code"), `${reply.status} ${text}`);
}

const HEAD_CODES: Readonly<Record<number, S3ErrorCode>> = {
  404: "NoSuchKey",
  412: "PreconditionFailed",
  503: "ServiceUnavailable",
};

function s3Error(code: string | undefined, message: string): Error {
  if (code === undefined) return new Error(message);
  return new S3Error(code as S3ErrorCode, { message });
}
