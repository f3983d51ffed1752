/** Over a real socket: a client that is still sending when its request is refused gets the answer, not a reset. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { openTestServer, type TestServer, type Who } from "../support/s3_client.ts";

const MiB = 1024 * 1024;

interface Listener extends AsyncDisposable {
  readonly server: TestServer;
  connect(): Promise<Deno.TcpConn>;
}

function openListener(): Listener {
  const server = openTestServer();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const http = Deno.serve(options, server.fetch);
  return {
    server,
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: http.addr.port }),
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

/** Everything until the server closes the connection, or until `end` has come. */
async function readUntil(conn: Deno.Conn, end: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (!text.includes(end)) {
    const count = await conn.read(buffer);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}

/** The head of a request that says its body is `length` bytes long, whatever was signed. */
function headBytes(line: string, headers: Headers, length: number): Uint8Array {
  headers.set("content-length", String(length));
  const lines = Array.from(headers, ([name, value]) => `${name}: ${value}\r\n`);
  return new TextEncoder().encode(`${line} HTTP/1.1\r\n${lines.join("")}\r\n`);
}

const UNSIGNED_PAYLOAD = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
const CHUNKED = {
  "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "content-encoding": "aws-chunked",
  "x-amz-decoded-content-length": String(20 * MiB),
  "x-amz-trailer": "x-amz-checksum-crc32",
};

interface Refusal {
  readonly why: string;
  readonly who: Who;
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly answer: string;
}

const REFUSALS: readonly Refusal[] = [
  { why: "an unsigned PUT", who: "anonymous", line: "PUT /bkt/key", answer: "AccessDenied" },
  {
    why: "a PUT into no bucket",
    who: "admin",
    line: "PUT /none/key",
    headers: UNSIGNED_PAYLOAD,
    answer: "NoSuchBucket",
  },
  {
    why: "a PUT with a wrong hash in its head",
    who: "admin",
    line: "PUT /bkt/key",
    headers: { ...UNSIGNED_PAYLOAD, "content-md5": "x" },
    answer: "InvalidDigest",
  },
  {
    why: "a PUT whose framing breaks at its first byte",
    who: "admin",
    line: "PUT /bkt/key",
    headers: CHUNKED,
    answer: "IncompleteBody",
  },
  {
    why: "a list of deletions that is too long",
    who: "admin",
    line: "POST /bkt?delete",
    headers: UNSIGNED_PAYLOAD,
    answer: "MaxMessageLengthExceeded",
  },
];

const BODY_BYTES = 20 * MiB;

for (const { why, who, line, headers = {}, answer } of REFUSALS) {
  Deno.test(`${why} is answered though all of its body is sent before the answer is read`, async () => {
    await using listener = openListener();
    const { server } = listener;
    await server.as("admin")("PUT", "/bkt");
    const [method = "", target = ""] = line.split(" ");
    using conn = await listener.connect();
    const signed = server.headers(who, method, target, { headers });
    await writeAll(conn, headBytes(line, signed, BODY_BYTES));
    await writeAll(conn, new Uint8Array(BODY_BYTES));
    assertStringIncludes(await readUntil(conn, "</Error>"), `<Code>${answer}</Code>`);
    assertEquals((await server.as("admin")("HEAD", "/bkt/key")).status, 404);
    assertEquals(server.faults, []);
  });
}

Deno.test("a client that stops halfway and goes leaves nothing, and the server lives", async () => {
  await using listener = openListener();
  const { server } = listener;
  await server.as("admin")("PUT", "/bkt");
  const headers = server.headers("admin", "PUT", "/bkt/key", { headers: UNSIGNED_PAYLOAD });
  const conn = await listener.connect();
  await writeAll(conn, headBytes("PUT /bkt/key", headers, 1000));
  await writeAll(conn, new Uint8Array(500));
  conn.close();
  using other = await listener.connect();
  const health = new Headers({ host: "localhost" });
  await writeAll(other, headBytes("GET /_zs3/health", health, 0));
  assertStringIncludes(await readUntil(other, "OK"), "HTTP/1.1 200");
  assertEquals((await server.as("admin")("HEAD", "/bkt/key")).status, 404);
});

Deno.test("after a refusal the connection is in step, or closed", async () => {
  await using listener = openListener();
  const { server } = listener;
  const body = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
  using conn = await listener.connect();
  const headers = server.headers("anonymous", "PUT", "/bkt/key");
  await writeAll(conn, headBytes("PUT /bkt/key", headers, body.length));
  await writeAll(conn, new TextEncoder().encode(body));
  assertStringIncludes(await readUntil(conn, "</Error>"), "<Resource>/bkt/key</Resource>");
  const second = await askAgain(conn).catch(nothingIfClosed);
  assertEquals(second.includes("smuggled"), false);
  assertEquals(second === "" || second.includes("<Resource>/second</Resource>"), true, second);
});

async function askAgain(conn: Deno.Conn): Promise<string> {
  await writeAll(conn, headBytes("GET /second", new Headers({ host: "localhost" }), 0));
  return await readUntil(conn, "</Error>");
}

function nothingIfClosed(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
    return "";
  }
  throw error;
}
