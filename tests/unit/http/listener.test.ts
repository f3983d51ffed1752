import { assertEquals, assertThrows } from "@std/assert";
import { type Accepting, Listener } from "../../../src/http/listener.ts";
import { LIMITS } from "../../../src/limits.ts";
import { settle, StepTimers } from "../../support/step_timers.ts";

type Conn = Deno.Conn<Deno.NetAddr>;

/** A port whose accepting can be made to succeed and to fail. */
class FakePort implements Accepting {
  readonly addr: Deno.NetAddr;
  #next = Promise.withResolvers<Conn>();
  isClosed = false;

  constructor(port: number) {
    this.addr = { transport: "tcp", hostname: "127.0.0.1", port: port === 0 ? 12_345 : port };
  }

  accept(): Promise<Conn> {
    return this.#next.promise;
  }

  async connect(name: string): Promise<void> {
    this.#settle((next) => next.resolve({ name } as unknown as Conn));
    await settle();
  }

  async fail(error = new Error("Too many open files")): Promise<void> {
    this.#settle((next) => next.reject(error));
    await settle();
  }

  close(): void {
    if (this.isClosed) throw new Deno.errors.BadResource("closed already");
    this.isClosed = true;
    this.#settle((next) => next.reject(new Deno.errors.BadResource()));
  }

  #settle(how: (next: PromiseWithResolvers<Conn>) => void): void {
    const former = this.#next;
    this.#next = Promise.withResolvers<Conn>();
    this.#next.promise.catch(() => {});
    how(former);
  }
}

/** Opens fake ports; the n-th attempt is told to `watch` before. */
function openFakes(watch: (attempt: number) => void) {
  const opened: FakePort[] = [];
  let attempts = 0;
  const open = (port: number) => {
    watch(++attempts);
    const fake = new FakePort(port);
    opened.push(fake);
    return fake;
  };
  return { opened, open };
}

function world(watch: (attempt: number) => void = () => {}) {
  const { opened, open } = openFakes(watch);
  const timers = new StepTimers();
  const faults: unknown[] = [];
  const events: string[] = [];
  const connections = {
    room: () => Promise.resolve(true),
    admit: (conn: Conn) => void events.push(`admit ${Reflect.get(conn, "name")}`),
    closeIdlest: () => events.push("close the idlest") > 0,
    finish: () => {
      events.push("finish");
      return Promise.resolve();
    },
  };
  const listener = new Listener({
    open,
    port: 0,
    connections,
    onFault: (error) => faults.push(error),
    timers,
  });
  const [first] = opened;
  if (first === undefined) throw new Error("nothing was opened");
  return { listener, first, opened, timers, faults, events };
}

Deno.test("a failure to accept passes, frees a descriptor, and is told once a minute", async () => {
  const { listener, first, opened, timers, faults, events } = world();
  await first.connect("a");
  await first.fail();
  await timers.pass(LIMITS.acceptPauseMs);
  await first.fail();
  await timers.pass(LIMITS.acceptPauseMs);
  await first.connect("b");
  assertEquals(events, ["admit a", "close the idlest", "close the idlest", "admit b"]);
  assertEquals(faults.length, 1);
  await timers.pass(LIMITS.acceptToldMs + 1);
  await first.fail();
  assertEquals(faults.length, 2);
  await listener.shutdown();
  assertEquals([opened.length, first.isClosed, events.at(-1)], [1, true, "finish"]);
  assertEquals(timers.waiting, 0);
});

Deno.test("a client that is gone before it is accepted is no failure", async () => {
  const { listener, first, faults, events } = world();
  await first.fail(new Deno.errors.ConnectionAborted());
  await first.connect("next");
  assertEquals([events, faults], [["admit next"], []]);
  await listener.shutdown();
});

Deno.test("a port that is closed while it rests accepts nothing more", async () => {
  const { listener, first, timers, events } = world();
  await first.fail();
  await listener.shutdown();
  await first.connect("late");
  await timers.pass(LIMITS.acceptPauseMs);
  assertEquals(events, ["close the idlest", "finish"]);
});

Deno.test("the first failure to open is thrown", () => {
  const refuse = () => {
    throw new Deno.errors.AddrInUse("taken");
  };
  assertThrows(() => world(refuse), Deno.errors.AddrInUse);
});

Deno.test("a port is opened in another way as soon as it is free", async () => {
  const { listener, first, timers, faults, events } = world();
  const second = openFakes((attempt) => {
    if (attempt < 3) throw new Deno.errors.AddrInUse("not free yet");
  });
  const replaced = listener.replace(second.open);
  await timers.pass(3);
  assertEquals(await replaced, true);
  assertEquals(first.isClosed, true);
  assertEquals(second.opened.map(({ addr }) => addr.port), [12_345]);
  await second.opened[0]?.connect("later");
  assertEquals(events, ["admit later"]);
  assertEquals(faults, []);
  await listener.shutdown();
  assertEquals(second.opened.at(-1)?.isClosed, true);
});

Deno.test("a port that can't be opened in another way for long is told of, and tried again", async () => {
  const { listener, timers, faults } = world();
  let isFree = false;
  const second = openFakes(() => {
    if (!isFree) throw new Error("no descriptor for the port either");
  });
  const replaced = listener.replace(second.open);
  await timers.pass(10 * LIMITS.acceptPauseMs);
  assertEquals(faults.length, 1);
  isFree = true;
  await timers.pass(LIMITS.acceptPauseMs);
  assertEquals(await replaced, true);
  await listener.shutdown();
});

Deno.test("a port that is closed while it is opened in another way stays closed", async () => {
  const { listener, first, timers, events } = world();
  const second = openFakes(() => {
    throw new Deno.errors.AddrInUse("not free yet");
  });
  const replaced = listener.replace(second.open);
  await timers.pass(5);
  await listener.shutdown();
  assertEquals([await replaced, first.isClosed, events], [false, true, ["finish"]]);
  assertEquals(timers.waiting, 0);
});

Deno.test("a port that is being closed isn't opened in another way", async () => {
  const { listener } = world();
  await listener.shutdown();
  const isReplaced = await listener.replace(() => {
    throw new Error("opened");
  });
  assertEquals(isReplaced, false);
});
