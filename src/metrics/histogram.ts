/** How often values of each size came, for whoever looks later. */

export class Histogram {
  /** Ascending upper bounds, included, of all buckets but the last, which takes the rest. */
  readonly bounds: readonly number[];
  /** Of each bucket alone: one more than there are bounds. */
  readonly counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    this.#sum += value;
    let at = 0;
    while (at < this.bounds.length && value > (this.bounds[at] ?? Infinity)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }
}
