/** What a node counts since its start, for /_zs3/status and metrics. Names are fixed in the code: none comes from outside. */

export class Counters {
  readonly #values = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + count);
  }

  /** By name. */
  all(): { readonly [name: string]: number } {
    return Object.fromEntries(Array.from(this.#values).sort(([a], [b]) => a < b ? -1 : 1));
  }
}
