/** The end of serving: what is in flight is finished, what is new is turned away, and all of it takes a bounded time. */

import { S3Error } from "../errors.ts";
import { errorResponse } from "../s3/error_response.ts";

type Handle = (request: Request) => Promise<Response>;

/** Stands before a request handler; knows how many requests it is working on. */
export class Gate {
  readonly #handle: Handle;
  readonly #idle = Promise.withResolvers<void>();
  #working = 0;
  #isClosing = false;

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  readonly handle = async (request: Request): Promise<Response> => {
    if (this.#isClosing) return turnAway(request);
    this.#working++;
    try {
      return await this.#handle(request);
    } finally {
      this.#working--;
      this.#settle();
    }
  };

  /** New requests get 503 from now on. Resolves when the last handler has returned. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#settle();
    return this.#idle.promise;
  }

  #settle(): void {
    if (this.#isClosing && this.#working === 0) this.#idle.resolve();
  }
}

/**
 * Lets requests end by themselves for at most `drainMsMax`. Returns whether all did.
 *
 * Handlers are awaited before the server is shut down, because `HttpServer.shutdown` takes the bodies of requests
 * that are still being received away from their handlers (Deno 2.9), though it lets responses be sent to their end.
 */
export async function drain(
  server: Pick<Deno.HttpServer, "shutdown">,
  gate: Gate,
  drainMsMax: number,
): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), drainMsMax);
  const ended = gate.close().then(() => server.shutdown()).then(() => true);
  try {
    return await Promise.race([ended, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** 503 is what clients repeat elsewhere or later; the connection ends so that they don't come back on it. */
function turnAway(request: Request): Response {
  const error = new S3Error("ServiceUnavailable", {
    message: "The server is shutting down.",
    headers: { "connection": "close", "retry-after": "1" },
  });
  const resource = new URL(request.url).pathname;
  return errorResponse(error, { id: "-", method: request.method, resource });
}
