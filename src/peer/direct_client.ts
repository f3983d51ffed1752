/** Connections to peers that go to the peers: through no proxy, to no other place, one call at a time on each. */

import { LIMITS } from "../limits.ts";

export interface DirectClientOptions {
  /** PEM, in addition to the system's. */
  readonly caCerts?: readonly string[] | undefined;
  /** The address of this machine to connect from. */
  readonly localAddress?: string | undefined;
}

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy"]
  .flatMap((name) => [name, name.toUpperCase()]);

/**
 * A pool of kept connections, for `fetch`. HTTP/1.1 only: a call that is given up closes its connection, while one of HTTP/2
 * that leads nowhere since the network was cut would be used again for many minutes. Idle ones are soon closed for the same reason.
 */
export function openDirectClient(
  { caCerts, localAddress }: DirectClientOptions,
): Deno.HttpClient {
  return withoutProxies(() =>
    Deno.createHttpClient({
      http2: false,
      poolMaxIdlePerHost: LIMITS.peerIdleConnectionsMax,
      poolIdleTimeout: LIMITS.peerIdleConnectionMs,
      ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
      ...(localAddress === undefined ? {} : { localAddress }),
    })
  );
}

/**
 * A client takes its proxies from the environment when it is made, and has no option for none (Deno 2.9.6). Peers must not be
 * asked through one: it hides where they are, and mostly can't reach them.
 */
function withoutProxies<T>(make: () => T): T {
  const kept = PROXY_VARIABLES.map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const [name] of kept) Deno.env.delete(name);
    return make();
  } finally {
    for (const [name, value] of kept) if (value !== undefined) Deno.env.set(name, value);
  }
}
