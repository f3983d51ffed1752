/**
 * Datagrams to and from an IPv4 multicast group. They don't leave the local network (TTL 1).
 *
 * IPv6 isn't here: `node:dgram` in Deno 2.9.6 can't send to a link-local group, whose scope it doesn't take.
 */

import { createSocket, type Socket } from "node:dgram";

export interface MulticastGroup {
  readonly address: string;
  readonly port: number;
}

export interface MulticastListener {
  readonly heard: (bytes: Uint8Array, source: string) => void;
  /** An interface that can't be used, a send that failed. */
  readonly failed: (cause: unknown) => void;
}

/** A membership on some interfaces. Any number of processes of a machine can have one, and hear each other. */
export class Multicast implements AsyncDisposable {
  readonly #group: MulticastGroup;
  readonly #receiver: Socket;
  /** By the address of the interface. One each: a socket's interface must not change while it sends. */
  readonly #senders: ReadonlyMap<string, Socket>;

  private constructor(
    group: MulticastGroup,
    receiver: Socket,
    senders: ReadonlyMap<string, Socket>,
  ) {
    this.#group = group;
    this.#receiver = receiver;
    this.#senders = senders;
  }

  /** Joins on the interfaces with these addresses that let it. Rejects with what the system says when the port can't be had. */
  static async open(
    group: MulticastGroup,
    interfaceAddresses: readonly string[],
    listener: MulticastListener,
  ): Promise<Multicast> {
    const receiver = await openReceiver(group, listener);
    const senders = new Map<string, Socket>();
    for (const address of interfaceAddresses) {
      try {
        receiver.addMembership(group.address, address);
        senders.set(address, await openSender(address, listener));
      } catch (error) {
        listener.failed(error);
      }
    }
    return new Multicast(group, receiver, senders);
  }

  /** Sends what `write` makes for each interface. Whether that arrives nobody knows. */
  send(write: (interfaceAddress: string) => Uint8Array): void {
    const { address, port } = this.#group;
    for (const [from, sender] of this.#senders) sender.send(write(from), port, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#receiver, ...this.#senders.values()].map(close));
  }
}

async function openReceiver(
  group: MulticastGroup,
  { heard, failed }: MulticastListener,
): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr: true });
  // Bound to the group, where the system can, it gets nothing else that comes to the port.
  await bind(socket, group.port, Deno.build.os === "windows" ? "0.0.0.0" : group.address);
  socket.on("message", (bytes, { address }) => heard(bytes, address));
  socket.on("error", failed);
  return socket;
}

async function openSender(
  interfaceAddress: string,
  { failed }: MulticastListener,
): Promise<Socket> {
  const socket = createSocket({ type: "udp4" });
  await bind(socket, 0, interfaceAddress);
  try {
    socket.setMulticastInterface(interfaceAddress);
    socket.setMulticastTTL(1);
    socket.setMulticastLoopback(true); // for the other nodes of this machine
  } catch (error) {
    await close(socket);
    throw error;
  }
  socket.on("error", failed); // of a send, too
  return socket;
}

async function bind(socket: Socket, port: number, address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.bind(port, address, resolve);
  try {
    await promise;
    socket.off("error", reject);
  } catch (error) {
    await close(socket);
    throw error;
  }
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
