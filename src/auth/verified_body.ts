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
import { decodeAwsChunked } from "./aws_chunked.ts";
import type { BodyPromises, PromisedChecksum } from "./body_promises.ts";
import type { ChunkSignatures } from "./chunk_signatures.ts";
import type { PayloadMode } from "./payload_mode.ts";
import type { Trailers } from "./trailers.ts";

/**
 * The decoded bytes; ends only when length, trailers, hash and checksum are as promised. Throws what receivedBytes and
 * decodeAwsChunked throw, IncompleteBody, XAmzContentSHA256Mismatch, BadDigest, InvalidRequest (a trailer that is no checksum).
 * `onChecksum` is called before the end, when there is one and it is right.
 */
export async function* verifiedBytes(
  wire: AsyncGenerator<Uint8Array, void, void>,
  promises: BodyPromises,
  signatures: ChunkSignatures | undefined,
  onChecksum: (checksum: { algorithm: ChecksumAlgorithm; value: string }) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const digests = openDigests(promises);
  let trailers: Trailers = new Map();
  let size = 0;
  for await (const data of decodedBytes(wire, promises, signatures, (t) => trailers = t)) {
    size += data.byteLength;
    if (size > (promises.length ?? size)) throw new S3Error("IncompleteBody");
    for (const digest of digests.values()) digest.update(data);
    yield data;
  }
  if (size < (promises.length ?? size)) throw new S3Error("IncompleteBody");
  const values = new Map([...digests].map(([algorithm, digest]) => [algorithm, digest.base64()]));
  checkPayloadHash(promises.mode, values.get("SHA256"));
  if (promises.checksum !== undefined) {
    const { algorithm } = promises.checksum;
    const value = promisedValue(promises.checksum, trailers);
    checkChecksum(algorithm, value, values.get(algorithm));
    onChecksum({ algorithm, value });
  }
}

function decodedBytes(
  wire: AsyncGenerator<Uint8Array, void, void>,
  { mode, trailerNames }: BodyPromises,
  signatures: ChunkSignatures | undefined,
  onTrailers: (trailers: Trailers) => void,
): AsyncGenerator<Uint8Array, void, void> {
  if (mode.kind === "plain") return wire;
  const framing = { signatures, hasTrailer: mode.hasTrailer, trailerNames };
  return decodeAwsChunked(wire, framing, onTrailers);
}

/** One digest for each algorithm that is needed: a SHA-256 that is payload hash and checksum is computed once. */
function openDigests({ mode, checksum }: BodyPromises): ReadonlyMap<ChecksumAlgorithm, Digest> {
  const needed = new Set<ChecksumAlgorithm>();
  if (mode.kind === "plain" && mode.sha256 !== undefined) needed.add("SHA256");
  if (checksum !== undefined) needed.add(checksum.algorithm);
  return new Map([...needed].map((algorithm) => [algorithm, openDigest(algorithm)]));
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
  computed: string | undefined,
): void {
  if (promised === computed) return;
  throw new S3Error("BadDigest", {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}
