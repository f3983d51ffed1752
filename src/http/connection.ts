/** One client's connection: what is under way on it, or since when nothing is. */

import { LIMITS } from "../limits.ts";
import type { Timers } from "../timers.ts";
import { Cutter, type HttpConnection, type ServeHttp } from "./deno_http.ts";

/** What a handler is told of a request besides the request. */
export interface Delivery {
  /** Settles when the response is sent to the end, or can't be; one of a few bytes when they are ready to be sent. */
  readonly completed: Promise<void>;
  /** Where the connection came from. */
  readonly remoteAddr: Deno.NetAddr;
}

/** Never rejects. */
export type Answer = (request: Request, delivery: Delivery) => Promise<Response>;

/** How long a connection may be in a state, in milliseconds. */
export interface Patience {
  /** From connecting, over TLS from shaking hands, until the first request's head is whole. */
  readonly headMsMax: number;
  /** Without a request, or with the head of one that isn't whole, once there was one. */
  readonly idleMsMax: number;
  /** For taking a reply; a second more for each LIMITS.replyBytesPerSecondMin of it. */
  readonly replyMsMax: number;
}

/** What a client was too slow with. */
export type Overdue = "head" | "idle" | "reply";

export interface ConnectionOptions {
  readonly serve: ServeHttp;
  readonly answer: Answer;
  readonly timers: Timers;
  readonly onFault: (error: unknown) => void;
}

/** A request that isn't answered to the last byte. */
interface Exchange {
  response: Response | undefined;
  answeredMs: number;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #remote: Deno.NetAddr;
  readonly #cutter = new Cutter();
  readonly #http: HttpConnection;
  readonly #exchanges = new Set<Exchange>();
  #hasAsked = false;
  #quietSinceMs: number;
  /** Resolves when the connection is closed, by whomever. */
  readonly ended: Promise<void>;

  /** Takes over what was accepted. */
  constructor(accepted: Deno.Conn<Deno.NetAddr>, options: ConnectionOptions) {
    this.#options = options;
    this.#remote = accepted.remoteAddr;
    this.#quietSinceMs = options.timers.elapsed();
    this.#http = options.serve(
      accepted,
      this.#cutter,
      (request, { completed }) => this.#answer(request, completed),
      (error) => {
        options.onFault(error);
        return new Response(null, { status: 500 });
      },
      () => {},
    );
    // How a client goes is its own affair.
    this.ended = this.#http.finished.catch(() => {});
  }

  /**
   * Since when it is of no use, by the timers' clock; undefined while a request is under way, or a reply may be: Deno calls a small
   * one completed before it is written.
   */
  get idleSinceMs(): number | undefined {
    if (this.#exchanges.size > 0) return undefined;
    const isReplyGone = this.#options.timers.elapsed() - this.#quietSinceMs >= LIMITS.replyLeavesMs;
    return !this.#hasAsked || isReplyGone ? this.#quietSinceMs : undefined;
  }

  findOverdue({ headMsMax, idleMsMax, replyMsMax }: Patience): Overdue | undefined {
    const now = this.#options.timers.elapsed();
    if (this.#exchanges.size === 0) {
      if (now - this.#quietSinceMs <= (this.#hasAsked ? idleMsMax : headMsMax)) return undefined;
      return this.#hasAsked ? "idle" : "head";
    }
    const isLate = ({ response, answeredMs }: Exchange) =>
      response !== undefined && now - answeredMs > replyMsMax &&
      now - answeredMs > replyMsMax + timeToTake(response);
    return [...this.#exchanges].some(isLate) ? "reply" : undefined;
  }

  /** Closes it now, whatever is under way. */
  cut(): void {
    this.#cutter.cut();
  }

  /** Closes it when what is under way has ended. Never rejects. */
  async finish(): Promise<void> {
    await this.#http.shutdown().catch(() => {});
    await this.ended;
  }

  async #answer(request: Request, completed: Promise<void>): Promise<Response> {
    const exchange: Exchange = { response: undefined, answeredMs: 0 };
    this.#exchanges.add(exchange);
    this.#hasAsked = true;
    const end = () => this.#end(exchange);
    completed.then(end, end);
    const delivery = { completed, remoteAddr: this.#remote };
    const response = await this.#options.answer(request, delivery);
    exchange.response = response;
    exchange.answeredMs = this.#options.timers.elapsed();
    return response;
  }

  #end(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    this.#quietSinceMs = this.#options.timers.elapsed();
  }
}

/** Milliseconds; without bound for a reply of unknown length: nodes of a cluster keep some open. */
function timeToTake({ headers }: Response): number {
  const length = headers.get("content-length");
  return length === null ? Infinity : Number(length) / LIMITS.replyBytesPerSecondMin * 1000;
}
