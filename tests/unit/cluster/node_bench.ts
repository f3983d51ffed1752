/** Whole nodes of a cluster in virtual time, on a network that a test can cut. */

import { ClusterNode, type ClusterNodeOptions } from "../../../src/cluster/cluster_node.ts";
import {
  type Message,
  PeerError,
  PeerFault,
  type Reply,
  type Transport,
} from "../../../src/peer/transport.ts";
import { MemoryContent } from "../../../src/storage/memory_content.ts";
import type { ObjectMeta, OpenObject } from "../../../src/storage/object_store.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { SeededRandom } from "../../support/seed.ts";
import { contactOf } from "./bench.ts";

export type NodeOptions = Partial<
  Pick<
    ClusterNodeOptions,
    | "terms"
    | "gossipIntervalMs"
    | "gcGraceMs"
    | "goneAfterMs"
    | "tombstoneAgeMs"
    | "uploadAgeMsMax"
  >
>;

/** Whether a message gets through; may throw a PeerError, wait, or answer. */
export type Gate = (
  from: number,
  to: number,
  message: Message,
) => Promise<Reply | undefined> | Reply | undefined;

export class NodeBench implements AsyncDisposable {
  readonly loop = new EventLoop();
  readonly timers = new VirtualTimers(this.loop);
  readonly nodes: ClusterNode[] = [];
  readonly contents: MemoryContent[] = [];
  readonly faults: unknown[] = [];
  readonly #options: NodeOptions;
  /** Pairs that don't hear each other. */
  readonly #cut = new Set<string>();
  gate: Gate = () => undefined;

  constructor(options: NodeOptions = {}) {
    this.#options = options;
  }

  static async open(count: number, options: NodeOptions = {}): Promise<NodeBench> {
    const bench = new NodeBench(options);
    for (let index = 0; index < count; index++) await bench.start(index);
    await bench.ready();
    return bench;
  }

  async start(index: number): Promise<ClusterNode> {
    const self = contactOf(index);
    const content = this.contents[index] ??= MemoryContent.make({
      timers: this.timers,
      syncDelayMs: () => 1,
      random: new SeededRandom(100 + index),
    });
    const opening = ClusterNode.open({
      self,
      content,
      transport: this.#transportOf(index),
      timers: this.timers,
      random: new SeededRandom(index),
      terms: { replicas: 3, writeQuorum: 2, readQuorum: 2 },
      bootstrap: index === 0 ? [] : [contactOf(0).address],
      discoveryMs: 0,
      gossipIntervalMs: 1_000,
      gcGraceMs: 600_000,
      goneAfterMs: 20_000,
      uploadAgeMsMax: 7 * 86_400_000,
      onFault: (_, error) => void this.faults.push(error),
      ...this.#options,
    });
    const node = await this.drive(opening);
    node.ready.catch(() => {});
    this.nodes[index] = node;
    return node;
  }

  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }

  content(index: number): MemoryContent {
    const content = this.contents[index];
    if (content === undefined) throw new RangeError(`no node ${index}`);
    return content;
  }

  async drive<T>(promise: Promise<T>): Promise<T> {
    return await this.loop.drive(promise);
  }

  async sleep(ms: number): Promise<void> {
    await this.loop.run(this.loop.nowMs + ms);
  }

  async ready(msMax = 300_000): Promise<void> {
    await this.loop.runUntil(() => this.nodes.every((node) => node.isReady), msMax);
  }

  /** Cuts the node off from the others, in both directions. */
  isolate(index: number): void {
    for (let other = 0; other < this.nodes.length; other++) {
      this.#cut.add(`${index}>${other}`).add(`${other}>${index}`);
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  async put(index: number, key: string, body: Uint8Array | string): Promise<void> {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    await this.drive(this.putting(index, key, bytes));
  }

  async putting(index: number, key: string, bytes: Uint8Array): Promise<void> {
    await this.node(index).store.put({
      bucket: "bucket",
      key,
      body: bodyOf(bytes),
      sizeHint: bytes.length,
      seal: () => META,
    });
  }

  async get(index: number, key: string): Promise<string> {
    const object: OpenObject = await this.drive(
      this.node(index).store.open({ bucket: "bucket", key }),
    );
    using _ = object;
    const body = object.body(undefined);
    const chunks: Uint8Array[] = [];
    const read = async () => {
      if (body instanceof Uint8Array) chunks.push(body);
      else for await (const chunk of body) chunks.push(chunk);
    };
    await this.drive(read());
    return new TextDecoder().decode(await new Blob(chunks.map((c) => Uint8Array.from(c))).bytes());
  }

  async createBucket(index: number): Promise<void> {
    await this.drive(
      this.node(index).store.createBucket("bucket", { owner: undefined, acl: "private" }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await this.drive(node[Symbol.asyncDispose]());
  }

  #transportOf(from: number): Transport {
    return {
      identify: async (address, timeoutMs) => {
        const to = this.nodes.findIndex((_, index) => contactOf(index).address === address);
        await this.#travel(from, to, timeoutMs);
        return { id: contactOf(to).id, address };
      },
      call: async ({ id }, message, timeoutMs) => {
        const to = this.nodes.findIndex((_, index) => contactOf(index).id === id);
        await this.#travel(from, to, timeoutMs);
        return await this.#within(timeoutMs, this.#deliver(from, to, copy(message)));
      },
    };
  }

  async #travel(from: number, to: number, timeoutMs: number): Promise<void> {
    await this.loop.sleep(1);
    if (to < 0) throw new PeerError("unreachable", "nobody is there");
    if (!this.#cut.has(`${from}>${to}`)) return;
    await this.loop.sleep(timeoutMs);
    throw new PeerError("timeout", "no answer in time");
  }

  async #deliver(from: number, to: number, message: Message): Promise<Reply> {
    try {
      const reply = await this.gate(from, to, message) ??
        await this.node(to).handle(contactOf(from), message);
      await this.#travel(to, from, 10_000);
      return copy(reply);
    } catch (error) {
      if (error instanceof PeerFault) throw new PeerError("refused", error.message, error.code);
      if (error instanceof PeerError) throw error;
      throw new PeerError("failed", "the peer met a fault", undefined, { cause: error });
    }
  }

  #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new PeerError("timeout", "no answer in time"));
      const cancel = this.timers.after(timeoutMs, late);
      work.then(resolve, reject).finally(cancel);
    });
  }
}

export const META: ObjectMeta = { headers: {}, user: {}, tags: {}, acl: "private" };

export async function* bodyOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function copy<T extends Reply>(message: T): T {
  const { body, ...rest } = message;
  return { ...JSON.parse(JSON.stringify(rest)), ...(body && { body: body.slice() }) };
}
