import { assertEquals } from "@std/assert";
import { Connections } from "../../../src/http/connections.ts";
import type {
  Cutter,
  HttpConnection,
  HttpHandler,
  ServeHttp,
} from "../../../src/http/deno_http.ts";
import { LIMITS } from "../../../src/limits.ts";
import { settle, StepTimers } from "../../support/step_timers.ts";

const REMOTE: Deno.NetAddr = { transport: "tcp", hostname: "192.0.2.1", port: 1234 };
const PATIENCE = { headMsMax: 1_000, idleMsMax: 10_000, replyMsMax: 30_000 };

/** A connection whose client does what the test wants. */
class FakeHttp implements HttpConnection {
  readonly #handle: HttpHandler;
  readonly #end = Promise.withResolvers<void>();
  readonly finished = this.#end.promise;
  state: "open" | "cut" | "gone" | "shut" = "open";
  /** Whether what is under way has an end. */
  isStuck = false;

  constructor(handle: HttpHandler, cutter: Cutter) {
    this.#handle = handle;
    cutter.addEventListener("abort", () => this.close("cut"));
  }

  /** Sends a request. The function returned tells that its reply is sent. */
  async ask(): Promise<() => Promise<void>> {
    const { promise, resolve } = Promise.withResolvers<void>();
    void this.#handle(new Request("http://localhost/"), { completed: promise });
    await settle();
    return async () => {
      resolve();
      await settle();
    };
  }

  async askWhole(): Promise<void> {
    await (await this.ask())();
  }

  close(state: "cut" | "gone" | "shut"): void {
    this.state = state;
    if (state === "gone") this.#end.reject(new Error("connection reset"));
    else this.#end.resolve();
  }

  async shutdown(): Promise<void> {
    if (!this.isStuck) this.close("shut");
    await this.finished;
  }
}

function world(connectionsMax: number, response = () => new Response("hi")) {
  const https: FakeHttp[] = [];
  const serve: ServeHttp = (_connection, cutter, handle) => {
    const http = new FakeHttp(handle, cutter);
    https.push(http);
    return http;
  };
  const timers = new StepTimers();
  const told: Deno.NetAddr[] = [];
  const connections = new Connections({
    serve,
    answer: (_request, { remoteAddr }) => {
      told.push(remoteAddr);
      return Promise.resolve(response());
    },
    timers,
    limits: { connectionsMax, ...PATIENCE },
    onFault: (error) => {
      throw error;
    },
  });
  const open = (): FakeHttp => {
    connections.admit({ remoteAddr: REMOTE } as Deno.TcpConn);
    const http = https.at(-1);
    if (http === undefined) throw new Error("nothing was served");
    return http;
  };
  return { connections, timers, open, told };
}

Deno.test("who connects and asks nothing is cut off; who asked may be idle for longer", async () => {
  const { connections, timers, open, told } = world(9);
  const [silent, asking] = [open(), open()];
  await timers.pass(900);
  await asking.askWhole();
  assertEquals(told, [REMOTE]);
  await timers.pass(1_000);
  assertEquals([silent.state, asking.state], ["cut", "open"]);
  await timers.pass(8_000);
  await asking.askWhole();
  await timers.pass(9_000);
  assertEquals(asking.state, "open");
  await timers.pass(2_000);
  assertEquals(asking.state, "cut");
  assertEquals(connections.closed, { head: 1, idle: 1, reply: 0, full: 0 });
  assertEquals([connections.count, connections.accepted], [0, 2]);
  assertEquals(timers.waiting, 0);
});

Deno.test("a request whose answer takes long is no idleness", async () => {
  const answer = Promise.withResolvers<Response>();
  const { timers, open } = world(9, () => answer.promise as unknown as Response);
  const http = open();
  await http.ask();
  await timers.pass(3_600_000);
  assertEquals(http.state, "open");
  answer.resolve(new Response(null, { headers: { "content-length": "0" } }));
  await timers.pass(PATIENCE.replyMsMax);
  assertEquals(http.state, "open");
  await timers.pass(2_000);
  assertEquals(http.state, "cut");
});

Deno.test("a reply is waited for as long as it is: a slow reader of a long one isn't cut off", async () => {
  const seconds = 100;
  const length = String(seconds * LIMITS.replyBytesPerSecondMin);
  const { connections, timers, open } = world(
    9,
    () => new Response(null, { headers: { "content-length": length } }),
  );
  const http = open();
  await http.ask();
  await timers.pass(PATIENCE.replyMsMax + seconds * 1000);
  assertEquals(http.state, "open");
  await timers.pass(2_000);
  assertEquals(http.state, "cut");
  assertEquals(connections.closed.reply, 1);
});

Deno.test("a streamed reply of no known length has no time in which it must be taken", async () => {
  const { timers, open } = world(9, () => new Response(new ReadableStream()));
  const http = open();
  const end = await http.ask();
  await timers.pass(3_600_000);
  assertEquals(http.state, "open");
  await end();
  await timers.pass(PATIENCE.idleMsMax + 2_000);
  assertEquals(http.state, "cut");
});

Deno.test("of two requests on one connection the last to end is what counts", async () => {
  const { timers, open } = world(9);
  const http = open();
  const [endFirst, endSecond] = [await http.ask(), await http.ask()];
  await endFirst();
  await timers.pass(20_000);
  assertEquals(http.state, "open");
  await endSecond();
  await timers.pass(9_000);
  assertEquals(http.state, "open");
  await timers.pass(2_000);
  assertEquals(http.state, "cut");
});

Deno.test("beyond the limit the connection that is idle for longest has to go, and no other", async () => {
  const { connections, timers, open } = world(3);
  const [busy, idle, fresh] = [open(), open(), open()];
  const end = await busy.ask();
  await idle.askWhole();
  await timers.pass(500);
  await fresh.askWhole();
  assertEquals(await connections.room(), true);
  assertEquals([busy.state, idle.state, fresh.state], ["open", "cut", "open"]);
  const silent = open();
  await fresh.askWhole();
  await end();
  assertEquals(await connections.room(), true);
  assertEquals([busy.state, fresh.state, silent.state], ["open", "open", "cut"]);
  await open().ask();
  await fresh.askWhole();
  const room = connections.room();
  await settle();
  // The ends of their replies have only just been given to Deno.
  assertEquals([busy.state, fresh.state], ["open", "open"]);
  await timers.pass(LIMITS.replyLeavesMs);
  assertEquals(await room, true);
  assertEquals([busy.state, fresh.state], ["cut", "open"]);
  assertEquals(connections.closed.full, 3);
});

Deno.test("while every connection has a request, there is room when the first of them is through", async () => {
  const { connections, timers, open } = world(2);
  const [first, second] = [open(), open()];
  await first.ask();
  const end = await second.ask();
  let isRoom = false;
  const room = connections.room().then((is) => isRoom = is);
  await timers.pass(3_600_000);
  assertEquals(isRoom, false);
  await end();
  await timers.pass(500);
  await room;
  assertEquals([first.state, second.state], ["open", "cut"]);
  open();
  const again = connections.room();
  first.close("gone");
  assertEquals(await again, true);
});

Deno.test("who goes is forgotten, however it goes", async () => {
  const { connections, timers, open } = world(9);
  open().close("gone");
  open().close("shut");
  await settle();
  assertEquals(connections.count, 0);
  await timers.pass(5_000);
  assertEquals(connections.closed, { head: 0, idle: 0, reply: 0, full: 0 });
});

Deno.test("in the end each connection closes when what is under way on it is through, or takes too long", async () => {
  const { connections, timers, open } = world(2);
  const [stuck, idle] = [open(), open()];
  await stuck.ask();
  await idle.ask();
  stuck.isStuck = true;
  const room = connections.room();
  let isOver = false;
  const finished = connections.finish().then(() => isOver = true);
  assertEquals(await room, false);
  await timers.pass(LIMITS.lingerMs - 1);
  assertEquals([idle.state, isOver], ["shut", false]);
  await timers.pass(1);
  await finished;
  assertEquals(timers.waiting, 0);
});
