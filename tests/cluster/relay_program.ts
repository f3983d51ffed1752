/**
 * Runs on a host of a test's network, and connects from there for the test, which has no way into it: listens on a Unix socket
 * (the word it is given), which no network namespace keeps apart. A connection begins with a line `address:port`; what
 * follows goes there, and back.
 */

import { joinConnections } from "./join_connections.ts";

const LINE_BYTES_MAX = 64;

const [path = ""] = Deno.args;
const listener = Deno.listen({ transport: "unix", path });
Deno.stdout.writeSync(new TextEncoder().encode("relay ready\n"));
for await (const connection of listener) void relay(connection);

async function relay(test: Deno.Conn): Promise<void> {
  const [hostname = "", port] = (await readLine(test)).split(":");
  let target: Deno.Conn;
  try {
    target = await Deno.connect({ hostname, port: Number(port) });
  } catch {
    return test.close(); // as the target does: the test's client sees a broken connection
  }
  await joinConnections(test, target);
}

/** Byte by byte: what follows the line isn't for us. */
async function readLine(connection: Deno.Conn): Promise<string> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1);
  while (bytes.length < LINE_BYTES_MAX) {
    const [byte] = (await connection.read(buffer)) === null ? [] : buffer;
    if (byte === undefined || byte === 0x0a) break;
    bytes.push(byte);
  }
  return String.fromCharCode(...bytes);
}
