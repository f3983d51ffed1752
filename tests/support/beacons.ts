/** Datagrams to and from a beacon's group by hand, on loopback only. */

import { createSocket, type Socket } from "node:dgram";
import { createBootId } from "../../src/peer/hello.ts";
import { type BeaconPacket, encodeBeacon } from "../../src/peer/beacon_packet.ts";
import { systemRandom } from "../../src/clock.ts";
import { testKey } from "./peer_node.ts";

export const LOOPBACK = "127.0.0.1";
export const TEST_GROUP = "239.255.90.84";

/** A port that no other test on this machine uses, until somebody binds it. */
export function freeUdpPort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: LOOPBACK, port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

/** A packet of a node that there isn't. */
export function inventedPacket(name: string, port: number): BeaconPacket {
  return { id: name.repeat(40), bootId: createBootId(systemRandom), host: LOOPBACK, port };
}

export function signedPacket(packet: BeaconPacket, secret?: string): Uint8Array {
  return encodeBeacon(testKey(secret), packet);
}

/** Hears all that is sent to the group on loopback, and sends to it from there. */
export class GroupSocket implements AsyncDisposable {
  readonly heard: Uint8Array[] = [];
  readonly #socket: Socket;
  readonly #port: number;
  #more = Promise.withResolvers<void>();

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on("message", (bytes) => {
      this.heard.push(new Uint8Array(bytes));
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
  }

  static async open(port: number): Promise<GroupSocket> {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    await bind(socket, port, TEST_GROUP);
    socket.addMembership(TEST_GROUP, LOOPBACK);
    return new GroupSocket(socket, port);
  }

  /** Resolves when at least so many have been heard. */
  async heardCount(count: number): Promise<void> {
    while (this.heard.length < count) await this.#more.promise;
  }

  /** `source` may be any address of 127.0.0.0/8. */
  async send(bytes: Uint8Array, source = LOOPBACK): Promise<void> {
    const sender = createSocket("udp4");
    await bind(sender, 0, source);
    sender.setMulticastInterface(LOOPBACK);
    await new Promise<void>((resolve, reject) => {
      const sent = (error: Error | null) => error === null ? resolve() : reject(error);
      sender.send(bytes, this.#port, TEST_GROUP, sent);
    });
    await close(sender);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#socket);
  }
}

function bind(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, resolve);
  });
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}
