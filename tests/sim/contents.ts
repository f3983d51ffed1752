/** Bodies that clients write: each version has its own id, while many have equal bytes, as deduplication would have it. */

import { createHash } from "node:crypto";
import type { SeededRandom } from "../support/seed.ts";
import { patternBytes } from "../support/bytes.ts";

export interface Content {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of an object that is written in one piece. */
  readonly md5: string;
}

export interface ContentOptions {
  /** Sizes to choose from. */
  readonly sizes: readonly number[];
  /** How many different bodies there are of each size; "unlimited": no version has the body of another by chance. */
  readonly variants: number | "unlimited";
}

type Bytes = Omit<Content, "id">;

export class Contents {
  readonly #options: ContentOptions;
  readonly #random: SeededRandom;
  readonly #byId = new Map<string, Content>();
  readonly #bytes = new Map<string, Bytes>();

  constructor(options: ContentOptions, random: SeededRandom) {
    this.#options = options;
    this.#random = random;
  }

  /** A new version with one of the bodies. */
  make(): Content {
    const size = this.#random.pick(this.#options.sizes);
    const { variants } = this.#options;
    const variant = variants === "unlimited"
      ? this.#byId.size + 1
      : 1 + this.#random.below(variants);
    return this.#add(this.#bytesOf(size, variant));
  }

  /** A new version with the body of another. */
  copyOf({ bytes, md5 }: Content): Content {
    return this.#add({ bytes, md5 });
  }

  /** Undefined for an id that no writer was given. */
  find(id: string): Content | undefined {
    return this.#byId.get(id);
  }

  /** In the order in which they were made. */
  all(): Iterable<Content> {
    return this.#byId.values();
  }

  #add(bytes: Bytes): Content {
    const content = { id: `v${this.#byId.size + 1}`, ...bytes };
    this.#byId.set(content.id, content);
    return content;
  }

  #bytesOf(size: number, variant: number): Bytes {
    const name = `${size}/${variant}`;
    const known = this.#bytes.get(name);
    if (known !== undefined) return known;
    const bytes = patternBytes(size, variant);
    const made = { bytes, md5: createHash("md5").update(bytes).digest("hex") };
    this.#bytes.set(name, made);
    return made;
  }
}
