/** A body held to what its headers promised: every byte passes through here, and no lie reaches a clean end. */

import { Buffer } from "node:buffer";
import {
  type ChecksumAlgorithm,
  checksumHeaderName,
  type Digest,
  openDigest,
  parseChecksumValue,
} from "../checksum.ts";
import { S3Error } from "../errors.ts";
import { AwsChunkedReader } from "./aws_chunked.ts";
import type { BodyPromises } from "./body_promises.ts";
import type { ChunkSignatures } from "./chunk_signatures.ts";
import type { PayloadMode } from "./payload_mode.ts";
import type { PromisedChecksum } from "./promised_checksum.ts";
import type { TimedReader } from "./timed_reader.ts";
import type { Trailers } from "./trailers.ts";

export type ProvedChecksum = PromisedChecksum & { readonly value: string };

/**
 * The decoded bytes; ends only when length, trailers, hash and checksum are as promised. Throws what TimedReader and
 * AwsChunkedReader throw, IncompleteBody, XAmzContentSHA256Mismatch, BadDigest, InvalidRequest (a trailer that is no checksum).
 * `openWire` is called with the first `next`, and what it opened is disposed at the end. `onChecksum` is called before the end, with the
 * checksum that was promised and is right, else with one in the algorithm `wanted`. A reader that is done with a chunk may pass it to
 * `next`, for its memory to be used again.
 */
export async function* verifiedBytes(
  openWire: () => TimedReader,
  promises: BodyPromises,
  signatures: ChunkSignatures | undefined,
  wanted: ChecksumAlgorithm | undefined,
  onChecksum: (checksum: ProvedChecksum) => void,
): AsyncGenerator<Uint8Array, void, Uint8Array | undefined> {
  await using wire = openWire();
  const chunked = openChunked(wire, promises, signatures);
  const source = chunked ?? wire;
  const digests = openDigests(promises, wanted);
  let size = 0;
  let spare: Uint8Array | undefined;
  for (let data = await source.read(); data !== undefined; data = await source.read(spare)) {
    size += data.byteLength;
    if (size > (promises.length ?? size)) throw new S3Error("IncompleteBody");
    for (const digest of digests.values()) digest.update(data);
    spare = yield data;
  }
  if (size < (promises.length ?? size)) throw new S3Error("IncompleteBody");
  const checksum = checkDigests(promises, wanted, digests, chunked?.trailers() ?? new Map());
  if (checksum !== undefined) onChecksum(checksum);
}

function openChunked(
  wire: TimedReader,
  { mode, trailerNames }: BodyPromises,
  signatures: ChunkSignatures | undefined,
): AwsChunkedReader | undefined {
  if (mode.kind === "plain") return undefined;
  return new AwsChunkedReader(wire, { signatures, hasTrailer: mode.hasTrailer, trailerNames });
}

type Digests = ReadonlyMap<ChecksumAlgorithm, Digest>;

/** One digest for each algorithm that is needed: a SHA-256 that is payload hash and checksum is computed once. */
function openDigests(
  { mode, checksum }: BodyPromises,
  wanted: ChecksumAlgorithm | undefined,
): Digests {
  const needed = new Set<ChecksumAlgorithm>();
  if (mode.kind === "plain" && mode.sha256 !== undefined) needed.add("SHA256");
  const algorithm = checksum?.algorithm ?? wanted;
  if (algorithm !== undefined) needed.add(algorithm);
  return new Map([...needed].map((algorithm) => [algorithm, openDigest(algorithm)]));
}

/** The checksum that was promised or is wanted. Throws when a digest isn't what was promised of it. */
function checkDigests(
  { mode, checksum }: BodyPromises,
  wanted: ChecksumAlgorithm | undefined,
  digests: Digests,
  trailers: Trailers,
): ProvedChecksum | undefined {
  const values = new Map([...digests].map(([algorithm, digest]) => [algorithm, digest.base64()]));
  checkPayloadHash(mode, values.get("SHA256"));
  const algorithm = checksum?.algorithm ?? wanted;
  const value = algorithm && values.get(algorithm);
  if (algorithm === undefined || value === undefined) return undefined;
  if (checksum !== undefined) checkChecksum(algorithm, promisedValue(checksum, trailers), value);
  return { algorithm, value };
}

function checkPayloadHash(mode: PayloadMode, computed: string | undefined): void {
  if (mode.kind !== "plain" || mode.sha256 === undefined) return;
  const computedHex = Buffer.from(computed ?? "", "base64").toString("hex");
  if (computedHex === mode.sha256) return;
  throw new S3Error("XAmzContentSHA256Mismatch", {
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    details: {
      ClientComputedContentSHA256: mode.sha256,
      S3ComputedContentSHA256: computedHex,
    },
  });
}

/** Throws InvalidRequest for a trailer whose value isn't a checksum. */
function promisedValue({ algorithm, value }: PromisedChecksum, trailers: Trailers): string {
  if (value !== undefined) return value;
  return parseChecksumValue(algorithm, trailers.get(checksumHeaderName(algorithm)) ?? "");
}

function checkChecksum(
  algorithm: ChecksumAlgorithm,
  promised: string,
  computed: string,
): void {
  if (promised === computed) return;
  throw new S3Error("BadDigest", {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}
