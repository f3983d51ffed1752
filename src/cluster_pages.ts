/**
 * What a node of a cluster answers besides S3: read-only pages about the cluster under `/_zs3/`, in JSON. Stands before the S3
 * server, which it lets answer once the node has joined.
 */

import { isBlake3Hex } from "./blake3.ts";
import type { Random } from "./clock.ts";
import { notReady } from "./cluster/unavailable.ts";
import { S3Error } from "./errors.ts";
import { splitUrl } from "./incoming_request.ts";
import { LIMITS } from "./limits.ts";
import type { ClusterPageName } from "./log.ts";
import {
  answerPage,
  type Ask,
  failAsS3,
  type PageWorld,
  requireAdmin,
  requireReading,
} from "./page.ts";
import { isPeerPath } from "./peer/paths.ts";
import type { Contact } from "./peer/transport.ts";
import { createRequestIds } from "./request_ids.ts";
import { errorMessage } from "./s3/error_reply.ts";
import { Reply, type ReplyHeaders } from "./s3/reply.ts";
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

/** Administrators may see the status. */
export interface ClusterPagesOptions extends PageWorld {
  readonly view: ClusterView;
  readonly random: Random;
  /** Answers what peers ask. Never rejects, and neither does `s3`. */
  readonly peer: Handle;
  readonly s3: (request: Request) => Promise<Response>;
}

const PREFIX = "/_zs3/";
/** The S3 server's. */
const HEALTH_PATH = "/_zs3/health";
const PROVIDERS_PREFIX = "/_zs3/providers/";

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
    return await answerPage(
      options,
      { raw, rawPath, id: nextId(), name, accessKeyId: undefined },
      async (ask) => {
        if (isPage) return await pages.answer(ask, name);
        throw notReady();
      },
      fail,
    );
  };
}

class Pages {
  readonly #options: ClusterPagesOptions;
  #lookups = 0;

  constructor(options: ClusterPagesOptions) {
    this.#options = options;
  }

  async answer(ask: Ask, name: ClusterPageName | undefined): Promise<Reply> {
    const { raw, rawPath } = ask;
    if (name === undefined && !isPeerPath(rawPath)) throw noSuchPage();
    if (name === undefined) throw new S3Error("MethodNotAllowed", { headers: { allow: "POST" } });
    requireReading(raw);
    if (name === "Status") requireAdmin(ask, this.#options.world);
    return jsonReply(raw.method, await this.#read(name, rawPath));
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

/** S3's XML where an S3 client asks (the status is signed as S3 requests are), else JSON. */
function fail(error: S3Error, ask: Ask): Reply {
  const { raw: { method }, rawPath, name } = ask;
  const reply = failAsS3(error, ask);
  if (name === "Status" || !rawPath.startsWith(PREFIX) || rawPath === HEALTH_PATH) return reply;
  const { status, headers } = reply;
  return jsonReply(method, { error: errorMessage(error) }, { status, headers });
}

function jsonReply(
  method: string,
  value: Json,
  { status = 200, headers = {} }: { readonly status?: number; readonly headers?: ReplyHeaders } =
    {},
): Reply {
  return new Reply(method === "HEAD" ? null : `${JSON.stringify(value)}\n`, {
    status,
    headers: { ...headers, "content-type": "application/json", "cache-control": "no-store" },
  });
}

function noSuchPage(): S3Error {
  return new S3Error("NoSuchKey", { message: "There is no such page." });
}
