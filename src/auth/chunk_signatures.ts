/** The chain of signatures through a chunked body: each is over the one before it, the first over the request's. */

import { isSameText } from "../constant_time.ts";
import { S3Error } from "../errors.ts";
import { sha256Hex } from "../hashing/short_sha256.ts";
import { EMPTY_SHA256, hmacHex } from "./signature.ts";
import type { Signing } from "./sigv4.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html */
export class ChunkSignatures {
  readonly #signing: Signing;
  #previous: string;

  constructor(signing: Signing) {
    this.#signing = signing;
    this.#previous = signing.signature;
  }

  /** To be called for each chunk in turn, the empty last one too. Throws SignatureDoesNotMatch. */
  checkChunk(chunkSha256: string, given: string): void {
    this.#check("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY_SHA256}\n${chunkSha256}`, given);
  }

  /** `canonical`: the trailer's lines as `name:value\n`, latin1. Throws SignatureDoesNotMatch. */
  checkTrailer(canonical: string, given: string): void {
    this.#check("AWS4-HMAC-SHA256-TRAILER", sha256Hex(canonical), given);
  }

  #check(algorithm: string, hashes: string, given: string): void {
    const { timestamp, scope, signingKey } = this.#signing;
    const toSign = `${algorithm}\n${timestamp}\n${scope}\n${this.#previous}\n${hashes}`;
    const computed = hmacHex(signingKey, toSign);
    if (!isSameText(computed, given)) {
      throw new S3Error("SignatureDoesNotMatch", {
        details: { StringToSign: toSign, SignatureProvided: given },
      });
    }
    this.#previous = computed;
  }
}
