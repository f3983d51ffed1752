/** Stopping: what is in flight is finished, what was stored stays, and nobody waits for ever. */

import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { assertEquals, assertMatch } from "@std/assert";
import { Readable } from "node:stream";
import { AwsClient } from "../support/aws_client.ts";
import { patternBytes, sha256 } from "../support/bytes.ts";
import { Program } from "../support/program.ts";
import { untilReceiving } from "../support/receiving.ts";
import { testOverBothSchemes } from "../support/schemes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openFetch } from "../support/trusting_fetch.ts";

const Bucket = "stopping";
const flags = [`--buckets=${Bucket}`];
const MiB = 1024 * 1024;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} ends an idle server with 0, though a client keeps its connection`, async () => {
    await using program = await Program.start();
    const { hostname, port } = new URL(program.url);
    using idle = await Deno.connect({ hostname, port: Number(port) });
    await idle.write(new TextEncoder().encode("GET /_zs3/health HTTP/1.1\r\nhost: x\r\n\r\n"));
    assertMatch(await readSome(idle), /^HTTP\/1\.1 200 /);
    const { code, stderr } = await program.stop(signal);
    assertEquals(code, 0, stderr);
  });
}

testOverBothSchemes("SIGTERM lets an upload and a download finish", async ({ program }) => {
  using client = new AwsClient(program);
  using plain = openFetch(program);
  const bytes = patternBytes(40 * MiB);
  await client.send(new PutObjectCommand({ Bucket, Key: "down", Body: bytes }));
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: "down" }));

  const download = await plain.fetch(url);
  const signalled = Promise.withResolvers<void>();
  const Body = Readable.from((async function* () {
    yield bytes.subarray(0, 10 * MiB);
    await signalled.promise;
    yield bytes.subarray(10 * MiB);
  })());
  const upload = client.send(
    new PutObjectCommand({ Bucket, Key: "up", Body, ContentLength: bytes.length }),
  ).then(() => "stored", (error) => `not stored: ${error}`);
  await untilReceiving(program.dataDir, 1);
  program.signal("SIGTERM");
  await untilTurnedAway(program);
  signalled.resolve();

  assertEquals(sha256(new Uint8Array(await download.arrayBuffer())), sha256(bytes));
  assertEquals(await upload, "stored");
  assertEquals((await program.ended()).code, 0);
  const file = await Deno.readFile(`${program.dataDir}/${Bucket}/up`);
  assertEquals(sha256(file), sha256(bytes));
}, { flags });

Deno.test("a second signal ends the program at once", async () => {
  await using program = await Program.start({ flags });
  using client = new AwsClient(program);
  const never = new AbortController();
  const Body = Readable.from((async function* () {
    yield patternBytes(MiB);
    await new Promise<void>((resolve) => never.signal.addEventListener("abort", () => resolve()));
  })());
  const upload = client.send(
    new PutObjectCommand({ Bucket, Key: "stalled", Body, ContentLength: 2 * MiB }),
  ).catch(() => "cut off");
  await untilReceiving(program.dataDir, 1);
  program.signal("SIGTERM");
  await untilTurnedAway(program);
  program.signal("SIGTERM");
  assertEquals((await program.ended()).code, 1);
  never.abort();
  assertEquals(await upload, "cut off");
});

Deno.test("what was stored is there after a clean stop and after kill -9", async () => {
  await using temp = await TempDir.make();
  const dataDir = `${temp.path}/data`;
  const Metadata = { "kept": "yes" };
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using program = await Program.start({ dataDir, flags });
    using client = new AwsClient(program);
    await client.send(new PutObjectCommand({ Bucket, Key: signal, Body: signal, Metadata }));
    await program.stop(signal);
  }
  await using program = await Program.start({ dataDir });
  using client = new AwsClient(program);
  for (const Key of ["SIGTERM", "SIGKILL"]) {
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    assertEquals(await got.Body?.transformToString(), Key);
    assertEquals(got.Metadata, Metadata);
  }
});

/** The signal has been taken when new requests get 503, or no connection at all. */
async function untilTurnedAway(program: Program): Promise<void> {
  using plain = openFetch(program);
  for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
    const status = await plain.text(`${program.url}/_zs3/health`)
      .then((reply) => reply.status, () => undefined);
    if (status !== 200) return assertEquals([503, undefined].includes(status), true);
  }
  throw new Error("the program still takes requests, 5 s after its signal");
}

async function readSome(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(1024);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}
