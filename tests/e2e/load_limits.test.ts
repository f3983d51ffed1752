/** What the program lets in at once, and for how long it waits, by its flags. */

import { assert, assertEquals } from "@std/assert";
import { Program } from "../support/program.ts";
import { serialize, signed } from "../support/raw_request.ts";

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

  async replyUpTo(end: string): Promise<string> {
    let text = "";
    for await (const chunk of this.#connection.readable) {
      text += new TextDecoder().decode(chunk);
      if (text.includes(end)) break;
    }
    return text;
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

async function inFlight(program: Program): Promise<number> {
  const text = await (await fetch(`${program.url}/_zs3/metrics`)).text();
  return Number(/^zs3_requests_in_flight (\d+)$/m.exec(text)?.[1]);
}

/** Waits until so many requests, besides the one that asks, have reached the server. */
async function until(program: Program, count: number): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; await inFlight(program) !== count + 1;) {
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
  await using program = await start("--body-timeout=1s");
  using stalled = await StalledPut.begin(program, "a", 10);
  // The connection stays open: Deno goes on waiting for the rest of the body, to throw it away.
  const reply = await stalled.replyUpTo("</Error>");
  assert(reply.startsWith("HTTP/1.1 400") && reply.includes("RequestTimeout"), reply);
});
