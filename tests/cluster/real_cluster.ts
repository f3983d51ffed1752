/** Three to five nodes of real processes on a network of their own, and ways to hurt each; a client's URL for each node. */

import { TempDir } from "../support/temp_dir.ts";
import { NODE_PORT, startClusterProgram } from "./cluster_program.ts";
import type { HostProgram } from "./host_program.ts";
import { type Host, Network } from "./namespaces.ts";
import { Relay } from "./relay.ts";

export interface StartOptions {
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly clockOffsetMs?: number;
  /** In place of the program's usual one. */
  readonly readyLine?: RegExp;
}

const LOG_CHARS_SHOWN = 200_000;

/** How a node's program is started; a test of this harness may have another program than zs3. */
export type StartProgram = (
  where: { readonly network: Network; readonly host: Host; readonly dataDir: string },
  options: StartOptions,
) => Promise<HostProgram>;

/** The nodes are numbered from 1. The test's clients are on a host of their own. Disposing ends and removes everything. */
export class RealCluster implements AsyncDisposable {
  readonly network: Network;
  readonly nodes: readonly Host[];
  /** Where the test's clients are. */
  readonly clients: Host;
  readonly #relay: Relay;
  readonly #temp: TempDir;
  readonly #startProgram: StartProgram;
  readonly #programs = new Map<Host, HostProgram>();
  /** Of each node, also those that have ended. */
  readonly #runs: { readonly host: Host; readonly program: HostProgram }[] = [];
  readonly #urls = new Map<Host, string>();
  readonly #resources: AsyncDisposableStack;

  /** Hosts and links; no node runs yet. */
  static async make(
    nodes: number,
    startProgram: StartProgram = (where, options) => startClusterProgram({ ...where, ...options }),
  ): Promise<RealCluster> {
    await using resources = new AsyncDisposableStack();
    const temp = resources.use(await TempDir.make());
    const network = resources.use(await Network.make(nodes + 1));
    const clients = network.host(nodes + 1);
    const relay = resources.use(await Relay.start(network, clients));
    return new RealCluster(network, clients, relay, temp, startProgram, resources.move());
  }

  private constructor(
    network: Network,
    clients: Host,
    relay: Relay,
    temp: TempDir,
    startProgram: StartProgram,
    resources: AsyncDisposableStack,
  ) {
    this.network = network;
    this.nodes = network.hosts.filter((host) => host !== clients);
    this.clients = clients;
    this.#relay = relay;
    this.#temp = temp;
    this.#startProgram = startProgram;
    this.#resources = resources;
    for (const node of this.nodes) {
      this.#urls.set(node, `http://${relay.open(node, NODE_PORT)}`);
    }
  }

  node(number: number): Host {
    return this.network.host(number);
  }

  /** For clients in this process; the same for all runs of the node. */
  url(number: number): string {
    return this.#urls.get(this.node(number)) ?? "";
  }

  dataDir(number: number): string {
    return `${this.#temp.path}/node-${this.node(number).number}`;
  }

  /** Resolves when it is ready. The disk is what an earlier run left. */
  async start(number: number, options: StartOptions = {}): Promise<HostProgram> {
    const host = this.node(number);
    if (this.#programs.has(host)) throw new Error(`node ${number} runs already`);
    const where = { network: this.network, host, dataDir: this.dataDir(number) };
    const program = await this.#startProgram(where, options);
    this.#programs.set(host, program);
    this.#runs.push({ host, program });
    return program;
  }

  /** Numbers of the nodes that run, paused ones included. */
  get running(): number[] {
    return this.nodes.flatMap((host) => this.#programs.has(host) ? [host.number] : []);
  }

  /** All that the nodes have said in all of their runs, for the reader of a failure. */
  logs(): string {
    return this.#runs.map(({ host, program }) =>
      `--- node ${host.number}\n${tail(program.stdout)}${tail(program.stderr)}`
    ).join("");
  }

  program(number: number): HostProgram {
    const program = this.#programs.get(this.node(number));
    if (program === undefined) throw new Error(`node ${number} doesn't run`);
    return program;
  }

  /** As `kill -9`. Resolves when it is dead. */
  async kill(number: number): Promise<void> {
    const program = this.program(number);
    program.signal("SIGKILL");
    await program.ended();
    this.#programs.delete(this.node(number));
  }

  /** Asks it to end. Gives its exit code. */
  async shutDown(number: number): Promise<number> {
    const program = this.program(number);
    program.signal("SIGTERM");
    const code = await program.ended();
    this.#programs.delete(this.node(number));
    return code;
  }

  /** Hangs it: connections to it are still accepted, by the kernel. */
  pause(number: number): void {
    this.program(number).signal("SIGSTOP");
  }

  resume(number: number): void {
    this.program(number).signal("SIGCONT");
  }

  /** Cuts the node off from all other nodes; clients still reach it. */
  async isolate(number: number): Promise<void> {
    await this.network.isolate(this.node(number), [this.clients]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await program[Symbol.asyncDispose]();
    await this.#resources[Symbol.asyncDispose]();
  }
}

function tail(text: string): string {
  const start = text.length - LOG_CHARS_SHOWN;
  return start <= 0 ? text : `…${text.slice(start)}`;
}
