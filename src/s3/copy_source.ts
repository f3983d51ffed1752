/** `x-amz-copy-source`: which object a copy reads. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { checkKey, isOperatorBucketName } from "../storage/names.ts";
import type { Target } from "../storage/object_store.ts";
import { fromHeaderText } from "./header_text.ts";
import { checkVersionId } from "./version_id.ts";

const HEADER = "x-amz-copy-source";
const VERSION_MARK = "?versionId=";

/** The source that the request names. */
export function requireCopySource(request: IncomingRequest): Target {
  return parseCopySource(request.headers.get(HEADER) ?? "");
}

/** Throws InvalidRequest when more bytes would be copied than one request may. */
export function checkCopySize(sizeBytes: number, bytesMax: number): void {
  if (sizeBytes <= bytesMax) return;
  throw new S3Error("InvalidRequest", {
    message:
      `The specified copy source is larger than the maximum allowable size for a copy source: ${bytesMax}`,
  });
}

/**
 * Reads `bucket/key`, `/bucket/key`, with or without `?versionId=null`, percent-encoded. A plus is a blank: S3 decodes the
 * header as a form does. Throws InvalidArgument (also for access point ARNs), NoSuchVersion, KeyTooLongError.
 */
export function parseCopySource(header: string): Target {
  const text = fromHeaderText(header);
  const mark = text.lastIndexOf(VERSION_MARK);
  if (mark !== -1) checkVersionId(text.slice(mark + VERSION_MARK.length));
  const path = decode(mark === -1 ? text : text.slice(0, mark)).replace(/^\//, "");
  const slash = path.indexOf("/");
  const bucket = path.slice(0, Math.max(slash, 0));
  if (!isOperatorBucketName(bucket)) {
    throw badSource(header, "The copy source must be bucket/key, percent-encoded.");
  }
  const key = path.slice(slash + 1);
  checkKey(key);
  return { bucket, key };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw badSource(text, "Invalid copy source encoding.", cause);
  }
}

function badSource(value: string, message: string, cause?: unknown): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    details: { ArgumentName: HEADER, ArgumentValue: value },
    cause,
  });
}
