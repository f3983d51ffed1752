/** What may be done seldom but not often: a supply that grows with time up to a limit. */

export class Allowance {
  readonly #max: number;
  readonly #perSecond: number;
  #left: number;
  #countedAtMs = -Infinity;

  /** Full at first. */
  constructor(max: number, perSecond: number) {
    this.#max = max;
    this.#perSecond = perSecond;
    this.#left = max;
  }

  /** Takes one; false when none is left. `nowMs` must not go back. */
  take(nowMs: number): boolean {
    const grown = (nowMs - this.#countedAtMs) / 1000 * this.#perSecond;
    this.#left = Math.min(this.#max, this.#left + grown);
    this.#countedAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
