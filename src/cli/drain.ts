/** The end of serving: what is in flight is finished, what is new is turned away, and all of it takes a bounded time. */

import { S3Error } from "../errors.ts";
import { splitUrl } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { Delivery } from "../http/connection.ts";
import type { Listener } from "../http/listener.ts";
import { errorReply } from "../s3/error_reply.ts";

/** `remote` is where the connection came from. */
export type Handle = (request: Request, remote: Deno.NetAddr) => Promise<Response>;

/** Stands before a request handler; knows how many requests aren't answered to the last byte, and lets only so many in. */
export class Gate {
  readonly #handle: Handle;
  readonly #openMax: number;
  readonly #idle = Promise.withResolvers<void>();
  #open = 0;
  #isClosing = false;

  constructor(handle: Handle, openMax: number = LIMITS.requestsMax) {
    this.#handle = handle;
    this.#openMax = openMax;
  }

  /** Requests that aren't answered to the last byte. */
  get inFlight(): number {
    return this.#open;
  }

  readonly handle = (request: Request, delivery: Delivery): Promise<Response> => {
    if (this.#isClosing) return Promise.resolve(turnAway(request, "ServiceUnavailable"));
    if (this.#open >= this.#openMax && !isOperators(request)) {
      return Promise.resolve(turnAway(request, "SlowDown"));
    }
    this.#open++;
    const end = () => {
      this.#open--;
      this.#settle();
    };
    delivery.completed.then(end, end);
    return this.#handle(request, delivery.remoteAddr);
  };

  /** New requests get 503 from now on. Resolves when the last response is sent. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#settle();
    return this.#idle.promise;
  }

  #settle(): void {
    if (this.#isClosing && this.#open === 0) this.#idle.resolve();
  }
}

/**
 * Lets requests end by themselves for at most `drainMsMax`. Returns whether all did.
 *
 * They are awaited before the port is closed: shutting Deno's HTTP down takes the bodies of requests that are still being
 * received away from their handlers (2.9.6).
 */
export async function drain(
  server: Pick<Listener, "shutdown">,
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
function turnAway(request: Request, code: keyof typeof REASONS): Response {
  const error = new S3Error(code, {
    message: REASONS[code],
    headers: { "retry-after": "1", ...(code === "ServiceUnavailable" && { connection: "close" }) },
  });
  const resource = splitUrl(request.url).rawPath;
  return errorReply(error, { id: "-", method: request.method, resource }).toResponse();
}

const REASONS = {
  ServiceUnavailable: "The server is shutting down.",
  SlowDown: "Too many requests are being answered. Please try again.",
} as const;

/** Who asks whether the server lives, or why it is slow, is answered also then; so are the other nodes of a cluster. */
function isOperators(request: Request): boolean {
  const { rawPath } = splitUrl(request.url);
  return rawPath.startsWith("/_zs3/") || rawPath.startsWith("/minio/health/");
}
