/** Which numbers of a growing series have come, as IPsec has it (RFC 4303 §3.4.3): they may come out of order, but only once. */

const BITS = 32;

export class ReplayWindow {
  readonly #size: number;
  readonly #bits: Uint32Array;
  #highest = 0;

  /** `size` must be a multiple of 32: how far behind the highest a number may come. */
  constructor(size: number) {
    this.#size = size;
    this.#bits = new Uint32Array(size / BITS);
  }

  /**
   * Whether the number comes for the first time. One too far behind to know counts as seen, and so does what
   * is no integer from 1 on.
   */
  claim(number: number): boolean {
    if (!Number.isSafeInteger(number) || number < 1) return false;
    if (number <= this.#highest - this.#size) return false;
    if (number > this.#highest) this.#moveTo(number);
    const { word, bit } = this.#place(number);
    const before = this.#bits[word] ?? 0;
    this.#bits[word] = before | bit;
    return (before & bit) === 0;
  }

  /** Frees the places of the numbers that are skipped. */
  #moveTo(number: number): void {
    if (number - this.#highest >= this.#size) this.#bits.fill(0);
    else {
      for (let skipped = this.#highest + 1; skipped <= number; skipped++) {
        const { word, bit } = this.#place(skipped);
        this.#bits[word] = (this.#bits[word] ?? 0) & ~bit;
      }
    }
    this.#highest = number;
  }

  #place(number: number): { word: number; bit: number } {
    const at = number % this.#size;
    return { word: Math.floor(at / BITS), bit: 1 << (at % BITS) };
  }
}
