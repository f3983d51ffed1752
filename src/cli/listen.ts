/** Opens the port, over TLS when configured, and says plainly why it can't. Takes another certificate later. */

import type { Config } from "../config.ts";
import { LIMITS } from "../limits.ts";
import { BodyWatch } from "./body_watch.ts";
import { Listener } from "./listener.ts";
import { StartError, systemReason } from "./start_error.ts";
import { readTls, type TlsTexts } from "./tls_files.ts";

type Handle = Deno.ServeHandler<Deno.NetAddr>;

/** A port that is open. */
export class OpenPort {
  readonly listener: Listener;
  readonly #openWith: (tls: TlsTexts) => (port: number) => Deno.HttpServer<Deno.NetAddr>;
  readonly #bodies: BodyWatch;
  #tls: TlsTexts | undefined;

  constructor(
    config: Pick<Config, "host" | "port">,
    tls: TlsTexts | undefined,
    handle: Handle,
    onFault: (error: unknown) => void,
  ) {
    this.#bodies = new BodyWatch(handle);
    this.#tls = tls;
    // Only a port with a certificate is ever closed under those who send. The ready line tells where it listens.
    const watched = tls === undefined ? handle : this.#bodies.handle;
    const options = { hostname: config.host, onListen: () => {} };
    this.#openWith = (tls) => (port) => Deno.serve({ ...options, ...tls, port }, watched);
    const open = tls === undefined
      ? (port: number) => Deno.serve({ ...options, port }, watched)
      : this.#openWith(tls);
    this.listener = new Listener(open, config.port, onFault);
  }

  /** Whether a certificate other than the one in force is meant. Never without TLS. */
  isNewTls(tls: TlsTexts): boolean {
    return this.#tls !== undefined && (tls.cert !== this.#tls.cert || tls.key !== this.#tls.key);
  }

  /**
   * Who connects gets this certificate from the next moment on in which nobody is sending a body. Until then, and it may take
   * as long as an upload, nothing changes: `Deno.serve` takes a certificate at the start only, and closing its port takes
   * bodies that are being received over HTTP/1.1 away from their handlers (Deno 2.9.6). Everything else under way ends as it
   * would have. `endLinks` is called, again and again, to end bodies that have no end. Returns whether it was done: not when
   * the port is being closed.
   */
  async renewTls(tls: TlsTexts, endLinks: () => void): Promise<boolean> {
    while (!this.listener.isStopping) {
      endLinks();
      await this.#bodies.quiet(LIMITS.tlsQuietMs);
      if (this.#bodies.count > 0 || this.listener.isStopping) continue;
      await this.listener.replace(this.#openWith(tls));
      this.#tls = tls;
      return true;
    }
    return false;
  }
}

/**
 * `onFault` is told when the port had to be opened anew. Throws StartError for an unreadable or broken
 * certificate, a taken port, or an address that isn't this machine's.
 */
export async function listen(
  config: Pick<Config, "host" | "port" | "tls">,
  handle: Handle,
  onFault: (error: unknown) => void,
): Promise<OpenPort> {
  const tls = config.tls === undefined ? undefined : await readTls(config.tls);
  try {
    return new OpenPort(config, tls, handle, onFault);
  } catch (error) {
    throw new StartError(listenFailure(config, error), { cause: error });
  }
}

function listenFailure({ host, port, tls }: Pick<Config, "host" | "port" | "tls">, error: unknown) {
  if (error instanceof Deno.errors.AddrInUse) {
    return `port ${port} on ${host} is taken by another program`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `${host} is not an address of this machine`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `port ${port} on ${host} may not be opened by this user`;
  }
  const where = tls === undefined ? "" : ` with ${tls.certFile} and ${tls.keyFile}`;
  return `can't listen on port ${port} of ${host}${where}: ${systemReason(error)}`;
}
