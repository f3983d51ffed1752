/** What the program lets in at once, and for how long it waits, by its flags. */

import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { readMetric } from "../support/metric.ts";
import { latin1, serialize, signed } from "../support/raw_request.ts";
import { untilReceiving } from "../support/receiving.ts";

const KiB = 1024;
const PATIENCE_MS = 60_000;

/** Sends all but the last byte of a PUT, and can send that later. */
class StalledPut implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #bytes: Uint8Array;

  private constructor(connection: Deno.Conn, bytes: Uint8Array) {
    this.#connection = connection;
    this.#bytes = bytes;
  }

  static async begin(program: Program, key: string, size: number): Promise<StalledPut> {
    const bytes = put(key, size);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: portOf(program) });
    const stalled = new StalledPut(connection, bytes);
    await stalled.#write(0, bytes.length - 1);
    return stalled;
  }

  /** Sends the last byte; resolves with the reply. */
  async end(): Promise<string> {
    await this.#write(this.#bytes.length - 1, this.#bytes.length);
    return await this.reply();
  }

  async reply(): Promise<string> {
    return await new Response(this.#connection.readable).text();
  }

  async #write(from: number, to: number): Promise<void> {
    for (let at = from; at < to;) at += await this.#connection.write(this.#bytes.subarray(at, to));
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // The reader has closed it.
    }
  }
}

function put(key: string, size: number): Uint8Array<ArrayBuffer> {
  return serialize(signed({ method: "PUT", rawPath: `/bkt/${key}`, body: new Uint8Array(size) }));
}

function portOf(program: Program): number {
  return Number(new URL(program.url).port);
}

/** The reply to a whole PUT. */
async function putNow(program: Program, key: string, size: number): Promise<string> {
  using stalled = await StalledPut.begin(program, key, size);
  return await stalled.end();
}

/** Waits until so many requests, besides the one that asks, have reached the server. */
async function until(program: Program, count: number): Promise<void> {
  for (
    const end = performance.now() + PATIENCE_MS;
    await readMetric(program, "zs3_requests_in_flight") !== count + 1;
  ) {
    assert(performance.now() < end, `never ${count} requests in flight`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function start(...flags: string[]): Promise<Program> {
  return Program.start({ flags: ["--buckets=bkt", ...flags] });
}

Deno.test("--max-requests: beyond it 503 SlowDown, while health and metrics answer", async () => {
  await using program = await start("--max-requests=2");
  using first = await StalledPut.begin(program, "a", 10);
  using second = await StalledPut.begin(program, "b", 10);
  await until(program, 2);
  const refused = await putNow(program, "c", 10);
  assert(refused.startsWith("HTTP/1.1 503") && refused.includes("SlowDown"), refused);
  assert(/^retry-after: 1\r$/im.test(refused), refused);
  const health = await fetch(`${program.url}/_zs3/health`);
  assertEquals([health.status, await health.text()], [200, "OK\n"]);
  assert((await first.end()).startsWith("HTTP/1.1 200"));
  assert((await putNow(program, "c", 10)).startsWith("HTTP/1.1 200"));
  assert((await second.end()).startsWith("HTTP/1.1 200"));
});

Deno.test("--max-body-memory: who finds no room waits, and is told to slow down in the end", async () => {
  await using program = await start("--max-body-memory=1M");
  using large = await StalledPut.begin(program, "large", 1024 * KiB);
  using other = await StalledPut.begin(program, "other", 1024 * KiB);
  using third = await StalledPut.begin(program, "third", 256 * KiB);
  await until(program, 3);
  const refused = await putNow(program, "small", 10);
  assert(refused.startsWith("HTTP/1.1 503") && refused.includes("SlowDown"), refused);
  const waiting = putNow(program, "small", 10);
  await until(program, 4);
  for (const stalled of [large, other, third]) {
    assert((await stalled.end()).startsWith("HTTP/1.1 200"));
  }
  assert((await waiting).startsWith("HTTP/1.1 200"));
});

Deno.test("--body-timeout: a sender that falls silent is given up", async () => {
  await using program = await start("--body-timeout=1s", "--idle-timeout=2s");
  using stalled = await StalledPut.begin(program, "a", 10);
  // Deno waits for the rest of the body, to throw it away: until the connection counts as idle for too long.
  const reply = await stalled.reply();
  assert(reply.startsWith("HTTP/1.1 400") && reply.includes("RequestTimeout"), reply);
});

/** A client of which nothing is heard but `bytes`. */
class Client implements Disposable {
  readonly #connection: Deno.Conn;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async open(program: Program, bytes: Uint8Array): Promise<Client> {
    const client = new Client(
      await Deno.connect({ hostname: "127.0.0.1", port: portOf(program) }),
    );
    await client.send(bytes);
    return client;
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** What has come when `end` was a part of it. */
  async readTo(end: string): Promise<string> {
    const buffer = new Uint8Array(64 * KiB);
    let text = "";
    while (!text.includes(end)) {
      const count = await this.#connection.read(buffer);
      if (count === null) throw new Error(`the connection was closed after ${text}`);
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return text;
  }

  /** Reads until the server has closed the connection; bytes that came. */
  async readAll(): Promise<number> {
    const buffer = new Uint8Array(1024 * KiB);
    for (let all = 0;;) {
      const count = await this.#connection.read(buffer);
      if (count === null) return all;
      all += count;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

const HEALTH = latin1("GET /_zs3/health HTTP/1.1\r\nhost: localhost\r\n\r\n");

/** Over TLS when the program has a certificate. */
async function connect(program: Program): Promise<Deno.Conn> {
  const address = { hostname: "127.0.0.1", port: portOf(program) };
  if (program.authorityFile === undefined) return await Deno.connect(address);
  const caCerts = [await Deno.readTextFile(program.authorityFile)];
  return await Deno.connectTls({ ...address, caCerts });
}

for (const scheme of ["http", "https"] as const) {
  Deno.test(`--header-timeout: who sends no whole head is cut off, over ${scheme}`, async () => {
    const isTls = scheme === "https";
    await using program = await Program.start({ isTls, flags: ["--header-timeout=1s"] });
    for (const bytes of [new Uint8Array(), HEALTH.subarray(0, -2)]) {
      using client = new Client(await connect(program));
      await client.send(bytes);
      assertEquals(await client.readAll(), 0);
    }
  });
}

Deno.test("--idle-timeout: a connection without a request is closed, also with half of the next one", async () => {
  await using program = await start("--idle-timeout=1s");
  using idle = await Client.open(program, HEALTH);
  await idle.readTo("OK\n");
  using half = await Client.open(program, HEALTH);
  await half.readTo("OK\n");
  await half.send(HEALTH.subarray(0, 20));
  assertEquals([await idle.readAll(), await half.readAll()], [0, 0]);
  assertEquals(await readMetric(program, 'zs3_connections_closed_total{reason="idle"}'), 2);
});

Deno.test("--max-connections: a new one takes the place of the one idle for longest, never of one with a request", async () => {
  await using program = await start("--max-connections=3");
  using busy = await StalledPut.begin(program, "a", 10);
  using idle = await Client.open(program, HEALTH);
  await idle.readTo("OK\n");
  using later = await Client.open(program, HEALTH);
  await later.readTo("OK\n");
  using next = await Client.open(program, HEALTH);
  await next.readTo("OK\n");
  assertEquals(await idle.readAll(), 0);
  await later.send(HEALTH);
  await later.readTo("OK\n");
  assert((await busy.end()).startsWith("HTTP/1.1 200"));
});

Deno.test("--max-connections: while each has a request, who connects waits for its turn", async () => {
  await using program = await start("--max-connections=2");
  using first = await StalledPut.begin(program, "a", 400 * KiB);
  using second = await StalledPut.begin(program, "b", 400 * KiB);
  await untilReceiving(program.dataDir, 2);
  using third = await Client.open(program, HEALTH);
  const answered = third.readTo("OK\n").then(() => "answered");
  const waited = new Promise<string>((resolve) => setTimeout(resolve, 300, "waiting"));
  assertEquals(await Promise.race([answered, waited]), "waiting");
  const reply = await first.end();
  assert(reply.startsWith("HTTP/1.1 200"), reply);
  assertEquals(await answered, "answered");
  assert((await second.end()).startsWith("HTTP/1.1 200"));
});

Deno.test("--max-connections: over TLS who shakes no hands takes half of the places, until it goes", async () => {
  await using program = await Program.start({ isTls: true, flags: ["--max-connections=4"] });
  const ask = async (client: Client) => {
    await client.send(HEALTH);
    await client.readTo("OK\n");
    return "answered";
  };
  using known = new Client(await connect(program));
  await ask(known);
  const silent = [
    await Client.open(program, new Uint8Array()),
    await Client.open(program, latin1("\x16\x03\x01")), // the first bytes of a ClientHello
  ];
  using late = new Client(await connect(program));
  const answered = ask(late);
  const waited = new Promise<string>((resolve) => setTimeout(resolve, 300, "waiting"));
  assertEquals(await Promise.race([answered, waited]), "waiting");
  await ask(known);
  silent[0]?.[Symbol.dispose]();
  assertEquals(await answered, "answered");
  silent[1]?.[Symbol.dispose]();
});
