/** What is taken for granted of Deno's own HTTP, over real sockets: connections end when and as they are told to. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Answer } from "../../../src/http/connection.ts";
import { Connections } from "../../../src/http/connections.ts";
import { findServeHttp } from "../../../src/http/deno_http.ts";
import { Listener } from "../../../src/http/listener.ts";
import { LIMITS } from "../../../src/limits.ts";
import { latin1 } from "../../support/raw_request.ts";
import { StepTimers } from "../../support/step_timers.ts";

const MiB = 1024 * 1024;
const PATIENCE = { headMsMax: 1_000, idleMsMax: 1_000, replyMsMax: 1_000 };

class World implements AsyncDisposable {
  readonly timers = new StepTimers();
  readonly faults: unknown[] = [];
  readonly connections: Connections;
  readonly listener: Listener;

  constructor(answer: Answer) {
    const serve = findServeHttp();
    if (serve === undefined) throw new Error(`Deno ${Deno.version.deno} has no such function`);
    const { timers } = this;
    const onFault = (error: unknown) => void this.faults.push(error);
    const limits = { connectionsMax: 9, ...PATIENCE };
    this.connections = new Connections({ serve, answer, timers, limits, onFault });
    const open = (port: number) => Deno.listen({ hostname: "127.0.0.1", port });
    const { connections } = this;
    this.listener = new Listener({ open, port: 0, connections, onFault, timers });
  }

  async ask(request: string): Promise<Deno.TcpConn> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.listener.addr.port });
    await connection.write(latin1(request));
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.shutdown();
  }
}

/** Bytes until the server has closed the connection. */
async function countAll(connection: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(MiB);
  for (let all = 0;;) {
    const count = await connection.read(buffer);
    if (count === null) return all;
    all += count;
  }
}

async function readSome(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(1000);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

const GET = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

function streamed(sizeBytes: number): Response {
  let left = sizeBytes;
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(Math.min(left, 64 * 1024)));
      left -= 64 * 1024;
      if (left <= 0) controller.close();
    },
  });
  return new Response(body, { headers: { "content-length": String(sizeBytes) } });
}

Deno.test("who stops reading a reply is cut off when it had time for all of it, and no reply is a fault", async () => {
  const sizeBytes = 64 * MiB;
  await using world = new World(() => Promise.resolve(streamed(sizeBytes)));
  using connection = await world.ask(GET);
  assertMatch(await readSome(connection), /^HTTP\/1\.1 200 OK\r\n/);
  await world.timers.pass(sizeBytes / LIMITS.replyBytesPerSecondMin * 1000);
  assertEquals(world.connections.count, 1);
  await world.timers.pass(2_000);
  assertEquals(world.connections.closed.reply, 1);
  const count = await countAll(connection);
  assert(count < sizeBytes, String(count));
  assertEquals(world.faults, []);
});

Deno.test("an idle connection is closed in good order, with half of a next head too", async () => {
  await using world = new World(() => Promise.resolve(new Response("hi")));
  using idle = await world.ask(GET);
  using half = await world.ask(GET + GET.slice(0, -2));
  for (const connection of [idle, half]) assertMatch(await readSome(connection), /\r\n\r\nhi$/);
  await world.timers.pass(2_000);
  assertEquals([await countAll(idle), await countAll(half)], [0, 0]);
  assertEquals(world.connections.closed.idle, 2);
});

Deno.test("a client that goes in the middle of a body is an error to who reads it, and no fault", async () => {
  const outcome = Promise.withResolvers<string>();
  await using world = new World(async (request) => {
    outcome.resolve(await request.text().then(() => "whole", () => "broken"));
    return new Response();
  });
  (await world.ask("PUT / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf")).close();
  assertEquals(await outcome.promise, "broken");
  while (world.connections.count > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(world.faults, []);
});

Deno.test("garbage ends its connection and nothing else", async () => {
  await using world = new World(() => Promise.resolve(new Response("hi")));
  using good = await world.ask(GET);
  assertMatch(await readSome(good), /\r\n\r\nhi$/);
  using bad = await world.ask("\x16\x03\x01 nonsense\r\n\r\n");
  assertMatch(await readSome(bad), /^HTTP\/1\.1 400 /);
  assertEquals(await countAll(bad), 0);
  await good.write(latin1(GET));
  assertMatch(await readSome(good), /\r\n\r\nhi$/);
  assertEquals(world.faults, []);
});

Deno.test("in the end a reply under way is sent whole, and the port is closed", async () => {
  const sizeBytes = 16 * MiB;
  const world = new World(() => Promise.resolve(streamed(sizeBytes)));
  using connection = await world.ask(GET);
  const head = await readSome(connection);
  const rest = countAll(connection);
  await world.listener.shutdown();
  assertEquals(head.length + await rest > sizeBytes, true);
  const again = await world.ask(GET).then(() => "accepted", () => "refused");
  assertEquals(again, "refused");
});
