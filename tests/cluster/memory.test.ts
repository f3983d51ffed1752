/**
 * Blobs stream between nodes: memory doesn't grow with the size of an object. `ZS3_TEST_LARGE_MIB` raises that size; the target of
 * the product is 2048.
 */

import { assert, assertEquals } from "@std/assert";
import { printLine } from "../../src/cli/print.ts";
import { LargeClient, MiB } from "../faults/memory/large_client.ts";
import { LocalCluster } from "../support/local_cluster.ts";
import type { Program } from "../support/program.ts";
import { environmentNumber } from "../support/seed.ts";

/** So large that its blocks are of the largest kind. */
const SIZE_MIB = environmentNumber("ZS3_TEST_LARGE_MIB", 320);
/** The target of the product. */
const PEAK_MIB_MAX = 300;
const BUCKET = "memory";

Deno.test({
  name: "a large object is put over one node and got over others in little memory",
  // Elsewhere there is no /proc to read it from.
  ignore: Deno.build.os !== "linux",
}, async () => {
  const flags = [`--buckets=${BUCKET}`, "--log=off", "--gossip-interval-ms=500"];
  await using cluster = await LocalCluster.start({ nodes: 3, flags });
  const [first, ...others] = cluster.programs.map((program) => new LargeClient(program));
  const put = await first?.put(`/${BUCKET}/large`, SIZE_MIB, "UNSIGNED-PAYLOAD");
  assertEquals(put?.etag, put?.md5);
  report(cluster.programs, "put");
  for (const client of others) {
    const { md5, sizeBytes } = await client.get(`/${BUCKET}/large`);
    assertEquals({ md5, sizeBytes }, { md5: put?.md5, sizeBytes: SIZE_MIB * MiB });
  }
  for (const peakMiB of report(cluster.programs, "in the end")) {
    assert(peakMiB <= PEAK_MIB_MAX, `a node took ${peakMiB} MiB for ${SIZE_MIB} MiB`);
  }
});

/** Prints and gives the most memory that each ever held. */
function report(programs: readonly Program[], when: string): number[] {
  const peaks = programs.map(({ pid }) => {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Math.round(Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024);
  });
  printLine(Deno.stdout, `${SIZE_MIB} MiB, ${when}: at most ${peaks.join(", ")} MiB resident`);
  return peaks;
}
