/** The checksum that a request announces of its body, in a header or for the trailer. */

import {
  type ChecksumAlgorithm,
  findAlgorithm,
  findAlgorithmOfHeader,
  parseChecksumValue,
} from "../checksum.ts";
import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";

export interface PromisedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; undefined when it comes in the trailer. */
  readonly value: string | undefined;
}

/**
 * The one checksum that headers or trailer are to bring. Throws InvalidRequest for several, for one that is none, and for another
 * algorithm than `x-amz-sdk-checksum-algorithm` says.
 */
export function findPromisedChecksum(
  request: IncomingRequest,
  trailerNames: readonly string[],
): PromisedChecksum | undefined {
  if (speaksOfObject(request)) return undefined;
  const promised = [...checksumsOfHeaders(request), ...trailerNames.map(checksumOfTrailer)];
  if (promised.length > 1) {
    throw new S3Error("InvalidRequest", {
      message:
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    });
  }
  const [checksum] = promised;
  if (checksum !== undefined) checkAnnouncedAlgorithm(request, checksum.algorithm);
  return checksum;
}

/** The checksum headers of CompleteMultipartUpload are of the object that it makes, not of the XML that is its body. */
function speaksOfObject(request: IncomingRequest): boolean {
  return request.method === "POST" && findQuery(request, "uploadId") !== undefined;
}

/** Headers only: S3 ignores those that an SDK moved to the query of a presigned URL, where they are of an empty body. */
function checksumsOfHeaders({ headers }: IncomingRequest): PromisedChecksum[] {
  const found: PromisedChecksum[] = [];
  for (const [name, value] of headers) {
    if (!name.startsWith("x-amz-checksum-") || ABOUT_CHECKSUMS.has(name)) continue;
    const algorithm = findAlgorithmOfHeader(name);
    if (algorithm === undefined) {
      throw new S3Error("InvalidRequest", {
        message: `The algorithm type you specified in ${name} header is invalid.`,
      });
    }
    found.push({ algorithm, value: parseChecksumValue(algorithm, value) });
  }
  return found;
}

const ABOUT_CHECKSUMS: ReadonlySet<string> = new Set([
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
]);

function checksumOfTrailer(name: string): PromisedChecksum {
  const algorithm = findAlgorithmOfHeader(name);
  if (algorithm === undefined) throw new RangeError(`${name} isn't a checksum's name`);
  return { algorithm, value: undefined };
}

function checkAnnouncedAlgorithm(request: IncomingRequest, algorithm: ChecksumAlgorithm): void {
  const announced = request.headers.get("x-amz-sdk-checksum-algorithm");
  if (announced === undefined || findAlgorithm(announced) === algorithm) return;
  throw new S3Error("InvalidRequest", {
    message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
  });
}
