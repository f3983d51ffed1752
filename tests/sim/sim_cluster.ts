/**
 * A cluster in a simulation: machines with clocks, disks and a network, on which the real nodes of src/cluster run. It does to
 * the machines what happens to machines. Knows no requests and no faults' timetable.
 */

import { Buffer } from "node:buffer";
import type { Random } from "../../src/clock.ts";
import type { Contact, MessageHandler, Transport } from "../../src/peer/transport.ts";
import type { ContentStore } from "../../src/storage/content_store.ts";
import { MemoryContent } from "../../src/storage/memory_content.ts";
import type { ObjectStore } from "../../src/storage/object_store.ts";
import type { Timers } from "../../src/timers.ts";
import { ConnectionLost, type Door } from "./door.ts";
import { EventLoop } from "./event_loop.ts";
import { type Departure, type Port, SimNetwork } from "./sim_network.ts";
import { randomFor } from "./sim_random.ts";
import { Trace } from "./trace.ts";
import { VirtualTimers } from "./virtual_time.ts";

/** What a node is made of: all that it may use. */
export interface NodeParts {
  readonly contact: Contact;
  readonly content: ContentStore;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly random: Random;
  /** Addresses of all other machines that were started before; none for the first. */
  readonly bootstrap: readonly string[];
}

/** A node that has begun to join. It is never told that it is going to be killed. */
export interface SimNode {
  readonly store: ObjectStore;
  readonly handler: MessageHandler;
  /** Whether it has joined and caught up. */
  readonly isReady: () => boolean;
  /** What it thinks, for whoever reads a failure. */
  readonly describe: () => string;
}

/** `fail` ends the simulation with a fault of the node; to be called for what isn't a failure of others or of the network. */
export type OpenNode = (parts: NodeParts, fail: (error: unknown) => void) => Promise<SimNode>;

export interface SimClusterOptions {
  readonly seed: number;
  readonly openNode: OpenNode;
  /** How long a sync of a disk takes, at most. */
  readonly syncMsMax: number;
}

/** One run of the program on a machine. */
interface Life {
  readonly timers: VirtualTimers;
  readonly port: Port;
  readonly opening: Promise<SimNode>;
  /** Undefined while it is opening. */
  node: SimNode | undefined;
  /** Rejects when it ends. */
  readonly ended: PromiseWithResolvers<never>;
}

interface Machine {
  readonly name: string;
  readonly timers: MachineTimers;
  readonly random: Random;
  readonly makeDisk: () => MemoryContent;
  id: string;
  disk: MemoryContent;
  clockOffsetMs: number;
  clockRate: number;
  diskFactor: number;
  life: Life | undefined;
}

/** Those of the program that runs on the machine now: what its disk goes by, which outlives the program. */
class MachineTimers implements Timers {
  constructor(public current: Timers) {}

  now(): number {
    return this.current.now();
  }

  elapsed(): number {
    return this.current.elapsed();
  }

  after(ms: number, callback: () => void): () => void {
    return this.current.after(ms, callback);
  }
}

export class SimCluster {
  readonly loop = new EventLoop();
  readonly trace = new Trace(() => this.loop.nowMs);
  readonly network: SimNetwork;
  readonly #options: SimClusterOptions;
  readonly #machines = new Map<string, Machine>();
  readonly #started = new Set<string>();
  readonly #fault = Promise.withResolvers<never>();

  constructor(options: SimClusterOptions) {
    this.#options = options;
    this.network = new SimNetwork(this.loop, randomFor(options.seed, "network"), this.trace);
    this.#fault.promise.catch(() => {}); // whoever runs the simulation looks at it, or not
  }

  /** Rejects when a node has a fault. */
  get failed(): Promise<never> {
    return this.#fault.promise;
  }

  /** Of all machines there ever were, in the order in which they came. */
  get names(): readonly string[] {
    return [...this.#machines.keys()];
  }

  get running(): readonly string[] {
    return this.names.filter((name) => this.#machine(name).life !== undefined);
  }

  /** A new machine with an empty disk; it isn't started yet. */
  add(name: string, clock: { readonly offsetMs?: number; readonly rate?: number } = {}): void {
    const { seed, syncMsMax } = this.#options;
    const diskRandom = randomFor(seed, `disk of ${name}`);
    const random = randomFor(seed, name);
    const timers = new MachineTimers(new VirtualTimers(this.loop));
    const syncDelayMs = () => {
      const ms = (diskRandom.below(1000) / 1000) * syncMsMax;
      return ms * (this.#machines.get(name)?.diskFactor ?? 1);
    };
    const makeDisk = () => MemoryContent.make({ timers, syncDelayMs, random });
    this.#machines.set(name, {
      name,
      timers,
      random,
      id: hex(random.bytes(20)),
      makeDisk,
      disk: makeDisk(),
      clockOffsetMs: clock.offsetMs ?? 0,
      clockRate: clock.rate ?? 1,
      diskFactor: 1,
      life: undefined,
    });
  }

  /** Starts the program with what is on the disk. */
  start(name: string): void {
    const machine = this.#machine(name);
    if (machine.life !== undefined) throw new Error(`${name} runs already`);
    const timers = new VirtualTimers(this.loop, {
      offsetMs: machine.clockOffsetMs,
      rate: machine.clockRate,
    });
    machine.timers.current = timers;
    const contact = { id: machine.id, address: addressOf(name) };
    const port = this.network.plug({ contact, timers });
    this.trace.note("start", name, machine.id.slice(0, 8));
    const opening = this.#options.openNode({
      contact,
      content: machine.disk,
      transport: port.transport,
      timers,
      random: machine.random,
      bootstrap: [...this.#started].filter((other) => other !== name).map(addressOf),
    }, this.#fault.reject);
    this.#started.add(name);
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => {}); // nobody may be asking it anything
    const life: Life = { timers, port, opening, node: undefined, ended };
    machine.life = life;
    opening.then((node) => {
      life.node = node;
      port.listen(node.handler);
    }).catch(this.#fault.reject);
  }

  /** Ends the program as a power cut does: the disk keeps what was synced, or, when it is "lost", nothing, the node's id included. */
  crash(name: string, departure: Departure, disk: "kept" | "lost" = "kept"): void {
    const machine = this.#machine(name);
    const life = this.#life(name);
    this.trace.note("crash", name, departure, disk);
    machine.life = undefined;
    life.timers.kill();
    life.port.unplug(departure);
    const left = machine.disk.crash();
    machine.disk = disk === "kept" ? left : machine.makeDisk();
    if (disk === "lost") machine.id = hex(machine.random.bytes(20));
    life.ended.reject(new ConnectionLost(`${name} crashed`));
  }

  /** Ends the program for good: the machine is no more. */
  scrap(name: string): void {
    this.crash(name, "silent");
    this.#machines.delete(name);
  }

  stop(name: string): void {
    this.trace.note("stop", name);
    this.#life(name).timers.stop();
  }

  continue(name: string): void {
    this.trace.note("continue", name);
    this.#life(name).timers.continue();
  }

  /** All that the program does comes so much later, until it ends. */
  setLag(name: string, ms: number): void {
    this.trace.note("lag", name, ms);
    this.#life(name).timers.setLag(ms);
  }

  /** Syncs of its disk take so many times as long. */
  setDiskFactor(name: string, factor: number): void {
    this.trace.note("disk factor", name, factor);
    this.#machine(name).diskFactor = factor;
  }

  /** Sets its clock forward or, negative, back; it stays so over restarts. */
  stepClock(name: string, ms: number): void {
    this.trace.note("clock", name, ms);
    const machine = this.#machine(name);
    machine.clockOffsetMs += ms;
    machine.life?.timers.step(ms);
  }

  isReady(name: string): boolean {
    return this.#machine(name).life?.node?.isReady() === true;
  }

  /** What each running node thinks, a line for each. */
  describe(): string {
    return this.running.map((name) =>
      `  ${name}: ${this.#machine(name).life?.node?.describe() ?? "is opening"}`
    ).join("\n");
  }

  disk(name: string): MemoryContent {
    return this.#machine(name).disk;
  }

  /** To the node that runs there now; undefined when there is none. */
  door(name: string): Door | undefined {
    const { life } = this.#machine(name);
    return life && { node: name, request: (ask) => requestOf(life, ask) };
  }

  doors(): readonly Door[] {
    return this.running.flatMap((name) => this.door(name) ?? []);
  }

  /** Resolves when it is so, looking every `everyMs`. Rejects with what `late` says after `msMax`. */
  async until(isSo: () => boolean, msMax: number, late: () => Error, everyMs = 500): Promise<void> {
    const deadlineMs = this.loop.nowMs + msMax;
    while (!isSo()) {
      if (this.loop.nowMs >= deadlineMs) throw late();
      await this.loop.sleep(everyMs);
    }
  }

  #machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  #life(name: string): Life {
    const { life } = this.#machine(name);
    if (life === undefined) throw new Error(`${name} doesn't run`);
    return life;
  }
}

function requestOf<T>(life: Life, ask: (store: ObjectStore) => Promise<T>): Promise<T> {
  const work = new Promise<T>((resolve, reject) => {
    life.timers.deliver(() => {
      life.opening.then(({ store }) => ask(store)).then(resolve, reject);
    });
  });
  return Promise.race([work, life.ended.promise]);
}

export function addressOf(name: string): string {
  return `${name}:9000`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
