/** Which bytes a reader asked for: Range, If-Range's effect and the copy range, as pure functions of header and size. */

import { S3Error } from "../errors.ts";
import type { ByteRange } from "../storage/object_store.ts";

const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/i;
const COPY_RANGE = /^bytes=(\d+)-(\d+)$/;

/**
 * The part of `size` bytes that a Range header names, its end clamped; undefined when the whole is to be sent: no header,
 * malformed, another unit, or several ranges at once (S3 answers those with the whole object, and RFC 9110 §14.2 allows it).
 * Throws InvalidRange when the range is well-formed and holds no byte of the object.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = header === undefined ? null : SINGLE_RANGE.exec(header.trim());
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : suffixRange(Number(last), size);
  const start = Number(first);
  const end = last === "" ? Infinity : Number(last);
  if (end < start) return undefined;
  if (start >= size) throw unsatisfiable(size);
  return { start, end: Math.min(end, size - 1) };
}

/** `bytes start-end/size`. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end}/${size}`;
}

/** Bytes in the range. */
export function rangeLength(range: ByteRange): number {
  return range.end - range.start + 1;
}

/**
 * The bytes that `x-amz-copy-source-range` names. Unlike Range it must be `bytes=first-last` and lie within the source:
 * InvalidArgument for both, as S3 answers.
 */
export function parseCopyRange(header: string, size: number): ByteRange {
  const match = COPY_RANGE.exec(header);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || start > end) {
    throw badCopyRange(
      header,
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  }
  if (end >= size) {
    throw badCopyRange(header, `Range specified is not valid for source object of size: ${size}`);
  }
  return { start, end };
}

function suffixRange(length: number, size: number): ByteRange {
  if (length === 0 || size === 0) throw unsatisfiable(size);
  return { start: Math.max(0, size - length), end: size - 1 };
}

function unsatisfiable(size: number): S3Error {
  return new S3Error("InvalidRange", {
    details: { ActualObjectSize: String(size) },
    headers: { "content-range": `bytes */${size}` },
  });
}

function badCopyRange(header: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    details: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
  });
}
