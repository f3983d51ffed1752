import { assert, assertEquals } from "@std/assert";
import { silentLog } from "../../src/log.ts";
import type { RequestRecord } from "../../src/log.ts";
import { LIMITS } from "../../src/limits.ts";
import { Exposition } from "../../src/metrics/exposition.ts";
import { Histogram } from "../../src/metrics/histogram.ts";
import { ServerMetrics } from "../../src/metrics/server_metrics.ts";
import { exposeSurvey } from "../../src/metrics/store_metrics.ts";

const RECORD: RequestRecord = {
  requestId: "0123456789ABCDEF",
  timeMs: 0,
  durationMs: 3,
  method: "GET",
  operation: "GetObject",
  bucket: "bkt",
  key: "k",
  accessKeyId: "alice",
  status: 200,
  errorCode: undefined,
  receivedBytes: undefined,
  sentBytes: 10,
};

Deno.test("a histogram's buckets include their bounds, and are told as sums", () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 2, 2.5]) histogram.observe(value);
  const page = new Exposition();
  page.histogram("h", "Help.", [[{ a: "b" }, histogram]]);
  assertEquals(
    page.text,
    "# HELP h Help.\n# TYPE h histogram\n" +
      'h_bucket{a="b",le="1"} 2\nh_bucket{a="b",le="2"} 4\nh_bucket{a="b",le="+Inf"} 5\n' +
      'h_sum{a="b"} 7.5\nh_count{a="b"} 5\n',
  );
});

Deno.test("labels are escaped", () => {
  const page = new Exposition();
  page.gauge("g", "Help.", [[{ a: 'x"\\\n' }, 1]]);
  assertEquals(page.text, '# HELP g Help.\n# TYPE g gauge\ng{a="x\\"\\\\\\n"} 1\n');
});

Deno.test("requests are counted by operation and status, and nothing else tells them apart", () => {
  const metrics = new ServerMetrics();
  const told: RequestRecord[] = [];
  const log = metrics.counting({ ...silentLog, request: (record) => told.push(record) });
  for (let n = 0; n < 100; n++) {
    log.request({ ...RECORD, key: `k${n}`, accessKeyId: `user${n}`, receivedBytes: 2 });
  }
  log.request({ ...RECORD, status: 404 });
  log.request({ ...RECORD, operation: undefined, status: 400, sentBytes: undefined });
  assertEquals(told.length, 102);
  const page = new Exposition();
  metrics.expose(page, 7);
  const lines = page.text.split("\n");
  const starting = (name: string) => lines.filter((line) => line.startsWith(name));
  assertEquals(starting("zs3_requests_total"), [
    'zs3_requests_total{operation="GetObject",status="200"} 100',
    'zs3_requests_total{operation="GetObject",status="404"} 1',
    'zs3_requests_total{operation="Unknown",status="400"} 1',
  ]);
  assertEquals(starting("zs3_received_bytes_total"), ["zs3_received_bytes_total 200"]);
  assertEquals(starting("zs3_sent_bytes_total"), ["zs3_sent_bytes_total 1010"]);
  assertEquals(starting("zs3_requests_in_flight"), ["zs3_requests_in_flight 7"]);
  assert(lines.includes('zs3_request_seconds_bucket{operation="GetObject",le="0.005"} 101'));
  for (const secret of ["k1", "user1", "bkt", "0123456789ABCDEF"]) {
    assert(!page.text.includes(secret), secret);
  }
});

Deno.test("only so many buckets have series of their own", () => {
  const count = LIMITS.bucketsMeasuredMax + 5;
  const names = Array.from({ length: count }, (_, n) => `b${String(n).padStart(4, "0")}`);
  const page = new Exposition();
  exposeSurvey(page, {
    buckets: new Map(names.map((name) => [name, { objects: 1, bytes: 10 }])),
    uploads: 0,
    tempFiles: 0,
    tempBytes: 0,
    takenAtMs: performance.now(),
  });
  const lines = page.text.split("\n").filter((line) => line.startsWith("zs3_bucket_bytes{"));
  assertEquals(lines.length, LIMITS.bucketsMeasuredMax + 1);
  assertEquals(lines.at(-1), 'zs3_bucket_bytes{bucket="(others)"} 50');
});
