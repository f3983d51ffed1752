/** The rules of a multipart upload that every store shares: its ids, and what a list of completed parts makes. Pure; holds no parts. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { combineFullObject, compositeChecksum } from "../checksum.ts";
import type { Random } from "../clock.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type {
  Checksum,
  CompletedPart,
  CompleteRequest,
  ObjectPart,
  PartInfo,
  UploadInfo,
} from "./object_store.ts";

/** What completing an upload makes, should its condition hold. */
export interface CompletionPlan {
  /** The stored parts to join, in order. */
  readonly parts: readonly PartInfo[];
  /** Sum of their sizes. */
  readonly size: number;
  /** `md5(md5s)-N`. */
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  /** What `findParts` tells of the finished object. */
  readonly objectParts: readonly ObjectPart[];
}

/** URL-safe, unguessable, and in the order of their making, which is how S3 lists the uploads of one key. */
export function newUploadId(nowMs: number, random: Random): string {
  return nowMs.toString(16).padStart(12, "0") + Buffer.from(random.bytes(18)).toString("base64url");
}

/** ETag of an object made of parts with these (hex MD5) ETags. */
export function multipartEtag(partEtags: readonly string[]): string {
  const md5 = createHash("md5");
  for (const etag of partEtags) md5.update(etag, "hex");
  return `${md5.digest("hex")}-${partEtags.length}`;
}

/** Whether `request` asks for what once made an object with `etag`: then a repeated Complete is answered like the first. */
export function isRepeatedCompletion(request: CompleteRequest, etag: string): boolean {
  return multipartEtag(request.parts.map((part) => part.etag)) === etag;
}

/**
 * Checks the client's list against the stored parts. Throws, in this order: InvalidPart (not stored, another ETag or
 * checksum), EntityTooSmall (all but the last ≥ 5 MiB), EntityTooLarge, InvalidRequest (size, checksum's kind, a part
 * without the upload's checksum), BadDigest (checksum of the whole). The write condition is for the caller, in the same
 * step as the write.
 */
export function planCompletion(
  upload: Pick<UploadInfo, "checksum">,
  findPart: (number: number) => PartInfo | undefined,
  request: CompleteRequest,
): CompletionPlan {
  const parts = request.parts.map((named) => matchPart(named, findPart(named.number)));
  for (const part of parts.slice(0, -1)) checkPartSize(part);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  checkObjectSize(size, request.size);
  const kind = upload.checksum ?? findDefaultKind(parts);
  const objectParts = parts.map((part) => objectPart(part, kind?.algorithm));
  const checksum = wholeChecksum(kind, objectParts);
  checkClaim(request.checksum, checksum);
  return {
    parts,
    size,
    etag: multipartEtag(parts.map((part) => part.etag)),
    checksum,
    objectParts,
  };
}

/** S3's own checksum, for an upload whose creator asked for none: made when every part happens to have it. */
function findDefaultKind(parts: readonly PartInfo[]): UploadInfo["checksum"] {
  const isDefault = parts.every((part) => part.checksum?.algorithm === "CRC64NVME");
  return isDefault ? { algorithm: "CRC64NVME", type: "FULL_OBJECT" } : undefined;
}

function matchPart(named: CompletedPart, stored: PartInfo | undefined): PartInfo {
  const isSame = stored !== undefined && stored.etag === named.etag &&
    (named.checksum === undefined || stored.checksum === undefined ||
      (stored.checksum.algorithm === named.checksum.algorithm &&
        stored.checksum.value === named.checksum.value));
  if (isSame) return stored;
  throw new S3Error("InvalidPart", {
    message: "One or more of the specified parts could not be found. The part may not have been " +
      "uploaded, or the specified entity tag or checksum may not match the part's.",
    details: { PartNumber: String(named.number), ETag: named.etag },
  });
}

function checkPartSize(part: PartInfo): void {
  if (part.size >= LIMITS.partBytesMin) return;
  throw new S3Error("EntityTooSmall", {
    details: {
      PartNumber: String(part.number),
      ETag: part.etag,
      ProposedSize: String(part.size),
      MinSizeAllowed: String(LIMITS.partBytesMin),
    },
  });
}

function checkObjectSize(size: number, claimed: number | undefined): void {
  if (size > LIMITS.objectBytesMax) throw new S3Error("EntityTooLarge");
  if (claimed !== undefined && claimed !== size) {
    throw new S3Error("InvalidRequest", {
      message: `The object's parts add up to ${size} bytes, not to the ${claimed} that ` +
        "x-amz-mp-object-size names.",
    });
  }
}

/** A checksum in another algorithm than the upload's was checked when the part came; the object doesn't keep it. */
function objectPart(part: PartInfo, algorithm: Checksum["algorithm"] | undefined): ObjectPart {
  const { number, size, checksum } = part;
  return algorithm !== undefined && checksum?.algorithm === algorithm
    ? { number, size, checksum: checksum.value }
    : { number, size };
}

function wholeChecksum(
  kind: UploadInfo["checksum"],
  parts: readonly ObjectPart[],
): Checksum | undefined {
  if (kind === undefined) return undefined;
  const pieces = parts.map(({ number, size, checksum }) => {
    if (checksum !== undefined) return { value: checksum, size };
    throw new S3Error("InvalidRequest", {
      message: `The upload was created with ${kind.algorithm} checksums; part ${number} has none.`,
    });
  });
  const value = kind.type === "COMPOSITE"
    ? compositeChecksum(kind.algorithm, pieces.map((piece) => piece.value))
    : combineFullObject(kind.algorithm, pieces);
  return { algorithm: kind.algorithm, value, type: kind.type };
}

function checkClaim(claim: CompleteRequest["checksum"], made: Checksum | undefined): void {
  if (claim === undefined) return;
  const isSameKind = made?.algorithm === claim.algorithm &&
    (claim.type === undefined || claim.type === made.type);
  if (!isSameKind) {
    throw new S3Error("InvalidRequest", {
      message: `The upload was not created with a ${
        claim.type ?? "FULL_OBJECT"
      } ${claim.algorithm} checksum.`,
    });
  }
  // SDKs name a composite checksum with or without its number of parts.
  if (claim.value !== made.value && claim.value !== withoutPartCount(made)) {
    throw new S3Error("BadDigest", {
      message: `The ${claim.algorithm} you specified did not match what we received.`,
    });
  }
}

function withoutPartCount(checksum: Checksum): string {
  return checksum.value.replace(/-\d+$/, "");
}
