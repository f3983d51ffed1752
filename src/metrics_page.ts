/** `/_zs3/metrics`: what Prometheus scrapes. Stands before whatever else answers. */

import type { Random } from "./clock.ts";
import { splitUrl } from "./incoming_request.ts";
import { CONTENT_TYPE, Exposition } from "./metrics/exposition.ts";
import { answerPage, type Ask, type PageWorld, requireAdmin, requireReading } from "./page.ts";
import { createRequestIds } from "./request_ids.ts";
import { Reply } from "./s3/reply.ts";

/** `remote` is where the connection came from. */
type Handle = (request: Request, remote: Deno.NetAddr) => Promise<Response>;

/** Administrators see it from anywhere. */
export interface MetricsPageOptions extends PageWorld {
  /** Whether everybody does. */
  readonly isPublic: boolean;
  readonly random: Random;
  /** Adds all that is known. */
  readonly expose: (page: Exposition) => Promise<void>;
}

const PATH = "/_zs3/metrics";

/** `next` with the page before it. Never throws or rejects, if `next` doesn't. */
export function createMetricsPage(options: MetricsPageOptions, next: Handle): Handle {
  const nextId = createRequestIds(options.random);
  return (raw, remote) => {
    const isPage = raw.url.includes(PATH) && splitUrl(raw.url).rawPath === PATH;
    if (!isPage) return next(raw, remote);
    return answerPage(
      options,
      { raw, rawPath: PATH, id: nextId(), name: "Metrics", accessKeyId: undefined },
      (ask) => answer(options, ask, remote),
    );
  };
}

async function answer(
  { isPublic, world, expose }: MetricsPageOptions,
  ask: Ask,
  remote: Deno.NetAddr,
): Promise<Reply> {
  const { raw } = ask;
  requireReading(raw);
  if (!isPublic && !isLocal(raw, remote)) requireAdmin(ask, world);
  const page = new Exposition();
  await expose(page);
  const headers = { "content-type": CONTENT_TYPE, "cache-control": "no-store" };
  return new Reply(raw.method === "HEAD" ? null : page.text, { headers });
}

/** From this machine, and not through a proxy that stands on it. */
function isLocal({ headers }: Request, { hostname }: Deno.NetAddr): boolean {
  const isLoopback = hostname === "::1" || /^(?:::ffff:)?127\./.test(hostname);
  return isLoopback && !headers.has("x-forwarded-for") && !headers.has("forwarded");
}
