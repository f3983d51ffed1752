/** Knows whether anybody is sending a body. */

type Handle = Deno.ServeHandler<Deno.NetAddr>;

/** Requests that may have a body count until their reply is sent to the end, or can't be: some reply before they have it all. */
export class BodyWatch {
  readonly #handle: Handle;
  #count = 0;
  #onQuiet = () => {};

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  get count(): number {
    return this.#count;
  }

  readonly handle: Handle = (request, info) => {
    if (request.method === "GET" || request.method === "HEAD") return this.#handle(request, info);
    this.#count++;
    const end = () => {
      if (--this.#count === 0) this.#onQuiet();
    };
    info.completed.then(end, end);
    return this.#handle(request, info);
  };

  /** Resolves when nobody does, or after so long. The caller looks at `count` then: somebody may have begun. */
  async quiet(msMax: number): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, msMax);
    this.#onQuiet = resolve;
    await promise;
    clearTimeout(timer);
  }
}
