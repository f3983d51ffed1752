/**
 * What a node of a cluster answers besides S3: read-only pages about the cluster under `/_zs3/`, in JSON. Stands before the S3
 * server, which it lets answer once the node has joined.
 */

import { authenticate, type AuthWorld } from "./auth/sigv4.ts";
import { isBlake3Hex } from "./blake3.ts";
import type { Random } from "./clock.ts";
import { notReady } from "./cluster/unavailable.ts";
import { S3Error, type S3ErrorCode } from "./errors.ts";
import { openIncomingRequest, splitUrl } from "./incoming_request.ts";
import { LIMITS } from "./limits.ts";
import type { ClusterPageName, Log } from "./log.ts";
import { isPeerPath } from "./peer/paths.ts";
import type { Contact } from "./peer/transport.ts";
import { createRequestIds } from "./request_ids.ts";
import { errorMessage, errorReply, toS3Error } from "./s3/error_reply.ts";
import type { Json, JsonObject } from "./storage/record.ts";
import { VERSION } from "./version.ts";

/** What the pages need to know of the node. */
export interface ClusterView {
  readonly id: string;
  /** May become false again: a node that the others had given up joins anew. */
  readonly isReady: boolean;
  /** "degraded": it works, but something is missing that is being made good. */
  health(): "ok" | "degraded";
  /** All members that this node knows, itself included. */
  peers(): readonly PeerView[];
  /** Nodes that hold the block of this BLAKE3 hash, as far as a lookup finds them. */
  providers(hash: string): Promise<readonly Contact[]>;
  /** For an administrator: what is behind, missing, waiting, and counted. Holds nothing secret. */
  status(): JsonObject;
}

export interface PeerView extends Contact {
  /** undefined when it wasn't heard of since this node started. */
  readonly lastSeenMs: number | undefined;
  /** Where it is in joining or leaving. */
  readonly state: string;
}

/** `remote` is where the connection came from. */
type Handle = (request: Request, remote: Deno.NetAddr) => Promise<Response>;

export interface ClusterPagesOptions {
  readonly view: ClusterView;
  /** Who is an administrator, and so may see the status. */
  readonly world: AuthWorld;
  readonly random: Random;
  readonly log: Log;
  /** Answers what peers ask. Never rejects, and neither does `s3`. */
  readonly peer: Handle;
  readonly s3: (request: Request) => Promise<Response>;
}

const PREFIX = "/_zs3/";
/** The S3 server's. */
const HEALTH_PATH = "/_zs3/health";
const PROVIDERS_PREFIX = "/_zs3/providers/";

/** What is asked for, and by whom. */
interface Ask {
  readonly raw: Request;
  readonly rawPath: string;
  readonly id: string;
  /** undefined when there is no such page, or S3 is meant. */
  readonly name: ClusterPageName | undefined;
  /** Of a signed request, once its signature was found to hold. */
  accessKeyId: string | undefined;
}

/** The function that a node serves. Never throws or rejects. */
export function createClusterPages(options: ClusterPagesOptions): Handle {
  const { peer, s3, view, random } = options;
  const nextId = createRequestIds(random);
  const pages = new Pages(options);
  return async (raw, remote) => {
    const { rawPath } = splitUrl(raw.url);
    // Not in the log: nodes talk all the time.
    if (isPeerPath(rawPath) && raw.method === "POST") return await peer(raw, remote);
    const isPage = rawPath.startsWith(PREFIX) && rawPath !== HEALTH_PATH;
    if (!isPage && view.isReady) return await s3(raw);
    const name = isPage ? findPage(rawPath) : undefined;
    return await respond(
      options,
      { raw, rawPath, id: nextId(), name, accessKeyId: undefined },
      async (ask) => {
        if (isPage) return await pages.answer(ask);
        throw notReady();
      },
    );
  };
}

class Pages {
  readonly #options: ClusterPagesOptions;
  #lookups = 0;

  constructor(options: ClusterPagesOptions) {
    this.#options = options;
  }

  async answer(ask: Ask): Promise<Response> {
    const { raw, rawPath, name } = ask;
    if (name === undefined && !isPeerPath(rawPath)) throw noSuchPage();
    if (name === undefined || !["GET", "HEAD"].includes(raw.method)) {
      throw new S3Error("MethodNotAllowed", {
        headers: { allow: name === undefined ? "POST" : "GET, HEAD" },
      });
    }
    if (name === "Status") this.#requireAdmin(ask);
    return jsonResponse(raw.method, await this.#read(name, rawPath));
  }

  async #read(name: ClusterPageName, rawPath: string): Promise<Json> {
    const { view } = this.#options;
    switch (name) {
      case "Ping": {
        const state = view.isReady ? "ready" : "joining";
        return { id: view.id, version: VERSION, state, health: view.health() };
      }
      case "Peers":
        return view.peers().map(peerJson);
      case "Providers":
        return await this.#lookUp(rawPath.slice(PROVIDERS_PREFIX.length).toLowerCase());
      case "Status":
        return view.status();
    }
  }

  /** Anybody may ask, and each asks other nodes: so only a few at a time. */
  async #lookUp(hash: string): Promise<JsonObject> {
    if (!isBlake3Hex(hash)) {
      throw new S3Error("InvalidArgument", {
        message: "The hash must be a BLAKE3 hash of 64 hex digits.",
      });
    }
    if (this.#lookups >= LIMITS.providerLookupsAtOnce) {
      throw new S3Error("SlowDown", { headers: { "retry-after": "1" } });
    }
    this.#lookups++;
    try {
      const providers = await this.#options.view.providers(hash);
      return { hash, providers: providers.map(({ id, address }) => ({ id, address })) };
    } finally {
      this.#lookups--;
    }
  }

  /** Throws what `authenticate` throws, and AccessDenied for anybody but an administrator. */
  #requireAdmin(ask: Ask): void {
    const { caller } = authenticate(openIncomingRequest(ask.raw, ask.id), this.#options.world);
    if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
    ask.accessKeyId = caller.accessKeyId;
    if (caller.role !== "admin") throw new S3Error("AccessDenied");
  }
}

function findPage(rawPath: string): ClusterPageName | undefined {
  if (rawPath.startsWith(PROVIDERS_PREFIX)) return "Providers";
  return PAGES.get(rawPath);
}

const PAGES: ReadonlyMap<string, ClusterPageName> = new Map([
  ["/_zs3/ping", "Ping"],
  ["/_zs3/peers", "Peers"],
  ["/_zs3/status", "Status"],
]);

function peerJson({ id, address, lastSeenMs, state }: PeerView): JsonObject {
  const lastSeen = lastSeenMs === undefined ? null : new Date(lastSeenMs).toISOString();
  return { id, address, lastSeen, state };
}

/** The page, or its error, with its line of log. */
async function respond(
  { world: { clock }, log }: ClusterPagesOptions,
  ask: Ask,
  answer: (ask: Ask) => Promise<Response>,
): Promise<Response> {
  const { raw: { method }, id: requestId, name } = ask;
  const timeMs = clock.now();
  let errorCode: S3ErrorCode | undefined;
  const response = await answer(ask).catch((cause) => {
    const error = toS3Error(cause, requestId, log);
    errorCode = error.code;
    return failure(error, ask);
  });
  response.headers.set("x-amz-request-id", requestId);
  const length = response.headers.get("content-length");
  log.request({
    requestId,
    timeMs,
    durationMs: clock.now() - timeMs,
    method,
    operation: name,
    bucket: undefined,
    key: undefined,
    accessKeyId: ask.accessKeyId,
    status: response.status,
    errorCode,
    receivedBytes: undefined,
    sentBytes: length === null ? undefined : Number(length),
  });
  return response;
}

/** S3's XML where an S3 client asks (the status is signed as S3 requests are), else JSON. */
function failure(error: S3Error, { raw: { method }, rawPath, id, name }: Ask): Response {
  const response = errorReply(error, { id, method, resource: rawPath }).toResponse();
  if (name === "Status" || !rawPath.startsWith(PREFIX) || rawPath === HEALTH_PATH) return response;
  const { status, headers } = response;
  return jsonResponse(method, { error: errorMessage(error) }, { status, headers });
}

function jsonResponse(method: string, value: Json, init: ResponseInit = {}): Response {
  const text = `${JSON.stringify(value)}\n`;
  const response = new Response(method === "HEAD" ? null : text, init);
  response.headers.set("content-type", "application/json");
  response.headers.set("cache-control", "no-store");
  return response;
}

function noSuchPage(): S3Error {
  return new S3Error("NoSuchKey", { message: "There is no such page." });
}
