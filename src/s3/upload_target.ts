/** What requests about a multipart upload name in their query: the upload and the part. */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { UploadTarget } from "../storage/object_store.ts";
import type { Call } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";

/** Throws NoSuchUpload when no upload is named. */
export function uploadTarget({ operation, request }: Call<ObjectOperation>): UploadTarget {
  const uploadId = findQuery(request, "uploadId");
  if (uploadId === undefined || uploadId === "") throw new S3Error("NoSuchUpload");
  return { bucket: operation.bucket, key: operation.key, uploadId };
}

/** `partNumber` of the query; undefined when there is none. Throws InvalidArgument unless it is 1 to 10,000. */
export function findPartNumber(request: IncomingRequest): number | undefined {
  const text = findQuery(request, "partNumber");
  return text === undefined ? undefined : parsePartNumber(text);
}

/** The same where it must be there. */
export function requirePartNumber(request: IncomingRequest): number {
  return parsePartNumber(findQuery(request, "partNumber") ?? "");
}

/** Throws InvalidArgument unless the text is a number from 1 to 10,000. */
export function parsePartNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= LIMITS.partNumberMax) return number;
  throw new S3Error("InvalidArgument", {
    message: `Part number must be an integer between 1 and ${LIMITS.partNumberMax}, inclusive`,
    details: { ArgumentName: "partNumber", ArgumentValue: text },
  });
}
