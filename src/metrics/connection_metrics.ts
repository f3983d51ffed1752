/** What is known of the connections that clients have open. */

import type { ClosedFor, Connections } from "../http/connections.ts";
import type { Exposition } from "./exposition.ts";

export function exposeConnections(
  page: Exposition,
  { count, accepted, closed }: Pick<Connections, "count" | "accepted" | "closed">,
): void {
  page.gauge("zs3_connections", "Connections that are open.", [[{}, count]]);
  page.counter("zs3_connections_accepted_total", "Connections since the start.", [[{}, accepted]]);
  page.counter(
    "zs3_connections_closed_total",
    "Connections closed by the server: too slow with a head, idle, too slow to take a reply, or in another's place.",
    (Object.entries(closed) as [ClosedFor, number][]).map(([reason, n]) => [{ reason }, n]),
  );
}
