/**
 * A network of virtual time with latency and loss for thousands of nodes in one process: tests/sim/sim_network.ts without what costs
 * time there and isn't needed here.
 */

import {
  type Contact,
  type Message,
  type MessageHandler,
  PeerError,
  PeerFault,
  type Reply,
  type Transport,
} from "../../../src/peer/transport.ts";
import type { SeededRandom } from "../../support/seed.ts";
import type { EventLoop } from "../../sim/event_loop.ts";

export interface NetworkOptions {
  readonly loop: EventLoop;
  readonly random: SeededRandom;
  /** One way, both inclusive; less than any call's timeout. */
  readonly latencyMs: readonly [number, number];
  /** One call in so many gets no answer; Infinity for none. */
  readonly lossOneIn: number;
  /** Whether each message is taken apart and put together, as a real network would. Costs time. */
  readonly copies: boolean;
}

interface Host {
  readonly id: string;
  readonly handle: MessageHandler;
}

export class FastNetwork {
  readonly #options: NetworkOptions;
  readonly #hosts = new Map<string, Host>();
  /** Calls made, by kind. */
  readonly calls = new Map<string, number>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  get callCount(): number {
    return [...this.calls.values()].reduce((sum, calls) => sum + calls, 0);
  }

  /** Lets a node answer at its address. */
  add({ id, address }: Contact, handle: MessageHandler): void {
    this.#hosts.set(address, { id, handle });
  }

  /** From now on nobody answers there. */
  remove({ address }: Contact): void {
    this.#hosts.delete(address);
  }

  /** Whether a node answers at this address. */
  has({ address }: Contact): boolean {
    return this.#hosts.has(address);
  }

  transportOf(self: Contact): Pick<Transport, "call"> {
    return { call: (to, message, timeoutMs) => this.#call(self, to, message, timeoutMs) };
  }

  #call(from: Contact, to: Contact, message: Message, timeoutMs: number): Promise<Reply> {
    const { loop, random, lossOneIn } = this.#options;
    this.calls.set(message.kind, (this.calls.get(message.kind) ?? 0) + 1);
    const deadlineMs = loop.nowMs + timeoutMs;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const isLost = lossOneIn !== Infinity && random.oneIn(lossOneIn);
    this.#deliver(() => {
      const host = this.#hosts.get(to.address);
      if (host === undefined || isLost) {
        const late = () => reject(new PeerError("timeout", "no answer in time"));
        loop.after(deadlineMs - loop.nowMs, late);
      } else if (host.id !== to.id) {
        const other = new PeerError("otherNode", "another node answers there");
        this.#deliver(() => reject(other));
      } else {
        host.handle(from, this.#copy(message)).then(
          (reply) => this.#deliver(() => resolve(this.#copy(reply))),
          (cause) => this.#deliver(() => reject(peerErrorOf(cause))),
        );
      }
    });
    return promise;
  }

  #deliver(act: () => void): void {
    const { loop, random, latencyMs: [min, max] } = this.#options;
    loop.after(min + random.below(max - min + 1), act);
  }

  #copy<T>(message: T): T {
    return this.#options.copies ? JSON.parse(JSON.stringify(message)) : message;
  }
}

function peerErrorOf(cause: unknown): PeerError {
  if (cause instanceof PeerFault) return new PeerError("refused", cause.message, cause.code);
  return new PeerError("failed", "the handler failed", undefined, { cause });
}
