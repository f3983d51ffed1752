/** The ETag that bytes should have, computed while they pass: MD5, or MD5 of the MD5s of an object's parts. */

import { createHash, type Hash } from "node:crypto";
import { multipartEtag } from "./multipart.ts";

export class EtagHash {
  /** Sizes of the parts that aren't complete; undefined for an object that isn't made of parts. */
  readonly #sizes: number[] | undefined;
  readonly #digests: string[] = [];
  #md5: Hash = createHash("md5");
  /** Of the part under way. */
  #left: number;

  /** `partSizes` of an object made of parts, in their order. */
  constructor(partSizes: readonly number[] | undefined) {
    this.#sizes = partSizes === undefined ? undefined : [...partSizes];
    this.#left = this.#sizes?.shift() ?? Infinity;
  }

  update(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0;) {
      if (this.#left === 0) this.#endPart();
      const piece = rest.subarray(0, this.#left);
      this.#md5.update(piece);
      this.#left -= piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  /** Once, after the last byte. That the last part isn't cut short is the caller's to know. */
  digest(): string {
    if (this.#sizes === undefined) return this.#md5.digest("hex");
    while (this.#sizes.length > 0) this.#endPart();
    return multipartEtag([...this.#digests, this.#md5.digest("hex")]);
  }

  #endPart(): void {
    this.#digests.push(this.#md5.digest("hex"));
    this.#md5 = createHash("md5");
    this.#left = this.#sizes?.shift() ?? Infinity;
  }
}
