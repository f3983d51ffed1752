/** Which piece of an object a reader gets: the whole, a range, or one of the parts it was uploaded in. */

import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import type {
  ByteRange,
  Checksum,
  ObjectInfo,
  ObjectPart,
  ObjectStore,
  Target,
} from "../storage/object_store.ts";
import { isRangeFresh } from "./conditions.ts";
import { parseRange } from "./ranges.ts";
import { findPartNumber } from "./upload_target.ts";

/** What a reader wants, as far as it can be said before the object is open. */
export type Wanted =
  | {
    readonly kind: "bytes";
    readonly range: string | undefined;
    readonly ifRange: string | undefined;
  }
  | {
    readonly kind: "part";
    readonly number: number;
    readonly parts: readonly ObjectPart[] | undefined;
  };

/** A piece of an object, and what is known of just that piece. */
export interface Slice {
  /** undefined for the whole. */
  readonly range: ByteRange | undefined;
  /** A part of the bytes has none, unless it is one of the parts that a composite checksum is made of. */
  readonly checksum: Checksum | undefined;
  /** For a part of an object made of parts: how many there are. */
  readonly partCount: number | undefined;
}

/** Throws InvalidArgument, InvalidRequest, and when a part is wanted what the store throws. */
export async function readWanted(
  request: IncomingRequest,
  target: Target,
  store: ObjectStore,
): Promise<Wanted> {
  const { headers } = request;
  const range = headers.get("range");
  const number = findPartNumber(request);
  if (number === undefined) return { kind: "bytes", range, ifRange: headers.get("if-range") };
  if (range !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Cannot specify both Range header and partNumber query parameter.",
    });
  }
  return { kind: "part", number, parts: await store.findParts(target) };
}

/** Throws InvalidRange, InvalidPartNumber, ServiceUnavailable. */
export function sliceObject(info: ObjectInfo, wanted: Wanted): Slice {
  if (wanted.kind === "part") return slicePart(info, wanted.number, wanted.parts);
  const isFresh = isRangeFresh(wanted.ifRange, info);
  const range = isFresh ? parseRange(wanted.range, info.size) : undefined;
  const checksum = range === undefined ? info.meta.checksum : undefined;
  return { range, checksum, partCount: undefined };
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
  checkSameVersion(info, parts);
  const sizes = parts?.map((part) => part.size) ?? [info.size];
  const size = sizes[number - 1];
  if (size === undefined) {
    throw new S3Error("InvalidPartNumber", {
      details: { PartNumberRequested: String(number), ActualPartCount: String(sizes.length) },
    });
  }
  const start = sumOf(sizes.slice(0, number - 1));
  return {
    range: size === 0 ? undefined : { start, end: start + size - 1 },
    checksum: partChecksum(info, parts?.[number - 1]),
    partCount: parts?.length,
  };
}

/** The parts were looked up apart from the object, which may have been replaced in between. */
function checkSameVersion(info: ObjectInfo, parts: readonly ObjectPart[] | undefined): void {
  const size = parts === undefined ? info.size : sumOf(parts.map((part) => part.size));
  if (parts?.length === info.partCount && size === info.size) return;
  throw new S3Error("ServiceUnavailable", {
    message: "The object was replaced while it was read. Please try again.",
  });
}

/** As S3: the part's own checksum when the object's is made of those, none when it is of the whole. */
function partChecksum(info: ObjectInfo, part: ObjectPart | undefined): Checksum | undefined {
  const whole = info.meta.checksum;
  if (whole?.type !== "COMPOSITE" || part?.checksum === undefined) return undefined;
  return { algorithm: whole.algorithm, value: part.checksum, type: whole.type };
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
