/** The test's way into its network: ports of 127.0.0.1 that lead, from one of the network's hosts on, to another. */

import { HostProgram } from "./host_program.ts";
import { joinConnections } from "./join_connections.ts";
import type { Host, Network } from "./namespaces.ts";

const SCRIPT = new URL("relay_program.ts", import.meta.url).href;

/** Any client works over it, unchanged. A connection that can't be made is closed without a word. */
export class Relay implements AsyncDisposable {
  readonly #program: HostProgram;
  readonly #folder: string;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #connections = new Set<Deno.Conn>();
  readonly #work = new Set<Promise<void>>();

  /** Connects from `host`: what is cut off from that is cut off from the test. */
  static async start(network: Network, host: Host): Promise<Relay> {
    const folder = await Deno.makeTempDir({ prefix: "zs3-test-" });
    const words = [`${folder}/socket`];
    const readyLine = /^relay ready\n/m;
    try {
      const program = await HostProgram.start({ network, host, script: SCRIPT, words, readyLine });
      return new Relay(program, folder);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  private constructor(program: HostProgram, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  /** The `host:port` on this machine that leads to the port of that host. */
  open({ address }: Host, port: number): string {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#listeners.push(listener);
    this.#track(this.#accept(listener, `${address}:${port}\n`));
    return `127.0.0.1:${listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    await this.#program[Symbol.asyncDispose]();
    for (const connection of this.#connections) close(connection);
    await Promise.all(this.#work);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #accept(listener: Deno.TcpListener, target: string): Promise<void> {
    for await (const client of listener) this.#track(this.#relay(client, target));
  }

  async #relay(client: Deno.Conn, target: string): Promise<void> {
    this.#connections.add(client);
    try {
      const socket = await Deno.connect({ transport: "unix", path: `${this.#folder}/socket` });
      this.#connections.add(socket);
      await socket.write(new TextEncoder().encode(target));
      await joinConnections(client, socket);
      this.#connections.delete(socket);
    } catch {
      close(client); // the relay has ended
    }
    this.#connections.delete(client);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error; // it is closed already
  }
}
