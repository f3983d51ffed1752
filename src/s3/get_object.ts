/** GetObject and HeadObject: conditions, then the part that is asked for, then the headers that tell of it. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import type {
  ByteRange,
  Checksum,
  ObjectInfo,
  ObjectPart,
  ObjectStore,
  Target,
} from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { findFailedCondition, isRangeFresh, preconditionFailed } from "./conditions.ts";
import { checkHeaderText, toHeaderText } from "./header_text.ts";
import {
  checksumHeaders,
  notModifiedHeaders,
  objectHeaders,
  type ResponseHeaders,
} from "./object_headers.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { contentRange, parseRange, rangeLength } from "./ranges.ts";
import { findPartNumber } from "./upload_target.ts";
import { requireNullVersion } from "./version_id.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const getObject: Handler<ObjectOperation> = async ({ operation, request, services }) => {
  const wanted = await readWanted(request, operation, services.store);
  using object = await services.store.open(operation);
  const { range, ...init } = planRead(request, object.info, wanted);
  return new Response(object.body(range), init);
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export const headObject: Handler<ObjectOperation> = async ({ operation, request, services }) => {
  const wanted = await readWanted(request, operation, services.store);
  const info = await services.store.head(operation);
  const { status, headers } = planRead(request, info, wanted);
  return new Response(null, { status, headers });
};

/** What a reader wants of the object, as far as it can be said before the object is open. */
type Wanted =
  | { readonly kind: "bytes"; readonly range: string | undefined }
  | {
    readonly kind: "part";
    readonly number: number;
    readonly parts: readonly ObjectPart[] | undefined;
  };

interface ReadPlan {
  readonly status: 200 | 206;
  readonly headers: ResponseHeaders;
  /** undefined for the whole. */
  readonly range: ByteRange | undefined;
}

/** Throws NoSuchVersion, NotImplemented, InvalidArgument, InvalidRequest, and what the store throws when a part is wanted. */
async function readWanted(
  request: IncomingRequest,
  target: Target,
  store: ObjectStore,
): Promise<Wanted> {
  requireNullVersion(request);
  refuseUnsupported(request.headers);
  const range = request.headers.get("range");
  const number = findPartNumber(request);
  if (number === undefined) return { kind: "bytes", range };
  if (range !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Cannot specify both Range header and partNumber query parameter.",
    });
  }
  return { kind: "part", number, parts: await store.findParts(target) };
}

/** Throws NotModified, PreconditionFailed, InvalidRange, InvalidPartNumber. */
function planRead(request: IncomingRequest, info: ObjectInfo, wanted: Wanted): ReadPlan {
  checkConditions(request, info);
  const slice = wanted.kind === "part"
    ? slicePart(info, wanted.number, wanted.parts)
    : sliceBytes(request, info, wanted.range);
  const length = slice.range === undefined ? info.size : rangeLength(slice.range);
  const headers: ResponseHeaders = {
    ...objectHeaders(info),
    ...overrideHeaders(request),
    ...slice.headers,
    "content-length": String(length),
  };
  if (request.headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED") {
    Object.assign(headers, checksumHeaders(slice.checksum));
  }
  if (slice.range === undefined) return { status: 200, headers, range: undefined };
  headers["content-range"] = contentRange(slice.range, info.size);
  return { status: 206, headers, range: slice.range };
}

function checkConditions(request: IncomingRequest, info: ObjectInfo): void {
  const failed = findFailedCondition(request.headers, info);
  if (failed === undefined) return;
  if (failed === "If-None-Match" || failed === "If-Modified-Since") {
    throw new S3Error("NotModified", { headers: notModifiedHeaders(info) });
  }
  throw preconditionFailed(failed);
}

/** A piece of an object and what is known of just that piece. A part of the bytes has no checksum, unless it was one of the parts. */
interface Slice {
  readonly range: ByteRange | undefined;
  readonly checksum: Checksum | undefined;
  readonly headers: ResponseHeaders;
}

function sliceBytes(
  request: IncomingRequest,
  info: ObjectInfo,
  rangeHeader: string | undefined,
): Slice {
  const isFresh = isRangeFresh(request.headers.get("if-range"), info);
  const range = isFresh ? parseRange(rangeHeader, info.size) : undefined;
  return { range, checksum: range === undefined ? info.meta.checksum : undefined, headers: {} };
}

/**
 * The n-th part: counted from 1 in the order of the bytes, whatever numbers the parts were uploaded with. An object that
 * wasn't uploaded in parts has one, itself.
 */
function slicePart(
  info: ObjectInfo,
  number: number,
  parts: readonly ObjectPart[] | undefined,
): Slice {
  const sizes = parts?.map((part) => part.size) ?? [info.size];
  const start = sizes.slice(0, number - 1).reduce((sum, size) => sum + size, 0);
  const size = sizes[number - 1];
  checkSameVersion(info, parts);
  if (size === undefined) {
    throw new S3Error("InvalidPartNumber", {
      details: { PartNumberRequested: String(number), ActualPartCount: String(sizes.length) },
    });
  }
  return {
    range: size === 0 ? undefined : { start, end: start + size - 1 },
    checksum: partChecksum(info, parts?.[number - 1]),
    headers: parts === undefined ? {} : { "x-amz-mp-parts-count": String(parts.length) },
  };
}

/** As S3: the part's own checksum when the object's is made of those, none when it is of the whole. */
function partChecksum(info: ObjectInfo, part: ObjectPart | undefined): Checksum | undefined {
  const whole = info.meta.checksum;
  if (whole?.type !== "COMPOSITE" || part?.checksum === undefined) return undefined;
  return { algorithm: whole.algorithm, value: part.checksum, type: whole.type };
}

/** The parts were looked up apart from the object, which may have been replaced in between. */
function checkSameVersion(info: ObjectInfo, parts: readonly ObjectPart[] | undefined): void {
  const size = parts?.reduce((sum, part) => sum + part.size, 0) ?? info.size;
  if (parts?.length === info.partCount && size === info.size) return;
  throw new S3Error("ServiceUnavailable", {
    message: "The object was replaced while it was read. Please try again.",
  });
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
function overrideHeaders(request: IncomingRequest): ResponseHeaders {
  const headers: ResponseHeaders = {};
  if (request.query.length === 0) return headers;
  for (const [parameter, header] of OVERRIDES) {
    const value = findQuery(request, parameter);
    if (value === undefined || value === "") continue;
    headers[header] = toHeaderText(checkHeaderText(parameter, value));
  }
  return headers;
}
