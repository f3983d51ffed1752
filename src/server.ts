/** The whole way of a request, and the only catch that makes a response. There is no router: recognise.ts reads, handlers.ts lists. */

import type { Caller } from "./auth/keyring.ts";
import { BodyRoom } from "./body_room.ts";
import { openPayload } from "./auth/payload.ts";
import { authenticate } from "./auth/sigv4.ts";
import type { S3ErrorCode } from "./errors.ts";
import { findPadding } from "./http/head_padding.ts";
import { type IncomingRequest, openIncomingRequest, splitUrl } from "./incoming_request.ts";
import { LIMITS } from "./limits.ts";
import type { RequestRecord } from "./log.ts";
import { createRequestIds } from "./request_ids.ts";
import { findHostBucket } from "./s3/address.ts";
import { authorize } from "./s3/authorize.ts";
import type { Services } from "./s3/call.ts";
import { addCorsHeaders, type CorsAnswer, findCorsAnswer } from "./s3/cors.ts";
import { errorReply, toS3Error } from "./s3/error_reply.ts";
import { handle } from "./s3/handlers.ts";
import { applyHoistedHeaders } from "./s3/hoisted_headers.ts";
import type { Operation } from "./s3/operation.ts";
import { recognise } from "./s3/recognise.ts";
import { Reply } from "./s3/reply.ts";

export interface ServerOptions {
  readonly services: Services;
  /** Bytes of memory for bodies that are being received; LIMITS.bodyMemoryBytesMax when not given. */
  readonly bodyMemoryBytesMax?: number;
  /** A sender that is silent for so long is given up; LIMITS.bodyIdleMsMax when not given. */
  readonly bodyIdleMsMax?: number;
  /** Under which `bucket.domain` names a bucket: lower case, without port. */
  readonly domains: readonly string[];
}

/**
 * What a load balancer or a waiting script asks for, unsigned. `_zs3` can't be a bucket; in a bucket called `minio` the keys
 * `health/live` and `health/ready` can't be read, as with MinIO.
 */
const HEALTH_PATHS = ["/_zs3/health", "/minio/health/live", "/minio/health/ready"];

/** How far a request came: what its log record and its CORS headers are made from, also when it failed. */
interface Progress {
  operation: Operation | "Health" | undefined;
  caller: Caller | undefined;
  cors: CorsAnswer | undefined;
  errorCode: S3ErrorCode | undefined;
}

/**
 * The function that answers requests. Never throws or rejects. A body that a handler leaves unread is Deno's to drain: it keeps
 * receiving it while the reply is on its way and closes the connection afterwards (measured with 2.9.6), so a client that is
 * still sending gets its error instead of a reset.
 */
export function createServer(options: ServerOptions): (request: Request) => Promise<Response> {
  const nextId = createRequestIds(options.services.random);
  const bodies = new BodyRoom(options.bodyMemoryBytesMax ?? LIMITS.bodyMemoryBytesMax);
  const world = { ...options, bodies };
  return (request) => respond(world, request, nextId());
}

type World = ServerOptions & { readonly bodies: BodyRoom };

async function respond(options: World, raw: Request, requestId: string): Promise<Response> {
  const { clock, log } = options.services;
  const timeMs = clock.now();
  const progress: Progress = {
    operation: undefined,
    caller: undefined,
    cors: undefined,
    errorCode: undefined,
  };
  const reply = await answerOrError(options, raw, requestId, progress);
  const { headers } = reply;
  headers["x-amz-request-id"] = requestId;
  if (progress.cors !== undefined) addCorsHeaders(headers, progress.cors);
  if (isUnansweredExpectation(raw)) headers.connection = "close";
  if (raw.url.startsWith("https:")) padHead(reply);
  const { method } = raw;
  const durationMs = clock.now() - timeMs;
  const receivedBytes = lengthOf(raw.headers.get("content-length"));
  log.request({
    requestId,
    timeMs,
    durationMs,
    method,
    receivedBytes,
    ...describe(progress, reply),
  });
  return reply.toResponse();
}

/**
 * `Expect: 100-continue` on an empty body gets no 100 from Deno, which is right, but botocore (aws-cli, boto3) then misreads the
 * next reply on that connection and waits a minute before it tries again (boto/botocore#3755). So there is no next one.
 */
function isUnansweredExpectation({ headers }: Request): boolean {
  if (!headers.has("expect") || headers.has("transfer-encoding")) return false;
  return (headers.get("content-length") ?? "0") === "0";
}

function padHead({ body, status, headers, size }: Reply): void {
  if (body === null || body instanceof ReadableStream || size === undefined) return;
  const padding = findPadding(status, headers, size);
  if (padding !== undefined) headers[padding[0]] = padding[1];
}

async function answerOrError(
  options: World,
  raw: Request,
  requestId: string,
  progress: Progress,
): Promise<Reply> {
  try {
    return await answer(options, raw, requestId, progress);
  } catch (cause) {
    const error = toS3Error(cause, requestId, options.services.log);
    progress.errorCode = error.code;
    const resource = splitUrl(raw.url).rawPath;
    return errorReply(error, { id: requestId, method: raw.method, resource });
  }
}

/** Each step throws what is wrong with the request; none but the handler touches an object or reads the body. */
async function answer(
  { services, domains, bodies, bodyIdleMsMax }: World,
  raw: Request,
  requestId: string,
  progress: Progress,
): Promise<Reply> {
  const sent = openIncomingRequest(raw, requestId);
  if (isHealthCheck(sent)) {
    progress.operation = "Health";
    return new Reply(sent.method === "HEAD" ? null : "OK\n");
  }
  const request = applyHoistedHeaders(sent);
  const operation = recognise(request, domains);
  progress.operation = operation;
  if (request.headers.has("origin")) {
    progress.cors = await findCorsAnswer(request, operation, services.store);
  }
  const { keyring, clock, signedRegion, store } = services;
  const world = { keyring, clock, region: signedRegion };
  const authentication = authenticate(sent, world, findHostBucket(sent, domains));
  const { caller } = authentication;
  progress.caller = caller;
  await authorize(operation, caller, request, store);
  const payload = openPayload(sent, authentication, bodyIdleMsMax);
  using _room = payload.present ? await bodies.take(payload.length) : undefined;
  return await handle({ operation, request, caller, payload, services });
}

function isHealthCheck(request: IncomingRequest): boolean {
  return (request.method === "GET" || request.method === "HEAD") &&
    HEALTH_PATHS.includes(request.rawPath);
}

type Description = Omit<
  RequestRecord,
  "requestId" | "timeMs" | "durationMs" | "method" | "receivedBytes"
>;

function describe({ operation, caller, errorCode }: Progress, reply: Reply): Description {
  const target = typeof operation === "object" ? operation : undefined;
  return {
    operation: typeof operation === "object" ? operation.name : operation,
    bucket: target === undefined || target.kind === "service" ? undefined : target.bucket,
    key: target?.kind === "object" ? target.key : undefined,
    accessKeyId: caller?.kind === "signed" ? caller.accessKeyId : undefined,
    status: reply.status,
    errorCode,
    sentBytes: reply.size,
  };
}

function lengthOf(header: string | null): number | undefined {
  return header === null || !/^\d{1,15}$/.test(header) ? undefined : Number(header);
}
