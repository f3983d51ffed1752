import { assertEquals, assertRejects } from "@std/assert";
import { type ServeOptions, serveUntil, type Service } from "../../../src/cli/serve.ts";
import { createKeyring } from "../../../src/auth/keyring.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { silentLog } from "../../../src/log.ts";
import { ServerMetrics } from "../../../src/metrics/server_metrics.ts";

const LOADED = await loadConfig(["--host=127.0.0.1", "--port=0"], {});

function options(print: (line: string) => void): ServeOptions {
  return {
    loaded: LOADED,
    load: () => Promise.resolve(LOADED),
    keyring: createKeyring(LOADED.config.keyPairs),
    log: silentLog,
    metrics: new ServerMetrics(),
    print,
  };
}

function serviceThat(start: Service["start"]): Service {
  return {
    handle: () => Promise.resolve(new Response("here\n")),
    start,
    expose: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function textAt(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/`)).text();
}

Deno.test("the ready line comes when the service is ready; the port answers before, and until the signal", async () => {
  const stop = Promise.withResolvers<void>();
  const lines: string[] = [];
  const service = serviceThat(async (port) => {
    assertEquals(await textAt(port), "here\n");
    assertEquals(lines, []);
  });
  const ready = Promise.withResolvers<string>();
  const print = (line: string) => {
    lines.push(line);
    if (line.startsWith("zs3 ready ")) ready.resolve(line.slice("zs3 ready ".length));
  };
  const serving = serveUntil(stop.promise, service, options(print));
  const { port } = new URL(await ready.promise);
  for (let n = 0; n < 3; n++) assertEquals(await textAt(Number(port)), "here\n");
  stop.resolve();
  await serving;
  await assertRejects(() => textAt(Number(port)));
});

Deno.test("a service that isn't ready yet can be stopped", async () => {
  const stop = Promise.withResolvers<void>();
  const lines: string[] = [];
  const service = serviceThat(() => {
    stop.resolve();
    return new Promise(() => {});
  });
  await serveUntil(stop.promise, service, options((line) => lines.push(line)));
  assertEquals(lines, []);
});

Deno.test("what keeps a service from starting is thrown, and the port is closed", async () => {
  let opened = 0;
  const service = serviceThat((port) => {
    opened = port;
    return Promise.reject(new Error("two nodes have one id"));
  });
  const serving = () => serveUntil(new Promise(() => {}), service, options(() => {}));
  await assertRejects(serving, Error, "two nodes have one id");
  await assertRejects(() => textAt(opened));
});
