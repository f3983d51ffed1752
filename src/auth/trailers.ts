/** The lines after the last chunk of a body: text → names and values, announced and signed as promised. */

import { S3Error } from "../errors.ts";
import type { ChunkSignatures } from "./chunk_signatures.ts";

export type Trailers = ReadonlyMap<string, string>;

const SIGNATURE_NAME = "x-amz-trailer-signature";

/**
 * Throws MalformedTrailerError unless the text is lines `name:value`, one for each name announced and no other, and (signed)
 * one with the signature; SignatureDoesNotMatch. Lines may end in CRLF or LF, and empty ones don't count: minio-go ends
 * them with LF and puts an empty one before the signature.
 */
export function parseTrailers(
  text: string,
  announced: readonly string[],
  signatures: ChunkSignatures | undefined,
): Trailers {
  const trailers = splitLines(text);
  if (signatures !== undefined) checkSignature(trailers, signatures);
  const isAsAnnounced = trailers.size === announced.length &&
    announced.every((name) => trailers.has(name));
  if (!isAsAnnounced) throw malformedTrailer();
  return trailers;
}

function splitLines(text: string): Map<string, string> {
  const trailers = new Map<string, string>();
  for (const ended of text.split("\n")) {
    const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (name === "" || trailers.has(name)) throw malformedTrailer();
    trailers.set(name, line.slice(colon + 1).trim());
  }
  return trailers;
}

/** Takes the signature out. What it is over: the other lines, sorted by name. */
function checkSignature(trailers: Map<string, string>, signatures: ChunkSignatures): void {
  const given = trailers.get(SIGNATURE_NAME);
  if (given === undefined) throw malformedTrailer();
  trailers.delete(SIGNATURE_NAME);
  const lines = [...trailers].map(([name, value]) => `${name}:${value}\n`);
  signatures.checkTrailer(lines.sort().join(""), given);
}

function malformedTrailer(): S3Error {
  return new S3Error("MalformedTrailerError");
}
