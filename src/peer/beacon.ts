/**
 * Finding the other nodes of the cluster on the local network: each tells by multicast where it is, and hears the others. What
 * is heard is only a place to say hello to; it makes nobody a member.
 */

import { LIMITS } from "../limits.ts";
import { sleep, type Timers } from "../timers.ts";
import { beaconAddress, encodeBeacon, findBeacon } from "./beacon_packet.ts";
import type { SelfNode } from "./hello.ts";
import { Multicast, type MulticastGroup } from "./multicast.ts";
import type { ProofKey } from "./proof_key.ts";

export interface BeaconOptions {
  readonly self: SelfNode;
  readonly key: ProofKey;
  readonly timers: Timers;
  /**
   * Hears the address of a node with the cluster's key: at once, and every now and then as long as its beacons come. It may be
   * known already, or even be another process with our own id, which saying hello brings to light.
   */
  readonly found: (address: string) => void;
  /** Hears, once, why beacons can't be sent or heard; it is tried again at every interval. */
  readonly onFault: (what: string, cause: unknown) => void;
  /** An IPv4 multicast address; LIMITS.beaconPort when no port is given. */
  readonly group?: string | undefined;
  readonly port?: number | undefined;
  readonly intervalMs?: number | undefined;
  /** The IPv4 address of the only interface to use. Without it: all, save that loopback is only used when there is nothing else. */
  readonly interfaceAddress?: string | undefined;
}

// Administratively scoped (RFC 2365).
const GROUP = "239.255.90.83";
/** Pauses after the first beacons: a node that starts is found though one or two are lost. */
const FIRST_PAUSES_MS = [250, 250, 500, 1000, 2000, 4000];

export class Beacon implements AsyncDisposable {
  readonly #options: BeaconOptions;
  readonly #group: MulticastGroup;
  readonly #stop = new AbortController();
  /** When a node was told to `found`, by address and boot id, longest ago first. */
  readonly #foundMs = new Map<string, number>();
  #sockets: Multicast | undefined;
  #running: Promise<void> | undefined;
  #sentMs = -Infinity;
  #cancelAnswer: (() => void) | undefined;
  /** Faults told since the last round without one. */
  readonly #told = new Set<string>();
  #hasFailed = false;

  constructor(options: BeaconOptions) {
    this.#options = options;
    this.#group = { address: options.group ?? GROUP, port: options.port ?? LIMITS.beaconPort };
  }

  /** To be called once, when the node can be reached. */
  start(): void {
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#cancelAnswer?.();
    await this.#sockets?.[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const { timers, intervalMs = LIMITS.beaconIntervalMs } = this.#options;
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      await this.#renew();
      this.#send();
      const pauseMs = Math.min(FIRST_PAUSES_MS[round] ?? intervalMs, intervalMs);
      await sleep(timers, pauseMs, this.#stop.signal);
    }
  }

  /**
   * Joins anew on the interfaces that there are now: they come, go and change while a node runs, and the system takes a membership
   * away without a word. The former sockets are closed afterwards, so that nothing is missed.
   */
  async #renew(): Promise<void> {
    const former = this.#sockets;
    if (!this.#hasFailed) this.#told.clear();
    this.#hasFailed = false;
    try {
      this.#sockets = await Multicast.open(this.#group, this.#interfaces(), {
        heard: (bytes, source) => this.#hear(bytes, source),
        failed: (cause) => this.#tell(cause),
      });
    } catch (cause) {
      this.#tell(cause);
      return;
    }
    await former?.[Symbol.asyncDispose]();
  }

  #interfaces(): readonly string[] {
    const { interfaceAddress } = this.#options;
    if (interfaceAddress !== undefined) return [interfaceAddress];
    return chooseInterfaces(Deno.networkInterfaces());
  }

  #send(): void {
    const { self: { id, bootId, port }, key, timers } = this.#options;
    this.#sentMs = timers.elapsed();
    this.#sockets?.send((host) => encodeBeacon(key, { id, bootId, host, port }));
  }

  #hear(bytes: Uint8Array, source: string): void {
    const { self, key, timers, found } = this.#options;
    const packet = findBeacon(key, bytes, source);
    if (packet === undefined || this.#stop.signal.aborted) return;
    if (packet.id === self.id && packet.bootId === self.bootId) return;
    const address = beaconAddress(packet);
    const name = `${address} ${packet.bootId}`;
    const lastMs = this.#foundMs.get(name);
    if (lastMs !== undefined && timers.elapsed() - lastMs < LIMITS.beaconRepeatMs) return;
    this.#remember(name);
    if (lastMs === undefined) this.#answer();
    found(address);
  }

  #remember(name: string): void {
    this.#foundMs.delete(name);
    this.#foundMs.set(name, this.#options.timers.elapsed());
    for (const oldest of this.#foundMs.keys()) {
      if (this.#foundMs.size <= LIMITS.beaconSendersMax) return;
      this.#foundMs.delete(oldest);
    }
  }

  /** So that a node that starts needn't wait for the next interval. At most one in a while, for all that start at once. */
  #answer(): void {
    if (this.#cancelAnswer !== undefined) return;
    const { timers } = this.#options;
    const waitMs = this.#sentMs + LIMITS.beaconAnswerMs - timers.elapsed();
    this.#cancelAnswer = timers.after(Math.max(0, waitMs), () => {
      this.#cancelAnswer = undefined;
      this.#send();
    });
  }

  #tell(cause: unknown): void {
    this.#hasFailed = true;
    const fault = String(cause);
    if (this.#told.has(fault) || this.#stop.signal.aborted) return;
    this.#told.add(fault);
    this.#options.onFault("other nodes on the local network may not be found", cause);
  }
}

/**
 * The addresses of the interfaces to send on: IPv4, each interface once. Those of loopback only when there are no others: who
 * is told such an address on another machine would look for the node on itself.
 */
export function chooseInterfaces(
  interfaces: readonly Pick<Deno.NetworkInterfaceInfo, "name" | "family" | "address">[],
): readonly string[] {
  const byName = new Map<string, string>();
  for (const { name, family, address } of interfaces) {
    if (family === "IPv4" && !byName.has(name)) byName.set(name, address);
  }
  const all = [...byName.values()];
  const outward = all.filter((address) => !address.startsWith("127."));
  return (outward.length > 0 ? outward : all).slice(0, LIMITS.beaconInterfacesMax);
}
