/** Opens the port, over TLS when configured, and says plainly why it can't. */

import type { Config } from "../config.ts";
import { Listener } from "./listener.ts";
import { StartError, systemReason } from "./start_error.ts";

/**
 * `onFault` is told when the port had to be opened anew. Throws StartError for an unreadable or broken
 * certificate, a taken port, or an address that isn't this machine's.
 */
export async function listen(
  config: Pick<Config, "host" | "port" | "tls">,
  handle: Deno.ServeHandler<Deno.NetAddr>,
  onFault: (error: unknown) => void,
): Promise<Listener> {
  const tls = config.tls === undefined ? {} : await readTls(config.tls);
  // The ready line tells where it listens.
  const options = { hostname: config.host, onListen: () => {}, ...tls };
  const open = (port: number) => Deno.serve({ ...options, port }, handle);
  try {
    return new Listener(open, config.port, onFault);
  } catch (error) {
    throw new StartError(listenFailure(config, error), { cause: error });
  }
}

async function readTls(
  { certFile, keyFile }: NonNullable<Config["tls"]>,
): Promise<{ cert: string; key: string }> {
  return {
    cert: await readPem(TLS_KINDS.cert, certFile),
    key: await readPem(TLS_KINDS.key, keyFile),
  };
}

export const TLS_KINDS = {
  cert: { what: "certificate", label: "CERTIFICATE" },
  key: { what: "private key", label: "PRIVATE KEY" },
} as const;

/** Throws StartError for a file that can't be read or holds no such thing. */
export async function readPem(
  { what, label }: typeof TLS_KINDS[keyof typeof TLS_KINDS],
  file: string,
): Promise<string> {
  const text = await Deno.readTextFile(file).catch((error) => {
    throw new StartError(`the TLS ${what} ${file} can't be read: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (text.includes(`${label}-----`)) return text;
  throw new StartError(`the TLS ${what} ${file} is not a PEM file`);
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
