/** The checksums that S3 knows: their names, values and types, and how those of parts make that of the whole. Knows no requests. */

import { Buffer } from "node:buffer";
import { combineCrcs, type CrcKind } from "./crc_combine.ts";
import { type Digest, openCrc32, openCrc32c, openCrc64Nvme, openHash } from "./digest.ts";
import { S3Error } from "./errors.ts";

export type { Digest };

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

/** FULL_OBJECT: of the bytes, however they were uploaded. COMPOSITE: of the parts' checksums. */
export type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

interface AlgorithmFacts {
  readonly headerName: string;
  readonly sizeBytes: number;
  /** The first is the default of a multipart upload. */
  readonly types: readonly [ChecksumType, ...ChecksumType[]];
  /** undefined for hashes, which can't be combined. */
  readonly crc: CrcKind | undefined;
  readonly open: () => Digest;
}

// Types: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
const ALGORITHMS = {
  CRC32: {
    headerName: "x-amz-checksum-crc32",
    sizeBytes: 4,
    types: ["COMPOSITE", "FULL_OBJECT"],
    crc: { widthBits: 32, polynomial: 0xedb88320n },
    open: openCrc32,
  },
  CRC32C: {
    headerName: "x-amz-checksum-crc32c",
    sizeBytes: 4,
    types: ["COMPOSITE", "FULL_OBJECT"],
    crc: { widthBits: 32, polynomial: 0x82f63b78n },
    open: openCrc32c,
  },
  CRC64NVME: {
    headerName: "x-amz-checksum-crc64nvme",
    sizeBytes: 8,
    types: ["FULL_OBJECT"],
    crc: { widthBits: 64, polynomial: 0x9a6c9329ac4bc9b5n },
    open: openCrc64Nvme,
  },
  SHA1: {
    headerName: "x-amz-checksum-sha1",
    sizeBytes: 20,
    types: ["COMPOSITE"],
    crc: undefined,
    open: () => openHash("sha1"),
  },
  SHA256: {
    headerName: "x-amz-checksum-sha256",
    sizeBytes: 32,
    types: ["COMPOSITE"],
    crc: undefined,
    open: () => openHash("sha256"),
  },
} as const satisfies Record<ChecksumAlgorithm, AlgorithmFacts>;

const algorithmOfHeader = new Map<string, ChecksumAlgorithm>(
  Object.entries(ALGORITHMS).map(([name, facts]) => [facts.headerName, name as ChecksumAlgorithm]),
);

export function openDigest(algorithm: ChecksumAlgorithm): Digest {
  return ALGORITHMS[algorithm].open();
}

/** Base64 checksum of bytes that are all at hand. */
export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  const digest = openDigest(algorithm);
  digest.update(bytes);
  return digest.base64();
}

/** `x-amz-checksum-…`, lower case. */
export function checksumHeaderName(algorithm: ChecksumAlgorithm): string {
  return ALGORITHMS[algorithm].headerName;
}

/** The algorithm whose value the header (lower-case name) carries. */
export function findAlgorithmOfHeader(headerName: string): ChecksumAlgorithm | undefined {
  return algorithmOfHeader.get(headerName);
}

/** The algorithm of a name as `x-amz-checksum-algorithm` has it, in any case. */
export function findAlgorithm(name: string): ChecksumAlgorithm | undefined {
  const upper = name.toUpperCase();
  return Object.hasOwn(ALGORITHMS, upper) ? upper as ChecksumAlgorithm : undefined;
}

/** The value. Throws InvalidRequest unless it is base64 of as many bytes as the algorithm makes. */
export function parseChecksumValue(algorithm: ChecksumAlgorithm, text: string): string {
  const bytes = Buffer.from(text, "base64");
  const facts = ALGORITHMS[algorithm];
  if (bytes.byteLength === facts.sizeBytes && bytes.toString("base64") === text) return text;
  throw new S3Error("InvalidRequest", {
    message: `Value for ${facts.headerName} header is invalid.`,
  });
}

/** The type that a multipart upload has when its creator names only the algorithm. */
export function defaultChecksumType(algorithm: ChecksumAlgorithm): ChecksumType {
  return ALGORITHMS[algorithm].types[0];
}

/** Whether a multipart upload may ask for this type with this algorithm. */
export function isChecksumTypeAllowed(algorithm: ChecksumAlgorithm, type: ChecksumType): boolean {
  const types: readonly ChecksumType[] = ALGORITHMS[algorithm].types;
  return types.includes(type);
}

/** Checksum of one piece of a longer sequence of bytes. */
export interface ChecksumPiece {
  /** Base64. */
  readonly value: string;
  /** Bytes of the piece. */
  readonly size: number;
}

/** Base64 CRC of the pieces' bytes joined in order, from their CRCs alone. Throws a RangeError for SHA1 and SHA256. */
export function combineFullObject(
  algorithm: ChecksumAlgorithm,
  pieces: readonly ChecksumPiece[],
): string {
  const { crc, sizeBytes } = ALGORITHMS[algorithm];
  if (crc === undefined) throw new RangeError(`${algorithm} values can't be combined`);
  const crcs = pieces.map(({ value, size }) => ({ crc: bigintOfBase64(value), size }));
  const hex = combineCrcs(crc, crcs).toString(16).padStart(2 * sizeBytes, "0");
  return Buffer.from(hex, "hex").toString("base64");
}

/** `base64-N`: the checksum of the N parts' raw checksums in a row. */
export function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  values: readonly string[],
): string {
  const digest = openDigest(algorithm);
  for (const value of values) digest.update(Buffer.from(value, "base64"));
  return `${digest.base64()}-${values.length}`;
}

function bigintOfBase64(value: string): bigint {
  return BigInt("0x" + Buffer.from(value, "base64").toString("hex"));
}
