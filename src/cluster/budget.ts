/** A bound on the memory that bodies under way take together: who wants more waits for those before. */

export class Budget {
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly grant: () => void }[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Resolves when `bytes` (at most the whole budget) are granted: first come, first served. Disposing gives them back. */
  async acquire(bytes: number): Promise<Disposable> {
    if (this.#waiting.length > 0 || this.#free < bytes) {
      await new Promise<void>((grant) => this.#waiting.push({ bytes, grant }));
    } else {
      this.#free -= bytes;
    }
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#free += bytes;
        this.#grantNext();
      },
    };
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#free < next.bytes) return;
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
