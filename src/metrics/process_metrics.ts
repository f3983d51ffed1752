/** What is measured of the process. */

import { VERSION } from "../version.ts";
import type { Exposition } from "./exposition.ts";

export function exposeProcess(page: Exposition, startedMs: number): void {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  page.gauge("zs3_info", "The version that runs.", [[{ version: VERSION }, 1]]);
  page.gauge("process_start_time_seconds", "Since the epoch.", [[{}, startedMs / 1000]]);
  page.gauge("process_resident_memory_bytes", "Resident set size.", [[{}, rss]]);
  page.gauge("zs3_heap_bytes", "Used by objects of the program.", [[{}, heapUsed]]);
  page.gauge("zs3_buffer_bytes", "Of buffers outside that heap.", [[{}, external]]);
}
