/**
 * The network of a simulation: one Transport for each machine, with delay, loss, late delivery, cut links and machines that
 * are down. Keeps the contract of src/peer/transport.ts: each call reaches its handler at most once, the node that was meant
 * or nobody, and its caller has an answer or a PeerError in time. Machines share no memory: messages are copied.
 */

import {
  type Contact,
  type Message,
  type MessageHandler,
  PeerError,
  type PeerErrorReason,
  PeerFault,
  type Reply,
  type Transport,
} from "../../src/peer/transport.ts";
import { within } from "../../src/timers.ts";
import type { SeededRandom } from "../support/seed.ts";
import type { EventLoop } from "./event_loop.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTimers } from "./virtual_time.ts";

export interface NetworkFaults {
  /** Of one way, evenly between both. */
  readonly delayMs: { readonly min: number; readonly max: number };
  /** A request or a reply is lost once in so many, and its caller waits in vain; 0 for never. */
  readonly lossOneIn: number;
  /** Once in so many a message takes up to `lateMsMax`: often after its caller has given up, and long after newer ones. 0 for never. */
  readonly lateOneIn: number;
  readonly lateMsMax: number;
  /** How many bytes of bodies pass in a millisecond. */
  readonly bytesPerMs: number;
}

export const GOOD_NETWORK: NetworkFaults = {
  delayMs: { min: 0.2, max: 2 },
  lossOneIn: 0,
  lateOneIn: 0,
  lateMsMax: 0,
  bytesPerMs: 100_000,
};

export interface KindCount {
  calls: number;
  /** Reached their handlers. */
  delivered: number;
  /** Had a reply that reached the caller, in time or not. */
  answered: number;
  /** Of the bodies that were sent with calls and replies. */
  bodyBytes: number;
}

export interface PlugOptions {
  readonly contact: Contact;
  /** The gate of the program that runs there. */
  readonly timers: VirtualTimers;
  /** Those with different ones are strangers to each other. */
  readonly secret?: string;
}

/** What callers notice of a machine that goes. */
export type Departure =
  /** Its kernel lives on and says that nobody listens: a killed process. */
  | "reset"
  /** It says nothing any more: a power cut. */
  | "silent";

/** One machine's connection, as long as one run of its program lasts. */
export interface Port {
  readonly contact: Contact;
  readonly transport: Transport;
  /** Until then nobody listens here. */
  listen(handler: MessageHandler): void;
  unplug(departure: Departure): void;
}

export class SimNetwork {
  faults: NetworkFaults = GOOD_NETWORK;
  readonly #loop: EventLoop;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #ports = new Map<string, SimPort>();
  readonly #silent = new Set<string>();
  readonly #cuts = new Set<string>();
  readonly #extraDelayMs = new Map<string, number>();
  readonly #counts = new Map<string, KindCount>();
  #calls = 0;

  constructor(loop: EventLoop, random: SeededRandom, trace: Trace) {
    this.#loop = loop;
    this.#random = random;
    this.#trace = trace;
  }

  /** By the kind of message; the question who is at an address is "identify". */
  get counts(): ReadonlyMap<string, Readonly<KindCount>> {
    return this.#counts;
  }

  /** Connects a machine in place of what was at its address. */
  plug({ contact, timers, secret = "" }: PlugOptions): Port {
    this.#ports.get(contact.address)?.unplug("reset");
    const port = new SimPort(this, contact, timers, secret);
    this.#ports.set(contact.address, port);
    this.#silent.delete(contact.address);
    return port;
  }

  /** Nothing passes in that direction any more, what is under way included. */
  cut(from: string, to: string): void {
    this.#trace.note("cut", from, to);
    this.#cuts.add(linkKey(from, to));
  }

  heal(from: string, to: string): void {
    this.#trace.note("heal", from, to);
    this.#cuts.delete(linkKey(from, to));
  }

  /** Cuts each group of addresses off from all other groups. Who is in none reaches everybody. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group !== other) group.forEach((from) => other.forEach((to) => this.cut(from, to)));
      }
    }
  }

  healAll(): void {
    this.#trace.note("heal all");
    this.#cuts.clear();
  }

  /** All that goes to and from the address takes so much longer. */
  setExtraDelay(address: string, ms: number): void {
    this.#extraDelayMs.set(address, ms);
  }

  /** For its ports only. */
  call(from: SimPort, to: Call["to"], message: Message, timeoutMs: number): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const call: Call = {
      number: ++this.#calls,
      from,
      to,
      message: copied(message),
      resolve,
      fail: (reason, text, code) => reject(new PeerError(reason, text, code)),
    };
    const count = this.#count(message.kind);
    count.calls++;
    count.bodyBytes += message.body?.length ?? 0;
    this.#trace.note(from.contact.address, ">", to.address, `#${call.number}`, message.kind);
    this.#carry(from.contact.address, to.address, message.body?.length, () => this.#arrive(call));
    return within(
      from.timers,
      timeoutMs,
      promise,
      () => new PeerError("timeout", `no answer from ${to.address} in ${timeoutMs} ms`),
    );
  }

  /** For its ports only: forgets one, and says so to whom it owes an answer. */
  forget(port: SimPort, owed: Iterable<Call>, departure: Departure): void {
    const { address } = port.contact;
    if (this.#ports.get(address) !== port) return;
    this.#ports.delete(address);
    this.#trace.note("unplug", address, departure);
    if (departure === "silent") this.#silent.add(address);
    else for (const call of owed) this.#refuse(call, "unreachable", "the connection was reset");
  }

  /** For its ports only. */
  answer(call: Call, reply: Reply): void {
    const copy = copied(reply);
    this.#count(call.message.kind).bodyBytes += reply.body?.length ?? 0;
    this.#return(call, reply.body?.length, () => {
      this.#count(call.message.kind).answered++;
      call.resolve(copy);
    });
  }

  /** For its ports only: an answer that says why there is none. */
  refuse(call: Call, error: unknown): void {
    if (error instanceof PeerFault) this.#refuse(call, "refused", error.message, error.code);
    else this.#refuse(call, "failed", `the peer failed: ${String(error)}`);
  }

  #arrive(call: Call): void {
    const { from, to, message } = call;
    const port = this.#ports.get(to.address);
    if (port === undefined && this.#silent.has(to.address)) return;
    if (port === undefined || !port.isListening) {
      this.#refuse(call, "unreachable", `nobody listens at ${to.address}`);
    } else if (port.secret !== from.secret) {
      this.#refuse(call, "stranger", `${to.address} doesn't know the secret`);
    } else if (to.id !== undefined && to.id !== port.contact.id) {
      this.#refuse(call, "otherNode", `${to.address} is ${port.contact.id}`);
    } else if (message.kind === IDENTIFY) {
      port.timers.deliver(() => this.answer(call, { data: { id: port.contact.id } }));
    } else {
      port.receive(call, () => this.#count(message.kind).delivered++);
    }
  }

  #refuse(call: Call, reason: PeerErrorReason, text: string, code?: string): void {
    this.#return(call, 0, () => call.fail(reason, text, code));
  }

  #return(call: Call, bytes: number | undefined, arrive: () => void): void {
    const caller = call.from.contact.address;
    this.#trace.note(caller, "<", call.to.address, `#${call.number}`);
    this.#carry(call.to.address, caller, bytes, () => call.from.timers.deliver(arrive));
  }

  #carry(from: string, to: string, bytes = 0, arrive: () => void): void {
    const { lossOneIn } = this.faults;
    const link = linkKey(from, to);
    const delayMs = this.#delayMs(from, to, bytes);
    if (this.#cuts.has(link) || (lossOneIn > 0 && this.#random.oneIn(lossOneIn))) {
      this.#trace.note("lost", from, to);
      return;
    }
    this.#loop.after(delayMs, () => {
      if (!this.#cuts.has(link)) arrive();
    });
  }

  #delayMs(from: string, to: string, bytes: number): number {
    const { delayMs: { min, max }, lateOneIn, lateMsMax, bytesPerMs } = this.faults;
    const extraMs = (this.#extraDelayMs.get(from) ?? 0) + (this.#extraDelayMs.get(to) ?? 0);
    const isLate = lateOneIn > 0 && this.#random.oneIn(lateOneIn);
    const ownMs = min + (this.#random.below(1024) / 1024) * ((isLate ? lateMsMax : max) - min);
    return ownMs + extraMs + bytes / bytesPerMs;
  }

  #count(kind: string): KindCount {
    const known = this.#counts.get(kind);
    if (known !== undefined) return known;
    const count: KindCount = { calls: 0, delivered: 0, answered: 0, bodyBytes: 0 };
    this.#counts.set(kind, count);
    return count;
  }
}

const IDENTIFY = "identify";

/** One call under way. */
interface Call {
  readonly number: number;
  readonly from: SimPort;
  /** Without an id: whoever is there. */
  readonly to: { readonly address: string; readonly id?: string };
  readonly message: Message;
  readonly resolve: (reply: Reply) => void;
  readonly fail: (reason: PeerErrorReason, text: string, code?: string) => void;
}

class SimPort implements Port {
  readonly transport: Transport = {
    identify: async (address, timeoutMs) => {
      const message = { kind: IDENTIFY, data: {} };
      const { data } = await this.#network.call(this, { address }, message, timeoutMs);
      return { id: String(data["id"]), address };
    },
    call: (to, message, timeoutMs) => this.#network.call(this, to, message, timeoutMs),
  };

  readonly #network: SimNetwork;
  /** Calls that were received and not yet answered. */
  readonly #owed = new Set<Call>();
  #handler: MessageHandler | undefined;

  constructor(
    network: SimNetwork,
    readonly contact: Contact,
    readonly timers: VirtualTimers,
    readonly secret: string,
  ) {
    this.#network = network;
  }

  get isListening(): boolean {
    return this.#handler !== undefined;
  }

  listen(handler: MessageHandler): void {
    this.#handler = handler;
  }

  unplug(departure: Departure): void {
    this.#network.forget(this, this.#owed, departure);
    this.#owed.clear();
  }

  /** Has the handler answer it when the program runs. */
  receive(call: Call, onDelivered: () => void): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    this.#owed.add(call);
    this.timers.deliver(() => {
      onDelivered();
      Promise.try(handler, call.from.contact, call.message).then(
        (reply) => this.#settle(call, () => this.#network.answer(call, reply)),
        (error: unknown) => this.#settle(call, () => this.#network.refuse(call, error)),
      );
    });
  }

  /** A program that was killed, or whose connection was reset, answers nobody. */
  #settle(call: Call, answer: () => void): void {
    if (this.#owed.delete(call) && !this.timers.isKilled) answer();
  }
}

function linkKey(from: string, to: string): string {
  return `${from} ${to}`;
}

/** As another machine gets it: through JSON, the body's bytes copied. */
function copied<T extends Reply>(message: T): T {
  const data = JSON.parse(JSON.stringify(message.data));
  return message.body === undefined
    ? { ...message, data }
    : { ...message, data, body: message.body.slice() };
}
