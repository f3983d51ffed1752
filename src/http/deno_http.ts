/**
 * Deno's HTTP on a connection that was accepted here. `Deno.serve` accepts connections itself, and says nothing of those without a
 * request: they couldn't be counted, timed or closed (denoland/deno#3515). What it gives each of them to, and `node:http` too, is
 * this function; it is no public one.
 */

/** The one thing that is asked of an AbortSignal, whose events would make an error of cutting off what has just ended by itself. */
export class Cutter {
  #cut = () => {};

  addEventListener(_type: "abort", cut: () => void): void {
    this.#cut = cut;
  }

  /** Closes the connection, whatever is under way on it. */
  cut(): void {
    try {
      this.#cut();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // it has ended by itself
    }
  }
}

/** HTTP/1.1 or HTTP/2 on one connection. */
export interface HttpConnection {
  /** Rejects when the client went away in the middle of something, or has made no sense. */
  readonly finished: Promise<void>;
  /** Resolves when the reply that is under way is sent and the connection closed. It can't be cut off any more. */
  shutdown(): Promise<void>;
}

export type HttpHandler = (
  request: Request,
  info: Pick<Deno.ServeHandlerInfo, "completed">,
) => Promise<Response>;

/** Takes over the connection. `onError` is told what kept a reply from being sent whole. */
export type ServeHttp = (
  connection: Deno.Conn,
  cutter: Cutter,
  handle: HttpHandler,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => HttpConnection;

/** undefined for a Deno that hasn't got it any more: 2.9.8 has. */
export function findServeHttp(): ServeHttp | undefined {
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal"));
  if (typeof internals !== "object" || internals === null) return undefined;
  const serve: unknown = Reflect.get(internals, "serveHttpOnConnection");
  return typeof serve === "function" ? serve as ServeHttp : undefined;
}
