/** An amount of something that is shared: who wants more than is left waits in line. */

interface Waiter {
  readonly amount: number;
  readonly go: () => void;
}

export class Budget {
  readonly #total: number;
  readonly #waitingMax: number;
  readonly #line = new Set<Waiter>();
  #taken = 0;

  constructor(total: number, waitingMax = Infinity) {
    this.#total = total;
    this.#waitingMax = waitingMax;
  }

  get isIdle(): boolean {
    return this.#taken === 0 && this.#line.size === 0;
  }

  /**
   * Takes an amount of at most the total, in the order of asking; disposing gives it back, once. Rejects with the signal's reason
   * when that is aborted first, and with a RangeError when too many wait.
   */
  async take(amount: number, signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    const taken = this.tryTake(amount);
    if (taken !== undefined) return taken;
    await this.#wait(amount, signal);
    return this.#hold(amount);
  }

  /** The same when nobody has to wait; else undefined. */
  tryTake(amount: number): Disposable | undefined {
    if (this.#line.size > 0 || !this.#hasRoom(amount)) return undefined;
    this.#taken += amount;
    return this.#hold(amount);
  }

  #hold(amount: number): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#giveBack(amount);
        isHeld = false;
      },
    };
  }

  #wait(amount: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#line.size >= this.#waitingMax) throw new RangeError("too many wait already");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      this.#line.delete(waiter);
      reject(signal?.reason);
      this.#serve(); // the next may want less
    };
    const go = () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    };
    const waiter = { amount, go };
    signal?.addEventListener("abort", abort, { once: true });
    this.#line.add(waiter);
    return promise;
  }

  #giveBack(amount: number): void {
    this.#taken -= amount;
    this.#serve();
  }

  #serve(): void {
    for (const waiter of this.#line) {
      if (!this.#hasRoom(waiter.amount)) return;
      this.#line.delete(waiter);
      this.#taken += waiter.amount;
      waiter.go();
    }
  }

  #hasRoom(amount: number): boolean {
    return this.#taken + amount <= this.#total;
  }
}
