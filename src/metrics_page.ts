/** `/_zs3/metrics`: what Prometheus scrapes. Stands before whatever else answers. */

import { authenticate, type AuthWorld } from "./auth/sigv4.ts";
import type { Random } from "./clock.ts";
import { S3Error, type S3ErrorCode } from "./errors.ts";
import { openIncomingRequest, splitUrl } from "./incoming_request.ts";
import type { Log } from "./log.ts";
import { CONTENT_TYPE, Exposition } from "./metrics/exposition.ts";
import { createRequestIds } from "./request_ids.ts";
import { errorReply, toS3Error } from "./s3/error_reply.ts";
import { Reply } from "./s3/reply.ts";

/** `remote` is where the connection came from. */
type Handle = (request: Request, remote: Deno.NetAddr) => Promise<Response>;

export interface MetricsPageOptions {
  /** Who is an administrator, and so may see it from anywhere. */
  readonly world: AuthWorld;
  /** Whether everybody may. */
  readonly isPublic: boolean;
  readonly random: Random;
  readonly log: Log;
  /** Adds all that is known. */
  readonly expose: (page: Exposition) => Promise<void>;
}

const PATH = "/_zs3/metrics";

/** `next` with the page before it. Never throws or rejects, if `next` doesn't. */
export function createMetricsPage(options: MetricsPageOptions, next: Handle): Handle {
  const nextId = createRequestIds(options.random);
  return (request, remote) => {
    const isPage = request.url.includes(PATH) && splitUrl(request.url).rawPath === PATH;
    return isPage ? respond(options, request, remote, nextId()) : next(request, remote);
  };
}

async function respond(
  options: MetricsPageOptions,
  request: Request,
  remote: Deno.NetAddr,
  requestId: string,
): Promise<Response> {
  const { log, world } = options;
  const timeMs = world.clock.now();
  const { method } = request;
  let accessKeyId: string | undefined;
  let errorCode: S3ErrorCode | undefined;
  let reply: Reply;
  try {
    if (method !== "GET" && method !== "HEAD") {
      throw new S3Error("MethodNotAllowed", { headers: { allow: "GET, HEAD" } });
    }
    if (!options.isPublic && !isLocal(request, remote)) {
      accessKeyId = requireAdmin(request, requestId, world);
    }
    const page = new Exposition();
    await options.expose(page);
    const headers = { "content-type": CONTENT_TYPE, "cache-control": "no-store" };
    reply = new Reply(method === "HEAD" ? null : page.text, { headers });
  } catch (cause) {
    const error = toS3Error(cause, requestId, log);
    errorCode = error.code;
    reply = errorReply(error, { id: requestId, method, resource: PATH });
  }
  reply.headers["x-amz-request-id"] = requestId;
  log.request({
    requestId,
    timeMs,
    durationMs: world.clock.now() - timeMs,
    method,
    operation: "Metrics",
    bucket: undefined,
    key: undefined,
    accessKeyId,
    status: reply.status,
    errorCode,
    receivedBytes: undefined,
    sentBytes: reply.size,
  });
  return reply.toResponse();
}

/** From this machine, and not through a proxy that stands on it. */
function isLocal({ headers }: Request, { hostname }: Deno.NetAddr): boolean {
  const isLoopback = hostname === "::1" || /^(?:::ffff:)?127\./.test(hostname);
  return isLoopback && !headers.has("x-forwarded-for") && !headers.has("forwarded");
}

/** The administrator's access key id. Throws what `authenticate` throws, and AccessDenied. */
function requireAdmin(request: Request, requestId: string, world: AuthWorld): string {
  const { caller } = authenticate(openIncomingRequest(request, requestId), world);
  if (caller.kind === "signed" && caller.role === "admin") return caller.accessKeyId;
  throw new S3Error("AccessDenied");
}
