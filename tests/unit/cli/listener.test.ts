import { assertEquals, assertThrows } from "@std/assert";
import { Listener, type Listening } from "../../../src/cli/listener.ts";

/** A server whose accepting can be made to fail. */
class FakeServer implements Listening {
  readonly addr: Deno.NetAddr;
  readonly #end = Promise.withResolvers<void>();
  isShutDown = false;

  constructor(port: number) {
    this.addr = { transport: "tcp", hostname: "127.0.0.1", port: port === 0 ? 12_345 : port };
  }

  get finished(): Promise<void> {
    return this.#end.promise;
  }

  fail(): void {
    this.#end.reject(new Error("Too many open files"));
  }

  shutdown(): Promise<void> {
    this.isShutDown = true;
    this.#end.resolve();
    return Promise.resolve();
  }
}

/** Opens fake servers; the n-th attempt is told to `watch` before. */
function openFakes(watch: (attempt: number) => void) {
  const opened: FakeServer[] = [];
  let attempts = 0;
  const open = (port: number) => {
    watch(++attempts);
    const server = new FakeServer(port);
    opened.push(server);
    return server;
  };
  return { opened, open };
}

Deno.test("a port whose accepting fails is opened again, however often that fails too", async () => {
  const faults: unknown[] = [];
  const again = Promise.withResolvers<void>();
  const { opened, open } = openFakes((attempt) => {
    if (attempt === 2) throw new Error("no descriptor for the port either");
    if (attempt === 4) again.resolve();
  });
  const listener = new Listener(open, 0, (error) => faults.push(error));
  opened[0]?.fail();
  while (opened.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  opened[1]?.fail();
  await again.promise;
  assertEquals(opened.map(({ addr }) => addr.port), [12_345, 12_345, 12_345]);
  assertEquals(faults.length, 1);
  await listener.shutdown();
  assertEquals(opened.map(({ isShutDown }) => isShutDown), [true, true, true]);
});

Deno.test("a port that is to be closed isn't opened again", async () => {
  const { opened, open } = openFakes(() => {});
  const listener = new Listener(open, 0, () => {});
  opened[0]?.fail();
  await listener.shutdown();
  assertEquals(opened.length, 1);
});

Deno.test("the first failure to open is thrown", () => {
  const open = () => {
    throw new Deno.errors.AddrInUse("taken");
  };
  assertThrows(() => new Listener(open, 0, () => {}), Deno.errors.AddrInUse);
});

Deno.test("a port is opened in another way as soon as it is free, and the former server ends by itself", async () => {
  const faults: unknown[] = [];
  const first = openFakes(() => {});
  const second = openFakes((attempt) => {
    if (attempt < 3) throw new Deno.errors.AddrInUse("not free yet");
  });
  const listener = new Listener(first.open, 0, (error) => faults.push(error));
  await listener.replace(second.open);
  assertEquals(first.opened.map(({ isShutDown }) => isShutDown), [true]);
  assertEquals(second.opened.map(({ addr }) => addr.port), [12_345]);
  // What the former one has to say is no failure of the port.
  first.opened[0]?.fail();
  second.opened[0]?.fail();
  while (second.opened.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(first.opened.length, 1);
  assertEquals(faults.length, 1);
  await listener.shutdown();
  assertEquals(second.opened.at(-1)?.isShutDown, true);
});

Deno.test("a port that is being closed isn't opened in another way", async () => {
  const first = openFakes(() => {});
  const listener = new Listener(first.open, 0, () => {});
  await listener.shutdown();
  await listener.replace(() => {
    throw new Error("opened");
  });
});
