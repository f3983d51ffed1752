/**
 * A load generator for HEAD, whose replies wrk would wait for the bodies of. Prints a JSON object, as wrk.lua does.
 *
 *   deno run -A bench/speed/loader.ts PORT CONNECTIONS SECONDS FILE
 */

import { printLine } from "../../src/cli/print.ts";
import { readRequests } from "./request_file.ts";

const CRLF_CRLF = [13, 10, 13, 10];
/** Where the first digit of the status stands. */
const STATUS_AT = "HTTP/1.1 ".length;
const FIRST_ERROR = "4".charCodeAt(0);

const [port = "", connections = "", seconds = "", path = ""] = Deno.args;
const requests = await readRequests(path);
const latenciesMs: number[] = [];
let sent = 0;
let bytes = 0;
let statusErrors = 0;
const conns = await Promise.all(
  Array.from(
    { length: Number(connections) },
    () => Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
  ),
);
const start = performance.now();
const end = start + Number(seconds) * 1000;
await Promise.all(conns.map(keepAsking));
const elapsedSeconds = (performance.now() - start) / 1000;
latenciesMs.sort((a, b) => a - b);
printLine(
  Deno.stdout,
  JSON.stringify({
    requests: latenciesMs.length,
    bytes,
    seconds: elapsedSeconds,
    p50Ms: latenciesMs[latenciesMs.length >> 1] ?? 0,
    p99Ms: latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0,
    errors: { status: statusErrors, connect: 0, read: 0, write: 0, timeout: 0 },
  }),
);

/** Throws when the connection ends: the program then ends with an error. */
async function keepAsking(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  for (let now = performance.now(); now < end;) {
    const request = requests[sent++ % requests.length] ?? buffer;
    for (let done = 0; done < request.length;) done += await conn.write(request.subarray(done));
    const length = await readHead(conn, buffer);
    if ((buffer[STATUS_AT] ?? 0) >= FIRST_ERROR) statusErrors++;
    bytes += length;
    const answered = performance.now();
    latenciesMs.push(answered - now);
    now = answered;
  }
  conn.close();
}

async function readHead(conn: Deno.TcpConn, buffer: Uint8Array): Promise<number> {
  let length = 0;
  do {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) throw new Error("the server closed the connection");
    length += count;
  } while (!CRLF_CRLF.every((byte, index) => buffer[length - 4 + index] === byte));
  return length;
}
