/** Serving, whatever is behind the port: it opens, says that it is ready, and ends in good order at the signal. */

import type { ReplaceableKeyring } from "../auth/keyring.ts";
import { systemClock, systemRandom } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Loaded } from "../config/load.ts";
import { LIMITS } from "../limits.ts";
import type { Log } from "../log.ts";
import { exposeConnections } from "../metrics/connection_metrics.ts";
import type { Exposition } from "../metrics/exposition.ts";
import type { ServerMetrics } from "../metrics/server_metrics.ts";
import { createMetricsPage } from "../metrics_page.ts";
import { bannerLines, baseUrl, readyLine } from "./banner.ts";
import { drain, Gate, type Handle } from "./drain.ts";
import { listen } from "./listen.ts";
import { canReload, onHangup, Reloader } from "./reload.ts";

/** A server that stands alone, or a node of a cluster. Disposing ends what it does in the background and closes its store. */
export interface Service extends AsyncDisposable {
  /** Answers requests from the moment the port is open, also before `start` has resolved. Never rejects. */
  readonly handle: Handle;
  /** Told where it is reached, once; resolves when requests will succeed. May throw what keeps it from that. */
  start(port: number): Promise<void>;
  /** Adds what it measures of itself. */
  expose(page: Exposition): Promise<void>;
  /** Told that all requests are to end: those that would never end are to be ended now. May be called again. */
  stopping?(): void;
}

export interface ServeOptions {
  /** What is in force at the start. */
  readonly loaded: Loaded;
  /** Reads it anew, as far as it can have changed. */
  readonly load: () => Promise<Loaded>;
  /** The one that the service uses too. */
  readonly keyring: ReplaceableKeyring;
  readonly log: Log;
  readonly metrics: ServerMetrics;
  readonly print: (line: string) => void;
}

/** Returns when `stop` has resolved and the last response is sent. Throws StartError, and what `start` throws. */
export async function serveUntil(
  stop: Promise<void>,
  service: Service,
  options: ServeOptions,
): Promise<void> {
  const { loaded, load, keyring, log, metrics, print } = options;
  const { config } = loaded;
  const gate: Gate = new Gate(
    createMetricsPage({
      world: { keyring, clock: systemClock, region: config.region },
      isPublic: config.metrics === "public",
      random: systemRandom,
      log,
      expose: async (page) => {
        metrics.expose(page, gate.inFlight);
        exposeConnections(page, open.connections);
        await service.expose(page);
      },
    }, service.handle),
    config.requestsMax,
  );
  const open = await listen(config, gate.handle, (error) => log.fault("-", error));
  const { port } = open.listener.addr;
  const endLinks = () => service.stopping?.();
  const reloader = new Reloader({ loaded, load, keyring, port: open, log });
  // With nothing to read anew, the end of a terminal session ends the server that was started in it.
  using _hangup = canReload(loaded) || !Deno.stdin.isTerminal()
    ? onHangup(() => void reloader.request())
    : undefined;
  try {
    const isReady = await Promise.race([
      service.start(port).then(() => true),
      stop.then(() => false),
    ]);
    if (isReady) announce(config, baseUrl(config, port), print);
    await stop;
  } finally {
    endLinks();
    if (await drain(open.listener, gate, LIMITS.drainMsMax)) await reloader.ended();
    else {log.fault(
        "-",
        new Error(`requests were cut off ${LIMITS.drainMsMax} ms after the signal`),
      );}
  }
}

function announce(config: Config, url: string, print: (line: string) => void): void {
  for (const line of bannerLines(config, url)) print(line);
  print(readyLine(url));
}
