/**
 * A server in this process over a MemoryStore, and clients that sign for it. The signing is written here from AWS's
 * documentation, on purpose without the code under test.
 */

import { createHash, createHmac } from "node:crypto";
import { createKeyring, type KeyPair } from "../../src/auth/keyring.ts";
import { type Random, systemRandom } from "../../src/clock.ts";
import type { Log, RequestRecord } from "../../src/log.ts";
import { createServer } from "../../src/server.ts";
import { MemoryStore } from "../../src/storage/memory_store.ts";
import type { ObjectStore } from "../../src/storage/object_store.ts";

export const KEY_PAIRS = {
  admin: { accessKeyId: "ADMINKEY", secretKey: "admin-secret", role: "admin" },
  writer: { accessKeyId: "WRITERKEY", secretKey: "writer-secret", role: "writer" },
  reader: { accessKeyId: "READERKEY", secretKey: "reader-secret", role: "reader" },
  alice: { accessKeyId: "ALICEKEY", secretKey: "alice-secret", role: "user" },
  bob: { accessKeyId: "BOBKEY", secretKey: "bob-secret", role: "user" },
} as const satisfies Record<string, KeyPair>;

export type Who = keyof typeof KEY_PAIRS | "anonymous";

export interface Message {
  readonly headers?: Readonly<Record<string, string>>;
  /** Its length goes into Content-Length and, signed, its SHA-256 into x-amz-content-sha256 unless `headers` has one. */
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly host?: string;
}

/** A response read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
  /** The S3 error code of an error document. */
  readonly code: string | undefined;
}

/** Sends `target` (path and query, percent-encoded) exactly as written. */
export type Send = (method: string, target: string, message?: Message) => Promise<Reply>;

export interface TestServer {
  readonly store: ObjectStore;
  /** Milliseconds since the epoch; may be set. */
  readonly clock: { nowMs: number };
  readonly records: readonly RequestRecord[];
  /** What was logged as a fault. Empty unless a test provokes one. */
  readonly faults: readonly unknown[];
  as(who: Who): Send;
  /** A request made elsewhere, as `Deno.serve` would hand it over. */
  fetch(request: Request): Promise<Response>;
  /** The headers, Host and Content-Length among them, that the same request would have: for sending it otherwise. */
  headers(who: Who, method: string, target: string, message?: Message): Headers;
  /** `target` with a presigned URL's query for `method`. */
  presign(who: Exclude<Who, "anonymous">, method: string, target: string, expires?: number): string;
}

export interface TestServerOptions {
  readonly region?: string;
  readonly signedRegion?: string;
  readonly domains?: readonly string[];
  readonly store?: ObjectStore;
  readonly random?: Random;
}

const HOST = "localhost:9000";
const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const EMPTY_SHA256 = sha256("");

export function openTestServer(options: TestServerOptions = {}): TestServer {
  const { region = "us-east-1", domains = [], random = systemRandom } = options;
  const time = { nowMs: START_MS };
  const clock = { now: () => time.nowMs };
  const store = options.store ?? new MemoryStore({ clock, random });
  const records: RequestRecord[] = [];
  const faults: unknown[] = [];
  const log: Log = {
    notice: () => {},
    request: (record) => void records.push(record),
    fault: (_requestId, cause) => void faults.push(cause),
  };
  const keyring = createKeyring(Object.values(KEY_PAIRS));
  const { signedRegion } = options;
  const services = { store, clock, random, keyring, region, signedRegion, log };
  const fetch = createServer({ services, domains });
  const build = (who: Who, method: string, target: string, message: Message = {}) =>
    buildRequest(method, target, message, pairOf(who), time.nowMs);
  return {
    store,
    clock: time,
    records,
    faults,
    fetch,
    as: (who) => async (method, target, message) =>
      await readReply(await fetch(build(who, method, target, message))),
    headers: (who, method, target, message) => build(who, method, target, message).headers,
    presign: (who, method, target, expires = 900) =>
      presignTarget(KEY_PAIRS[who], method, target, expires, time.nowMs),
  };
}

/** Texts of all elements of that name, in document order, decoded. */
export function texts(xml: string, element: string): string[] {
  const pattern = new RegExp(`<${element}(?: [^>]*)?(?:/>|>([^<]*)</${element}>)`, "g");
  return Array.from(xml.matchAll(pattern), ([, content = ""]) => decodeXml(content));
}

/** The text of the one element of that name; throws when there isn't exactly one. */
export function textOf(xml: string, element: string): string {
  const found = texts(xml, element);
  const [only] = found;
  if (found.length !== 1 || only === undefined) {
    throw new Error(`${found.length} elements ${element} in ${xml}`);
  }
  return only;
}

/** A key or a query value as a client encodes it: everything but unreserved characters and, in keys, "/". */
export function encode(text: string, kept = ""): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(char) || kept.includes(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

function pairOf(who: Who): KeyPair | undefined {
  return who === "anonymous" ? undefined : KEY_PAIRS[who];
}

async function readReply(response: Response): Promise<Reply> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const code = text.includes("<Error>") ? texts(text, "Code")[0] : undefined;
  return { status: response.status, headers: response.headers, bytes, text, code };
}

function buildRequest(
  method: string,
  target: string,
  message: Message,
  pair: KeyPair | undefined,
  nowMs: number,
): Request {
  const body = typeof message.body === "string"
    ? new TextEncoder().encode(message.body)
    : message.body;
  const host = message.host ?? HOST;
  const headers = new Headers({ host, ...message.headers });
  if (body !== undefined && !headers.has("content-length")) {
    headers.set("content-length", String(body.length));
  }
  if (
    pair !== undefined && !new URLSearchParams(splitTarget(target).query).has("X-Amz-Signature")
  ) {
    const hash = headers.get("x-amz-content-sha256") ?? (body ? sha256(body) : EMPTY_SHA256);
    headers.set("x-amz-content-sha256", hash);
    headers.set("x-amz-date", timestamp(nowMs));
    headers.set("authorization", authorization(pair, method, target, headers, nowMs));
  }
  const request = new Request("http://localhost/", { method, headers, body: body ?? null });
  // The constructor would normalise the path; Deno.serve doesn't.
  Object.defineProperty(request, "url", { value: `http://${host}${target}` });
  return request;
}

function authorization(
  pair: KeyPair,
  method: string,
  target: string,
  headers: Headers,
  nowMs: number,
): string {
  const signed = [...headers.keys()].filter((name) =>
    name === "host" || name === "content-md5" || name === "content-type" ||
    name.startsWith("x-amz-")
  ).sort();
  const { path, query } = splitTarget(target);
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...signed.map((name) => `${name}:${headers.get(name)?.trim().replace(/ +/g, " ")}`),
    "",
    signed.join(";"),
    headers.get("x-amz-content-sha256"),
  ].join("\n");
  const scope = scopeOf(nowMs);
  return `AWS4-HMAC-SHA256 Credential=${pair.accessKeyId}/${scope}, ` +
    `SignedHeaders=${signed.join(";")}, Signature=${signature(pair, canonical, nowMs)}`;
}

function presignTarget(
  pair: KeyPair,
  method: string,
  target: string,
  expires: number,
  nowMs: number,
): string {
  const { path, query } = splitTarget(target);
  const presigned = [
    ...(query === "" ? [] : [query]),
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    `X-Amz-Credential=${encode(`${pair.accessKeyId}/${scopeOf(nowMs)}`)}`,
    `X-Amz-Date=${timestamp(nowMs)}`,
    `X-Amz-Expires=${expires}`,
    "X-Amz-SignedHeaders=host",
  ].join("&");
  const canonical = [
    method,
    path,
    canonicalQuery(presigned),
    `host:${HOST}`,
    "",
    "host",
    "UNSIGNED-PAYLOAD",
  ].join("\n");
  return `${path}?${presigned}&X-Amz-Signature=${signature(pair, canonical, nowMs)}`;
}

function signature(pair: KeyPair, canonical: string, nowMs: number): string {
  const scope = scopeOf(nowMs);
  // Header values are bytes, one to a code unit; all else is ASCII.
  const hash = createHash("sha256").update(canonical, "latin1").digest("hex");
  const toSign = ["AWS4-HMAC-SHA256", timestamp(nowMs), scope, hash].join("\n");
  const key = scope.split("/").reduce<string | Uint8Array>(
    (secret, part) => new Uint8Array(createHmac("sha256", secret).update(part).digest()),
    `AWS4${pair.secretKey}`,
  );
  return createHmac("sha256", key).update(toSign).digest("hex");
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value.join("=")))}`;
  });
  return pairs.sort().join("&");
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf("?");
  if (mark === -1) return { path: target, query: "" };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

function timestamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, "");
}

function scopeOf(nowMs: number): string {
  return `${timestamp(nowMs).slice(0, 8)}/us-east-1/s3/aws4_request`;
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function decodeXml(text: string): string {
  const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_all, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return named[name] ?? "?";
  });
}
