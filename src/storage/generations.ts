/** A cache of what was used lately. */

export interface GenerationsOptions<Value> {
  /** About so many values and bytes are kept at most, in both generations. */
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** Larger values aren't kept. */
  readonly valueBytesMax: number;
  readonly sizeOf: (id: string, value: Value) => number;
}

/** Two generations: the older is dropped when the younger is full. That costs a hit nothing, and keeps what is used. */
export class Generations<Value> {
  readonly #options: GenerationsOptions<Value>;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  /** Of the younger generation. */
  #bytes = 0;

  constructor(options: GenerationsOptions<Value>) {
    this.#options = options;
  }

  find(id: string): Value | undefined {
    const young = this.#young.get(id);
    if (young !== undefined) return young;
    const old = this.#old.get(id);
    if (old === undefined) return undefined;
    this.#old.delete(id);
    this.set(id, old);
    return old;
  }

  /** Of the younger generation only, which is what was set or found lately. */
  findYoung(id: string): Value | undefined {
    return this.#young.get(id);
  }

  set(id: string, value: Value): void {
    const { sizeOf, valueBytesMax } = this.#options;
    const bytes = sizeOf(id, value);
    if (bytes > valueBytesMax) {
      this.forget(id);
      return;
    }
    this.#young.set(id, value);
    this.grow(bytes);
  }

  /** A value of the younger generation has become larger by so many bytes. */
  grow(bytes: number): void {
    const { entriesMax, bytesMax } = this.#options;
    this.#bytes += bytes;
    if (this.#young.size < entriesMax / 2 && this.#bytes < bytesMax / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }

  forget(id: string): void {
    const young = this.#young.get(id);
    if (young !== undefined) {
      this.#bytes -= this.#options.sizeOf(id, young);
      this.#young.delete(id);
    }
    this.#old.delete(id);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }
}
