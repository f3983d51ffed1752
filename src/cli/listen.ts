/** Opens the port, over TLS when configured, and says plainly why it can't. Takes another certificate later. */

import type { Config } from "../config.ts";
import { Connections } from "../http/connections.ts";
import type { Answer } from "../http/connection.ts";
import { findServeHttp } from "../http/deno_http.ts";
import { type Accepting, Listener } from "../http/listener.ts";
import { systemTimers } from "../timers.ts";
import { StartError, systemReason } from "./start_error.ts";
import { readTls, type TlsTexts } from "./tls_files.ts";

export type PortConfig = Pick<Config, "host" | "port" | "tls" | "connectionLimits">;

/** A port that is open. */
export class OpenPort {
  readonly listener: Listener;
  readonly connections: Connections;
  readonly #openWith: (tls: TlsTexts | undefined) => (port: number) => Accepting;
  #tls: TlsTexts | undefined;

  constructor(
    config: PortConfig,
    tls: TlsTexts | undefined,
    answer: Answer,
    onFault: (error: unknown) => void,
  ) {
    const serve = findServeHttp();
    if (serve === undefined) {
      throw new StartError(
        `Deno ${Deno.version.deno} doesn't serve connections as 2.9 did: this zs3 needs Deno 2.9`,
      );
    }
    this.#tls = tls;
    this.#openWith = (tls) => (port) => openPort(config.host, port, tls);
    const timers = systemTimers;
    this.connections = new Connections({
      serve,
      answer,
      limits: config.connectionLimits,
      timers,
      onFault,
    });
    const { connections } = this;
    const open = this.#openWith(tls);
    this.listener = new Listener({ open, port: config.port, connections, onFault, timers });
  }

  /** Whether a certificate other than the one in force is meant. Never without TLS. */
  isNewTls(tls: TlsTexts): boolean {
    return this.#tls !== undefined && (tls.cert !== this.#tls.cert || tls.key !== this.#tls.key);
  }

  /** Who connects from now on gets this certificate; other connections stay as they are. Returns false when the port is being closed. */
  async renewTls(tls: TlsTexts): Promise<boolean> {
    this.#tls = tls;
    return await this.listener.replace(this.#openWith(tls));
  }
}

/**
 * `onFault` is told what went wrong with the port or a reply. Throws StartError for an unreadable or broken
 * certificate, a taken port, or an address that isn't this machine's.
 */
export async function listen(
  config: PortConfig,
  answer: Answer,
  onFault: (error: unknown) => void,
): Promise<OpenPort> {
  const tls = config.tls === undefined ? undefined : await readTls(config.tls);
  try {
    return new OpenPort(config, tls, answer, onFault);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(listenFailure(config, error), { cause: error });
  }
}

function openPort(hostname: string, port: number, tls: TlsTexts | undefined): Accepting {
  if (tls === undefined) return Deno.listen({ hostname, port });
  // As S3 itself: HTTP/2 is the slower one here (src/README.md).
  return Deno.listenTls({ hostname, port, ...tls, alpnProtocols: ["http/1.1"] });
}

function listenFailure({ host, port, tls }: PortConfig, error: unknown) {
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
