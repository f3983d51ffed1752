/** Headers that say which checksum is wanted, and of what kind. Those that carry one are read with the body, or with its claim. */

import { findAlgorithm } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import type { Checksum, ChecksumAlgorithm } from "../storage/object_store.ts";

type Headers = ReadonlyMap<string, string>;

export const ALGORITHM_HEADER = "x-amz-checksum-algorithm";
export const TYPE_HEADER = "x-amz-checksum-type";

/** What S3 computes by itself when a client asks for nothing. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = "CRC64NVME";

/** In any case; undefined without the header. Throws InvalidRequest for an algorithm that isn't known. */
export function findChecksumAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  const text = headers.get(ALGORITHM_HEADER);
  if (text === undefined) return undefined;
  const algorithm = findAlgorithm(text);
  if (algorithm !== undefined) return algorithm;
  throw badChecksum(
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  );
}

/** In any case; undefined without the header. Throws InvalidRequest. */
export function findChecksumType(headers: Headers): Checksum["type"] | undefined {
  const type = headers.get(TYPE_HEADER)?.toUpperCase();
  if (type === undefined || type === "COMPOSITE" || type === "FULL_OBJECT") return type;
  throw badChecksum(`Value for ${TYPE_HEADER} header is invalid.`);
}

export function badChecksum(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
