/** GetObject and HeadObject: conditions, then the part that is asked for, then the headers that tell of it. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { ByteRange, ObjectInfo } from "../storage/object_store.ts";
import type { Call, Handler } from "./call.ts";
import { findFailedCondition, preconditionFailed } from "./conditions.ts";
import { checkHeaderText, toHeaderText } from "./header_text.ts";
import { checksumHeaders, notModifiedHeaders, objectHeaders } from "./object_headers.ts";
import { refuseUnsupported } from "./object_meta.ts";
import { readWanted, sliceObject, type Wanted } from "./object_slice.ts";
import type { ObjectOperation } from "./operation.ts";
import { contentRange, rangeLength } from "./ranges.ts";
import { Reply, type ReplyHeaders } from "./reply.ts";
import { requireNullVersion } from "./version_id.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const getObject: Handler<ObjectOperation> = async (call) => {
  const wanted = await prepareRead(call);
  using object = await call.services.store.open(call.operation);
  const { range, length, ...init } = planRead(call.request, object.info, wanted);
  const body = object.body(range);
  const isWhole = body instanceof ReadableStream && length <= LIMITS.readWholeBytesMax;
  return new Reply(isWhole ? await new Response(body).bytes() : body, init);
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export const headObject: Handler<ObjectOperation> = async (call) => {
  const wanted = await prepareRead(call);
  const info = await call.services.store.head(call.operation);
  const { status, headers } = planRead(call.request, info, wanted);
  return new Reply(null, { status, headers });
};

/** Refuses what can be refused without the object. */
async function prepareRead(
  { operation, request, services }: Call<ObjectOperation>,
): Promise<Wanted> {
  requireNullVersion(request);
  refuseUnsupported(request.headers);
  return await readWanted(request, operation, services.store);
}

interface ReadPlan {
  readonly status: 200 | 206;
  readonly headers: ReplyHeaders;
  /** undefined for the whole. */
  readonly range: ByteRange | undefined;
  /** Bytes of it. */
  readonly length: number;
}

/** Throws NotModified, PreconditionFailed, InvalidRange, InvalidPartNumber. */
function planRead(request: IncomingRequest, info: ObjectInfo, wanted: Wanted): ReadPlan {
  checkConditions(request, info);
  const slice = sliceObject(info, wanted);
  const length = slice.range === undefined ? info.size : rangeLength(slice.range);
  const headers: ReplyHeaders = {
    ...objectHeaders(info),
    ...overrideHeaders(request),
    "content-length": String(length),
  };
  if (slice.partCount !== undefined) headers["x-amz-mp-parts-count"] = String(slice.partCount);
  if (request.headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED") {
    Object.assign(headers, checksumHeaders(slice.checksum));
  }
  if (slice.range === undefined) return { status: 200, headers, range: undefined, length };
  headers["content-range"] = contentRange(slice.range, info.size);
  return { status: 206, headers, range: slice.range, length };
}

function checkConditions(request: IncomingRequest, info: ObjectInfo): void {
  const failed = findFailedCondition(request.headers, info);
  if (failed === undefined) return;
  if (failed === "If-None-Match" || failed === "If-Modified-Since") {
    throw new S3Error("NotModified", { headers: notModifiedHeaders(info) });
  }
  throw preconditionFailed(failed);
}

const OVERRIDES = [
  ["response-content-type", "content-type"],
  ["response-content-language", "content-language"],
  ["response-expires", "expires"],
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
] as const;

/** Whether the caller may override is decided where requests are authorized: anonymous ones may not. */
function overrideHeaders(request: IncomingRequest): ReplyHeaders {
  const headers: ReplyHeaders = {};
  if (request.query.length === 0) return headers;
  for (const [parameter, header] of OVERRIDES) {
    const value = findQuery(request, parameter);
    if (value === undefined || value === "") continue;
    headers[header] = toHeaderText(checkHeaderText(parameter, value));
  }
  return headers;
}
