/**
 * Memory doesn't grow with the size of an object. `ZS3_TEST_LARGE_MIB` raises that size; 5120 is the largest that one PUT
 * may have.
 */

import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { printLine } from "../../src/cli/print.ts";
import { S3Connection } from "../suites/http_store/connection.ts";
import { Program } from "../support/program.ts";
import { CREDENTIALS } from "../support/raw_request.ts";
import { environmentNumber } from "../support/seed.ts";
import { type Framing, LargeClient, MiB } from "./memory/large_client.ts";

const SIZE_MIB = environmentNumber("ZS3_TEST_LARGE_MIB", 512);
const PARTS = 8;
/** The target of the product; without a large object it is about 100. */
const PEAK_MIB_MAX = 250;
const BUCKET = "memory";

/** Elsewhere there is no /proc to read it from. */
const ignore = Deno.build.os !== "linux";

for (const framing of ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"] as const) {
  Deno.test({
    name: `a large object is put by ${framing} and got in little memory`,
    ignore,
    fn: () => withProgram(framing, putAndGet),
  });
}

Deno.test({
  name: "a large object is uploaded in parts and got in little memory",
  ignore,
  fn: () => withProgram("UNSIGNED-PAYLOAD", uploadAndGet),
});

async function putAndGet(program: Program, framing: Framing): Promise<void> {
  const client = new LargeClient(program);
  const put = await client.put(`/${BUCKET}/large`, SIZE_MIB, framing);
  assertEquals(put.etag, put.md5);
  report(program, `put by ${framing}`);
  const { md5, sizeBytes } = await client.get(`/${BUCKET}/large`);
  assertEquals({ md5, sizeBytes }, { md5: put.md5, sizeBytes: SIZE_MIB * MiB });
}

async function uploadAndGet(program: Program, framing: Framing): Promise<void> {
  const client = new LargeClient(program);
  using connection = new S3Connection(program.url, CREDENTIALS);
  const target = { method: "POST", bucket: BUCKET, key: "large" } as const;
  const created = await connection.sendForXml({ ...target, query: { uploads: "" } });
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(created)?.[1] ?? "";
  const numbers = Array.from({ length: PARTS }, (_, index) => index + 1);
  const parts = await Promise.all(
    numbers.map((number) =>
      client.put(`/${BUCKET}/large`, SIZE_MIB / PARTS, framing, [
        ["partNumber", String(number)],
        ["uploadId", uploadId],
      ])
    ),
  );
  for (const { etag, md5 } of parts) assertEquals(etag, md5);
  report(program, "parts uploaded");
  const list = parts.map(({ etag }, index) =>
    `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`
  );
  const completion = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
  const completed = await connection.sendForXml({
    ...target,
    query: { uploadId },
    body: new TextEncoder().encode(completion),
  });
  const digests = createHash("md5");
  for (const { md5 } of parts) digests.update(md5, "hex");
  assert(completed.includes(`${digests.digest("hex")}-${PARTS}`), completed);
  assertEquals((await client.get(`/${BUCKET}/large`)).sizeBytes, SIZE_MIB * MiB);
}

async function withProgram(
  framing: Framing,
  run: (program: Program, framing: Framing) => Promise<void>,
): Promise<void> {
  await using program = await Program.start({ flags: [`--buckets=${BUCKET}`, "--log=off"] });
  await run(program, framing);
  const peakMiB = report(program, "in the end");
  assert(peakMiB <= PEAK_MIB_MAX, `the server took ${peakMiB} MiB for ${SIZE_MIB} MiB`);
}

/** Prints and gives the most memory that the program ever held. */
function report(program: Program, when: string): number {
  const status = Deno.readTextFileSync(`/proc/${program.pid}/status`);
  const peakMiB = Math.round(Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024);
  printLine(Deno.stdout, `${SIZE_MIB} MiB, ${when}: at most ${peakMiB} MiB resident`);
  return peakMiB;
}
