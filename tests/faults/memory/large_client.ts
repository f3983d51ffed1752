/** Sends and receives objects of any size, a block at a time, on a connection for each. */

import { createHash, createHmac, type Hash } from "node:crypto";
import { patternBytes, sha256 } from "../../support/bytes.ts";
import type { Program } from "../../support/program.ts";
import {
  CREDENTIALS,
  latin1,
  type RawRequest,
  serialize,
  signed,
} from "../../support/raw_request.ts";
import { amzDate } from "../../suites/http_store/signer.ts";

const KiB = 1024;
export const MiB = 1024 * KiB;

/** As a client library frames it. */
const CHUNK_BYTES = 128 * KiB;
const BLOCK_BYTES = MiB;
const CHUNK_EXTENSION_BYTES = ";chunk-signature=".length + 64;
const EMPTY_SHA256 = sha256(new Uint8Array());

export type Framing = "UNSIGNED-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/** What was said of a body that was sent or received. */
export interface Transfer {
  readonly status: number;
  /** Without quotes. */
  readonly etag: string;
  /** Of the bytes, hex. */
  readonly md5: string;
  readonly sizeBytes: number;
}

export class LargeClient {
  readonly #port: number;

  constructor(program: Program) {
    this.#port = Number(new URL(program.url).port);
  }

  /** `sizeMiB` MiB that are different in every MiB. */
  async put(
    rawPath: string,
    sizeMiB: number,
    framing: Framing,
    query: readonly (readonly [string, string])[] = [],
  ): Promise<Transfer> {
    using conn = await this.#connect();
    const now = new Date();
    const size = sizeMiB * MiB;
    const isFramed = framing !== "UNSIGNED-PAYLOAD";
    const head = signed({
      method: "PUT",
      rawPath,
      query,
      payloadHash: framing,
      headers: [
        ["content-length", String(isFramed ? framedLength(size) : size)],
        ...(isFramed ? [["x-amz-decoded-content-length", String(size)] as const] : []),
      ],
    }, now);
    await writeAll(conn, serialize(head));
    const hash = createHash("md5");
    const chain = new ChunkChain(head, now);
    for (let n = 0; n < sizeMiB; n++) {
      const block = blockOf(n);
      hash.update(block);
      await writeAll(conn, isFramed ? chain.framed(block) : block);
    }
    if (isFramed) await writeAll(conn, chain.end());
    const { status, etag } = await readHead(conn, new Uint8Array(64 * KiB));
    return { status, etag, md5: hash.digest("hex"), sizeBytes: size };
  }

  async get(rawPath: string): Promise<Transfer> {
    using conn = await this.#connect();
    await writeAll(conn, serialize(signed({ method: "GET", rawPath })));
    const buffer = new Uint8Array(256 * KiB);
    const { status, etag, rest } = await readHead(conn, buffer);
    const hash: Hash = createHash("md5").update(rest);
    let sizeBytes = rest.length;
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      hash.update(buffer.subarray(0, count));
      sizeBytes += count;
    }
    return { status, etag, md5: hash.digest("hex"), sizeBytes };
  }

  #connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.#port });
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
class ChunkChain {
  readonly #time: string;
  readonly #scope: string;
  readonly #key: string | Uint8Array;
  #previous: string;

  constructor(head: RawRequest, now: Date) {
    this.#time = amzDate(now);
    const scopes = [this.#time.slice(0, 8), CREDENTIALS.region, "s3", "aws4_request"];
    this.#scope = scopes.join("/");
    this.#key = scopes.reduce<string | Uint8Array>(
      (key, text) => new Uint8Array(createHmac("sha256", key).update(text).digest()),
      `AWS4${CREDENTIALS.secretKey}`,
    );
    const authorization = new Map(head.headers).get("authorization") ?? "";
    this.#previous = /Signature=(\w+)$/.exec(authorization)?.[1] ?? "";
  }

  /** The block in whole chunks. */
  framed(block: Uint8Array): Uint8Array {
    const framed = new Uint8Array(framedBlockLength(block.length));
    let end = 0;
    const append = (bytes: Uint8Array) => {
      framed.set(bytes, end);
      end += bytes.length;
    };
    for (let at = 0; at < block.length; at += CHUNK_BYTES) {
      const chunk = block.subarray(at, at + CHUNK_BYTES);
      append(this.#header(chunk));
      append(chunk);
      append(latin1("\r\n"));
    }
    return framed;
  }

  end(): Uint8Array {
    return latin1(`${new TextDecoder().decode(this.#header(new Uint8Array()))}\r\n`);
  }

  #header(chunk: Uint8Array): Uint8Array {
    const toSign = ["AWS4-HMAC-SHA256-PAYLOAD", this.#time, this.#scope, this.#previous];
    const text = [...toSign, EMPTY_SHA256, sha256(chunk)].join("\n");
    this.#previous = createHmac("sha256", this.#key).update(text).digest("hex");
    return latin1(`${chunk.length.toString(16)};chunk-signature=${this.#previous}\r\n`);
  }
}

/** `size` is a whole number of blocks. */
function framedLength(size: number): number {
  const endBytes = 1 + CHUNK_EXTENSION_BYTES + 4;
  return (size / BLOCK_BYTES) * framedBlockLength(BLOCK_BYTES) + endBytes;
}

function framedBlockLength(blockBytes: number): number {
  const overhead = CHUNK_BYTES.toString(16).length + CHUNK_EXTENSION_BYTES + 4;
  return blockBytes + (blockBytes / CHUNK_BYTES) * overhead;
}

const BLOCK = patternBytes(BLOCK_BYTES);

/** A copy: what is being written mustn't change, and several bodies may be sent at once. */
function blockOf(n: number): Uint8Array {
  const block = BLOCK.slice();
  new DataView(block.buffer).setUint32(0, n);
  return block;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

/** `rest`: what of the body has come with it. */
async function readHead(
  conn: Deno.Conn,
  buffer: Uint8Array,
): Promise<{ status: number; etag: string; rest: Uint8Array }> {
  let size = 0;
  for (;;) {
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, size));
    const end = text.indexOf("\r\n\r\n");
    if (end !== -1) {
      const status = Number(text.slice(9, 12));
      if (status !== 200) throw new Error(text);
      const etag = /^etag: "([^"]*)"/mi.exec(text)?.[1] ?? "";
      return { status, etag, rest: buffer.slice(end + 4, size) };
    }
    const count = await conn.read(buffer.subarray(size));
    if (count === null) throw new Error(`the connection ended after ${text}`);
    size += count;
  }
}
