/** Clients that stop in the middle, thousands of them: they cost the others nothing, and leave nothing when they go. */

import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { assert, assertEquals } from "@std/assert";
import { AwsClient } from "../support/aws_client.ts";
import { patternBytes, sha256 } from "../support/bytes.ts";
import { readMetric } from "../support/metric.ts";
import { Program } from "../support/program.ts";
import { latin1, serialize, signed } from "../support/raw_request.ts";
import { untilReceiving } from "../support/receiving.ts";
import { findTool, runTool } from "../support/tools.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const Bucket = "stalls";
const OPTIONS = { flags: [`--buckets=${Bucket}`, "--log=off"] };

const prlimit = Deno.build.os === "linux" ? findTool("prlimit") : undefined;

const LARGE_STALLS = 300;

/** What a client has sent when it stops, and how many do so. */
const STALLS = [
  { after: "nothing", count: 200, bytes: new Uint8Array() },
  { after: "half a head", count: 800, bytes: latin1("GET /stalls/x HTTP/1.1\r\nhost: loc") },
  { after: "half a small body", count: 700, bytes: halfPut("small", 1000) },
  { after: "half a large body", count: LARGE_STALLS, bytes: halfPut("large", 400 * KiB) },
] as const;

Deno.test("two thousand stalled clients cost the others nothing, and leave nothing", async () => {
  await using program = await Program.start(OPTIONS);
  {
    using stalled = new Connections(program);
    for (const { count, bytes } of STALLS) await stalled.open(count, bytes);
    await untilReceiving(program.dataDir, LARGE_STALLS);
    await assertServes(program, []);
  }
  await untilReceiving(program.dataDir, 0);
  await assertServes(program, []);
  assertEquals((await program.stop()).code, 0);
});

Deno.test("five times as many silent clients as there may be connections don't keep others out", async () => {
  const max = 200;
  await using program = await Program.start({
    flags: [...OPTIONS.flags, `--max-connections=${max}`],
  });
  using silent = new Connections(program);
  for (let round = 0; round < 5; round++) {
    await silent.open(max, latin1("GET /stalls/x HTTP/1.1\r\nhost: loc"));
    await assertServes(program, []);
  }
  assert(await readMetric(program, "zs3_connections") <= max);
  assert(await readMetric(program, 'zs3_connections_closed_total{reason="full"}') >= 4 * max);
  assertEquals((await program.stop()).code, 0);
});

Deno.test({
  name: "more clients than there are file descriptors stop the server only while they are there",
  ignore: prlimit === undefined,
  fn: async () => {
    if (prlimit === undefined) throw new Error("the test should be ignored");
    await using program = await Program.start({ flags: [`--buckets=${Bucket}`] });
    await runTool(prlimit, ["--pid", String(program.pid), "--nofile=120"]);
    {
      using stalled = new Connections(program);
      await Promise.all(
        Array.from({ length: 300 }, () => stalled.open(1, latin1("GET /")).catch(ignoreRefusal)),
      );
      await until(() => program.stderr.includes("Too many open files"), "a fault in the log");
    }
    await until(() => isHealthy(program), "an answer to a health check");
    await assertServes(program, []);
    assertEquals((await program.stop()).code, 0);
  },
});

Deno.test("readers that stop reading cost the others nothing, and can go on", async () => {
  await using program = await Program.start(OPTIONS);
  using client = new AwsClient(program);
  const bytes = patternBytes(24 * MiB);
  await client.send(new PutObjectCommand({ Bucket, Key: "large", Body: bytes }));
  const get = serialize(signed({ method: "GET", rawPath: `/${Bucket}/large` }));
  using readers = new Connections(program);
  await readers.open(50, get);
  for (const conn of readers.all) assert((await conn.read(new Uint8Array(1000)) ?? 0) > 0);
  await assertServes(program, ["large"]);
  assertEquals(await getHash(client, "large"), sha256(bytes));
  const [first] = readers.all;
  if (first === undefined) throw new Error("no reader was opened");
  assertEquals(await readLast(first, 64), bytes.slice(-64));
});

/** Refused when the port is closed by then, reset when it closes with the connection in its queue. */
function ignoreRefusal(error: unknown): void {
  const { ConnectionRefused, ConnectionReset, BrokenPipe } = Deno.errors;
  if (![ConnectionRefused, ConnectionReset, BrokenPipe].some((kind) => error instanceof kind)) {
    throw error;
  }
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const SECONDS_MAX = 30;
  for (const deadline = Date.now() + SECONDS_MAX * 1000; Date.now() < deadline;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited ${SECONDS_MAX} s for ${what}`);
}

async function isHealthy(program: Program): Promise<boolean> {
  const reply = await fetch(`${program.url}/_zs3/health`).catch(() => undefined);
  return await reply?.text() === "OK\n";
}

/** Sockets that stay open until they are disposed of. */
class Connections implements Disposable {
  readonly all: Deno.TcpConn[] = [];
  readonly #port: number;

  constructor(program: Program) {
    this.#port = Number(new URL(program.url).port);
  }

  async open(count: number, bytes: Uint8Array): Promise<void> {
    for (let n = 0; n < count; n++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.all.push(conn);
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
    }
  }

  [Symbol.dispose](): void {
    for (const conn of this.all.splice(0)) conn.close();
  }
}

/** A PUT of twice as many bytes as it has. */
function halfPut(key: string, half: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(2 * half);
  const rawPath = `/${Bucket}/${key}`;
  const put = signed({ method: "PUT", rawPath, body, payloadHash: "UNSIGNED-PAYLOAD" });
  return serialize({ ...put, body: body.slice(half) });
}

/** Every kind of request, to its end. Beside what it writes there are just the objects of `others`. */
async function assertServes(program: Program, others: readonly string[]): Promise<void> {
  using client = new AwsClient(program);
  const bodies = { "normal/small": patternBytes(1000), "normal/large": patternBytes(300 * KiB) };
  for (const [Key, Body] of Object.entries(bodies)) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    assertEquals(await getHash(client, Key), sha256(Body));
  }
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
  const keys = Contents.map(({ Key = "" }) => Key);
  assertEquals(keys, [...others, ...Object.keys(bodies)].sort());
  for (const Key of keys.filter((key) => key in bodies)) {
    await client.send(new DeleteObjectCommand({ Bucket, Key }));
  }
}

async function getHash(client: AwsClient, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return sha256(await Body?.transformToByteArray() ?? new Uint8Array());
}

/** Reads on to the end of the connection; the last `length` bytes. */
async function readLast(conn: Deno.TcpConn, length: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(256 * KiB);
  let last = new Uint8Array();
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return last;
    last = new Uint8Array([...last, ...buffer.subarray(Math.max(0, count - length), count)])
      .slice(-length);
  }
}
