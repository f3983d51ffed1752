/**
 * Replies whose work may take long (joining parts, copying). A client that hears nothing for a minute gives up and tries
 * again; S3 therefore begins its 200 early and sends white space until it knows the outcome, which may then be an error
 * inside the 200: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html.
 */

import type { IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { Log } from "../log.ts";
import { errorDocument, toS3Error } from "./error_reply.ts";
import { Reply } from "./reply.ts";
import { type Xml, XML_DECLARATION, xmlReply } from "./xml.ts";

export interface SlowReplyTiming {
  /** Until then nothing is sent, and an error keeps its status. */
  readonly graceMs: number;
  /** Between two signs of life. */
  readonly beatMs: number;
}

const TIMING: SlowReplyTiming = { graceMs: LIMITS.replyGraceMs, beatMs: LIMITS.replyBeatMs };
const encoder = new TextEncoder();

/** The document that `work` resolves to as a response. Rejects as `work` does when that happens within the grace. */
export async function slowXmlReply(
  work: Promise<Xml>,
  request: IncomingRequest,
  log: Log,
  timing: SlowReplyTiming = TIMING,
): Promise<Reply> {
  if (await settlesWithin(work, timing.graceMs)) return xmlReply(await work);
  const body = ReadableStream.from(beatUntilSettled(work, request, log, timing.beatMs));
  return new Reply(body, { headers: { "content-type": "application/xml" } });
}

async function* beatUntilSettled(
  work: Promise<Xml>,
  request: IncomingRequest,
  log: Log,
  beatMs: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield encoder.encode(XML_DECLARATION);
  while (!(await settlesWithin(work, beatMs))) yield encoder.encode(" ");
  const document = await work.catch((error) =>
    errorDocument(toS3Error(error, request.id, log), {
      id: request.id,
      method: request.method,
      resource: request.rawPath,
    })
  );
  yield encoder.encode(document.slice(XML_DECLARATION.length));
}

async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  work.then(() => resolve(true), () => resolve(true));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
