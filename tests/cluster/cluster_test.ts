/** A test of zs3 as real processes on a network of their own: starts the nodes, and adds what they said to a failure. */

import { assertEquals } from "@std/assert";
import type { ObjectStore } from "../../src/storage/object_store.ts";
import { S3Connection } from "../suites/http_store/connection.ts";
import { HttpStore } from "../suites/http_store.ts";
import { WHOLE_LIST } from "../suites/object_store/support.ts";
import type { HostProgram } from "./host_program.ts";
import { canMakeNetworks, type Network } from "./namespaces.ts";
import { NODE_PORT } from "./cluster_program.ts";
import { RealCluster, type StartOptions } from "./real_cluster.ts";

export const CREDENTIALS = {
  accessKey: "minioadmin",
  secretKey: "minioadmin",
  region: "eu-central-1",
};

/**
 * Within which a cluster goes on without one of its nodes: 2 s by its promise, which the simulator holds it to. Here the machine may be
 * busy with other things; what waits for a node that hangs or is gone would take its caller's whole patience.
 */
export const GOES_ON_MS_MAX = 20_000;
/** Far more than anything takes that a test waits for. */
const WAIT_MS_MAX = 45_000;
const PAUSE_MS = 50;

export interface ClusterTestOptions {
  /** Number of nodes. */
  readonly nodes?: number;
  /** Of every node, besides those below. */
  readonly flags?: readonly string[];
  /** Whether the test starts the nodes by itself. */
  readonly isUnstarted?: boolean;
  /** Why the test can't be here; to be said by whoever finds out. */
  readonly ignore?: boolean;
}

const canRun = await canMakeNetworks();

/** Registers the test; it is skipped where networks can't be made, which is said. */
export function clusterTest(
  name: string,
  options: ClusterTestOptions,
  run: (cluster: TestCluster) => Promise<void>,
): void {
  const { ignore = false } = options;
  Deno.test({ name, ignore: ignore || !canRun }, async () => {
    await using cluster = await TestCluster.make(options);
    try {
      if (options.isUnstarted !== true) await cluster.startAll();
      await run(cluster);
    } catch (cause) {
      const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
      throw new Error(`${text}\n${cluster.real.logs()}`, { cause });
    }
  });
}

/** The part of `/_zs3/status` that tests look at. */
export interface Status {
  readonly isReady: boolean;
  readonly underReplicatedBlocks: number;
  readonly recordsBehind: number;
  readonly garbageWaitingBlocks: number;
  readonly dedupSavedBytes: number;
  readonly members: readonly { readonly member: string; readonly state: string }[];
  readonly counters: Readonly<Record<string, number>>;
}

/** Nodes that know each other by --bootstrap, with the same secret, and clients of each. */
export class TestCluster implements AsyncDisposable {
  readonly real: RealCluster;
  readonly secret = crypto.randomUUID();
  readonly #flags: readonly string[];
  readonly #stores = new Map<number, HttpStore>();
  readonly #connections = new Map<number, S3Connection>();

  static async make({ nodes = 3, flags = [] }: ClusterTestOptions): Promise<TestCluster> {
    return new TestCluster(await RealCluster.make(nodes), flags);
  }

  private constructor(real: RealCluster, flags: readonly string[]) {
    this.real = real;
    this.#flags = flags;
  }

  get network(): Network {
    return this.real.network;
  }

  get numbers(): number[] {
    return this.real.nodes.map(({ number }) => number);
  }

  /** The first by itself, then the others at once. */
  async startAll(): Promise<void> {
    const [first = 1, ...others] = this.numbers;
    await this.start(first);
    const bootstrap = [this.bootstrap(first)];
    await all(others.map((number) => this.start(number, { flags: bootstrap })));
  }

  /** The flag that names nodes to join. */
  bootstrap(...numbers: readonly number[]): string {
    const addresses = numbers.map((number) => `${this.real.node(number).address}:${NODE_PORT}`);
    return `--bootstrap=${addresses.join(",")}`;
  }

  /** With no bootstrap but what is given; resolves when it has joined. */
  start(number: number, { flags = [], environment, ...rest }: StartOptions = {}) {
    return this.real.start(number, {
      ...rest,
      flags: withoutRepeated([
        "--gossip-interval-ms=500",
        "--discovery=off",
        `--region=${CREDENTIALS.region}`,
        ...this.#flags,
        ...flags,
      ]),
      environment: { ZS3_CLUSTER_SECRET: this.secret, ...environment },
    });
  }

  program(number: number): HostProgram {
    return this.real.program(number);
  }

  /** A client of one node. */
  store(number: number): ObjectStore {
    const store = this.#stores.get(number) ?? new HttpStore(this.real.url(number), CREDENTIALS);
    this.#stores.set(number, store);
    return store;
  }

  /** The same, without a model of what it asks for. */
  connection(number: number): S3Connection {
    const connection = this.#connections.get(number) ??
      new S3Connection(this.real.url(number), CREDENTIALS);
    this.#connections.set(number, connection);
    return connection;
  }

  async status(number: number): Promise<Status> {
    const request = { method: "GET", bucket: "_zs3", key: "status" } as const;
    const reply = await this.connection(number).send(request);
    return JSON.parse(await reply.text());
  }

  /** What `/_zs3/<page>` answers to anybody. */
  async page(number: number, page: string): Promise<unknown> {
    const response = await fetch(`${this.real.url(number)}/_zs3/${page}`);
    return await response.json();
  }

  /** Resolves when every node that runs counts all of these and no other, is behind nowhere, and lacks nothing. */
  async whole(numbers: readonly number[] = this.real.running): Promise<void> {
    await eventually("the cluster is whole", async () => {
      for (const number of numbers) {
        const { isReady, underReplicatedBlocks, recordsBehind, members } = await this.status(
          number,
        );
        const states = members.map(({ state }) => state).filter((state) => state !== "gone");
        assertEquals(
          { number, isReady, underReplicatedBlocks, recordsBehind, states },
          {
            number,
            isReady: true,
            underReplicatedBlocks: 0,
            recordsBehind: 0,
            states: numbers.map(() => "settled"),
          },
        );
      }
    });
  }

  /** Keys and ETags of a bucket, as the node lists them. */
  async list(number: number, bucket: string): Promise<string[]> {
    const { entries } = await this.store(number).list(bucket, WHOLE_LIST);
    return entries.map((entry) =>
      entry.kind === "object" ? `${entry.object.key} ${entry.object.etag}` : entry.prefix
    );
  }

  /** Hashes of the blocks on the node's disk, in order. */
  async blocks(number: number): Promise<string[]> {
    const root = `${this.real.dataDir(number)}/.cas`;
    const hashes: string[] = [];
    for await (const folder of Deno.readDir(root)) {
      for await (const { name } of Deno.readDir(`${root}/${folder.name}`)) {
        hashes.push(name.replace(/\.blob$/, ""));
      }
    }
    return hashes.toSorted();
  }

  blockPath(number: number, hash: string): string {
    return `${this.real.dataDir(number)}/.cas/${hash.slice(0, 2)}/${hash}.blob`;
  }

  /** Clients of a node begin with new connections. */
  forget(number: number): void {
    void this.#stores.get(number)?.[Symbol.asyncDispose]();
    this.#connections.get(number)?.[Symbol.dispose]();
    this.#stores.delete(number);
    this.#connections.delete(number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const number of this.numbers) this.forget(number);
    await this.real[Symbol.asyncDispose]();
  }
}

/** Resolves when it no longer throws; throws the last that it threw when that takes too long. */
export async function eventually(
  what: string,
  probe: () => Promise<void>,
  msMax = WAIT_MS_MAX,
): Promise<void> {
  for (const deadline = Date.now() + msMax;;) {
    try {
      return await probe();
    } catch (cause) {
      if (Date.now() > deadline) throw new Error(`it never came about that ${what}`, { cause });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** As Promise.all, but rejects only when all have ended, so that nothing goes on behind a failure. */
export async function all<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

/** The last of each name. */
function withoutRepeated(flags: readonly string[]): string[] {
  return Array.from(new Map(flags.map((flag) => [flag.replace(/=.*/, ""), flag])).values());
}
