/** What is counted of requests: told of each as the log is, and shown as families of metrics. */

import type { RequestRecord } from "../log.ts";
import type { Exposition, Sample } from "./exposition.ts";
import { Histogram } from "./histogram.ts";

/** Seconds. From what memory answers to what a disk under load makes of it. */
const LATENCY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a request was that failed before it was known. */
const UNKNOWN = "Unknown";

/** Operations and statuses are known sets, so there are only so many series, whatever is sent. */
export class RequestMetrics {
  readonly #counts = new Map<string, Map<number, number>>();
  readonly #latencies = new Map<string, Histogram>();
  #receivedBytes = 0;
  #sentBytes = 0;

  count(record: RequestRecord): void {
    const operation = record.operation ?? UNKNOWN;
    let statuses = this.#counts.get(operation);
    let latency = this.#latencies.get(operation);
    if (statuses === undefined || latency === undefined) {
      this.#counts.set(operation, statuses = new Map());
      this.#latencies.set(operation, latency = new Histogram(LATENCY_BOUNDS));
    }
    statuses.set(record.status, (statuses.get(record.status) ?? 0) + 1);
    latency.observe(record.durationMs / 1000);
    this.#receivedBytes += record.receivedBytes ?? 0;
    this.#sentBytes += record.sentBytes ?? 0;
  }

  expose(page: Exposition): void {
    page.counter("zs3_requests_total", "Answered requests.", this.#requests());
    page.histogram(
      "zs3_request_seconds",
      "Time until the head of the reply was ready.",
      Array.from(this.#latencies, ([operation, latency]) => [{ operation }, latency] as const),
    );
    page.counter(
      "zs3_received_bytes_total",
      "Bytes of request bodies, as their Content-Length announced them.",
      [[{}, this.#receivedBytes]],
    );
    page.counter(
      "zs3_sent_bytes_total",
      "Bytes of replies, as their Content-Length announced them.",
      [[{}, this.#sentBytes]],
    );
  }

  *#requests(): Iterable<Sample> {
    for (const [operation, statuses] of this.#counts) {
      for (const [status, count] of statuses) {
        yield [{ operation, status: String(status) }, count];
      }
    }
  }
}
