/** All that a running server measures, put together. */

import type { Log } from "../log.ts";
import type { Exposition } from "./exposition.ts";
import { exposeProcess } from "./process_metrics.ts";
import { RequestMetrics } from "./request_metrics.ts";

export class ServerMetrics {
  readonly #requests = new RequestMetrics();
  readonly #startedMs = Date.now();

  /** `log`, with the requests that it is told of counted. */
  counting(log: Log): Log {
    return {
      request: (record) => {
        this.#requests.count(record);
        log.request(record);
      },
      notice: (text) => log.notice(text),
      fault: (requestId, cause) => log.fault(requestId, cause),
    };
  }

  /** `inFlight`: requests that aren't answered to the last byte. */
  expose(page: Exposition, inFlight: number): void {
    exposeProcess(page, this.#startedMs);
    page.gauge("zs3_requests_in_flight", "Requests that aren't answered to the end.", [
      [{}, inFlight],
    ]);
    this.#requests.expose(page);
  }
}
