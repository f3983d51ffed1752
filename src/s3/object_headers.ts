/** What a reader is told about an object: ObjectInfo → response headers. Bodies and statuses are get_object.ts's. */

import type { PayloadChecksum } from "../auth/payload.ts";
import { checksumHeaderName } from "../checksum.ts";
import type { Checksum, ObjectInfo } from "../storage/object_store.ts";
import { formatHttpDate } from "./http_date.ts";
import { USER_METADATA_PREFIX } from "./object_meta.ts";
import type { ReplyHeaders } from "./reply.ts";

/** All headers of a GET or HEAD but Content-Length, Content-Range and checksums, which depend on the part that is sent. */
export function objectHeaders(info: ObjectInfo): ReplyHeaders {
  const { meta } = info;
  const headers: ReplyHeaders = {
    ...meta.headers,
    ...validatorHeaders(info),
    "accept-ranges": "bytes",
  };
  for (const [name, value] of Object.entries(meta.user)) {
    headers[USER_METADATA_PREFIX + name] = value;
  }
  const tagCount = Object.keys(meta.tags).length;
  if (tagCount > 0) headers["x-amz-tagging-count"] = String(tagCount);
  return headers;
}

/** What RFC 9110 §15.4.5 asks of a 304: the headers by which a cache keeps its copy current. */
export function notModifiedHeaders(info: ObjectInfo): ReplyHeaders {
  const headers = validatorHeaders(info);
  for (const name of ["cache-control", "expires"]) {
    const value = info.meta.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** `x-amz-checksum-…` and its type; nothing without a checksum. */
export function checksumHeaders(checksum: Checksum | undefined): ReplyHeaders {
  if (checksum === undefined) return {};
  return { ...checksumValueHeader(checksum), "x-amz-checksum-type": checksum.type };
}

/** `x-amz-checksum-…` alone, as parts have it. */
export function checksumValueHeader(checksum: PayloadChecksum | undefined): ReplyHeaders {
  return checksum === undefined ? {} : { [checksumHeaderName(checksum.algorithm)]: checksum.value };
}

export function quote(etag: string): string {
  return `"${etag}"`;
}

function validatorHeaders(info: ObjectInfo): ReplyHeaders {
  return { etag: quote(info.etag), "last-modified": formatHttpDate(info.modifiedMs) };
}
