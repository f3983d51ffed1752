/** What the pages under `/_zs3/` have in common: a reply or an error, one line of log, and who is an administrator. */

import { authenticate, type AuthWorld } from "./auth/sigv4.ts";
import { S3Error, type S3ErrorCode } from "./errors.ts";
import { openIncomingRequest } from "./incoming_request.ts";
import type { Log, PageName } from "./log.ts";
import { errorReply, toS3Error } from "./s3/error_reply.ts";
import type { Reply } from "./s3/reply.ts";

/** What is asked for, and by whom. */
export interface Ask {
  readonly raw: Request;
  readonly rawPath: string;
  readonly id: string;
  /** undefined when there is no such page, or S3 is meant. */
  readonly name: PageName | undefined;
  /** Of a signed request, once its signature was found to hold. */
  accessKeyId: string | undefined;
}

export interface PageWorld {
  /** Who is an administrator. */
  readonly world: AuthWorld;
  readonly log: Log;
}

/** What `answer` returns or throws, the latter as `fail` puts it: as S3 does when not given. Never rejects. */
export async function answerPage(
  { world: { clock }, log }: PageWorld,
  ask: Ask,
  answer: (ask: Ask) => Promise<Reply>,
  fail: (error: S3Error, ask: Ask) => Reply = failAsS3,
): Promise<Response> {
  const { raw: { method }, id: requestId, name } = ask;
  const timeMs = clock.now();
  let errorCode: S3ErrorCode | undefined;
  const reply = await answer(ask).catch((cause) => {
    const error = toS3Error(cause, requestId, log);
    errorCode = error.code;
    return fail(error, ask);
  });
  reply.headers["x-amz-request-id"] = requestId;
  log.request({
    requestId,
    timeMs,
    durationMs: clock.now() - timeMs,
    method,
    operation: name,
    bucket: undefined,
    key: undefined,
    accessKeyId: ask.accessKeyId,
    status: reply.status,
    errorCode,
    receivedBytes: undefined,
    sentBytes: reply.size,
  });
  return reply.toResponse();
}

/** An error as S3 words it. */
export function failAsS3(error: S3Error, { raw: { method }, rawPath, id }: Ask): Reply {
  return errorReply(error, { id, method, resource: rawPath });
}

/** Throws MethodNotAllowed for anything but GET and HEAD. */
export function requireReading({ method }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  throw new S3Error("MethodNotAllowed", { headers: { allow: "GET, HEAD" } });
}

/** Throws what `authenticate` throws, and AccessDenied for anybody but an administrator. */
export function requireAdmin(ask: Ask, world: AuthWorld): void {
  const { caller } = authenticate(openIncomingRequest(ask.raw, ask.id), world);
  if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
  ask.accessKeyId = caller.accessKeyId;
  if (caller.role !== "admin") throw new S3Error("AccessDenied");
}
