/**
 * A node of a cluster as a service: its disk, its way to the others, its place among them, and what it answers. main.ts and this
 * file alone know concrete classes.
 */

import type { Keyring } from "./auth/keyring.ts";
import { createBuckets } from "./cli/buckets.ts";
import type { ImportSink } from "./cli/import_command.ts";
import type { Service } from "./cli/serve.ts";
import { StartError, systemReason } from "./cli/start_error.ts";
import { systemClock, systemRandom } from "./clock.ts";
import { ClusterNode } from "./cluster/cluster_node.ts";
import { placeOfBlock } from "./cluster/placement.ts";
import { nodeOf, STAGE } from "./cluster/stages.ts";
import { type ClusterView, createClusterPages, type PeerView } from "./cluster_pages.ts";
import type { Config } from "./config.ts";
import type { ClusterConfig } from "./config/cluster.ts";
import { S3Error } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import { exposeNode } from "./metrics/cluster_metrics.ts";
import type { Exposition } from "./metrics/exposition.ts";
import { joinAddress } from "./peer/address.ts";
import { Beacon } from "./peer/beacon.ts";
import { deriveClusterKey } from "./peer/cluster_key.ts";
import { type Caller, createBootId, type SelfNode } from "./peer/hello.ts";
import { HttpTransport } from "./peer/http_transport.ts";
import { LinkEndpoint } from "./peer/link_endpoint.ts";
import { LinkTransport } from "./peer/link_transport.ts";
import { LINK_PATH } from "./peer/paths.ts";
import { PeerEndpoint } from "./peer/peer_endpoint.ts";
import type { ProofKey } from "./peer/proof_key.ts";
import { PeerError, PeerFault } from "./peer/transport.ts";
import { splitUrl } from "./incoming_request.ts";
import { createServer, type ServerOptions } from "./server.ts";
import { type DiskContent, openDiskContent } from "./storage/disk_content.ts";
import { openNodeId } from "./storage/node_id.ts";
import type { BucketInfo, ObjectInfo, ObjectStore } from "./storage/object_store.ts";
import { systemTimers } from "./timers.ts";

export interface NodeServiceOptions {
  readonly config: Config;
  readonly cluster: ClusterConfig;
  readonly keyring: Keyring;
  /** Absolute path of an existing folder. */
  readonly dataDir: string;
  readonly log: Log;
  readonly serverOptions: (store: ObjectStore) => ServerOptions;
}

/** Throws when the data dir isn't a node's, or can't be used. */
export async function openNodeService(options: NodeServiceOptions): Promise<Service> {
  const { dataDir, config } = options;
  const content = await openContent(dataDir, config, options.log);
  try {
    const id = await openNodeId({ dataDir });
    const caCerts = await readAuthorities(config, options.cluster);
    return new NodeService(options, content, id, caCerts);
  } catch (error) {
    await content[Symbol.asyncDispose]();
    throw error;
  }
}

class NodeService implements Service {
  readonly #options: NodeServiceOptions;
  readonly #content: DiskContent;
  readonly #self: { port: number } & SelfNode;
  readonly #key: ProofKey;
  readonly #transport: HttpTransport;
  readonly #links: LinkTransport;
  readonly #endpoint: PeerEndpoint;
  readonly #linkEndpoint: LinkEndpoint;
  readonly #refused = Promise.withResolvers<never>();
  #node: ClusterNode | undefined;
  #beacon: Beacon | undefined;
  #answer: Service["handle"] | undefined;

  constructor(
    options: NodeServiceOptions,
    content: DiskContent,
    id: string,
    caCerts: readonly string[],
  ) {
    const { config, cluster, log } = options;
    this.#options = options;
    this.#content = content;
    const { advertise } = cluster;
    this.#self = { id, bootId: createBootId(systemRandom), port: 0, advertise };
    this.#key = clusterKey(config, cluster);
    const common = {
      self: this.#self,
      key: this.#key,
      timers: systemTimers,
      random: systemRandom,
      config: sharedConfig(cluster),
    };
    const scheme = config.tls === undefined ? "http" as const : "https" as const;
    this.#transport = new HttpTransport({ ...common, scheme, caCerts });
    this.#links = new LinkTransport({ ...common, inner: this.#transport });
    const onFault = (cause: unknown) => log.fault("-", cause);
    this.#linkEndpoint = new LinkEndpoint({
      ...common,
      handler: async (from, message) => {
        if (this.#node === undefined) throw new PeerFault("starting", "the node is starting");
        return await this.#node.handle(from, message);
      },
      onFault,
    });
    this.#endpoint = new PeerEndpoint({
      ...common,
      handler: this.#linkEndpoint.handler,
      checkCaller: (caller) => this.#refuseDouble(caller),
      onFault,
    });
    this.#refused.promise.catch(() => {}); // awaited while the node joins; later refusals are logged
  }

  readonly handle: Service["handle"] = async (request, remote) => {
    if (this.#answer === undefined) return new Response(null, { status: 503 });
    return await this.#answer(request, remote);
  };

  async start(port: number): Promise<void> {
    const { config, cluster, log } = this.#options;
    this.#self.port = port;
    const node = await this.#openNode(ownAddress(config, cluster, port));
    this.#node = node;
    const server = this.#options.serverOptions(node.store);
    this.#answer = createClusterPages({
      view: this.#view(node),
      world: {
        keyring: this.#options.keyring,
        clock: systemClock,
        region: config.region,
      },
      random: systemRandom,
      log,
      peer: async (request, remote) =>
        splitUrl(request.url).rawPath === LINK_PATH
          ? this.#linkEndpoint.handle(request)
          : await this.#endpoint.handle(request, remote),
      s3: createServer(server),
    });
    if (cluster.discovery === "lan") this.#startBeacon(node);
    await Promise.race([node.ready, this.#refused.promise]);
    await createBuckets(node.store, config);
  }

  /** Peers call in requests of their own from now on: links would never end by themselves. */
  stopping(): void {
    this.#linkEndpoint.close();
  }

  expose(page: Exposition): Promise<void> {
    const records = this.#content.records.stats();
    const node = this.#node?.status();
    if (node !== undefined) {
      const members = new Map<string, number>();
      for (const { stage } of node.members) {
        const state = stageName(stage);
        members.set(state, (members.get(state) ?? 0) + 1);
      }
      exposeNode(page, { ...node, members, records });
    }
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beacon?.[Symbol.asyncDispose]();
    // Calls under way are given up first: the node would wait for their answers.
    await this.#links[Symbol.asyncDispose]();
    await this.#transport[Symbol.asyncDispose]();
    await this.#node?.[Symbol.asyncDispose]();
    await this.#content[Symbol.asyncDispose]();
  }

  async #openNode(address: string): Promise<ClusterNode> {
    const { config, cluster, log } = this.#options;
    const { gossipIntervalMs, gcGraceMs, goneAfterMs, bootstrap, discovery } = cluster;
    return await ClusterNode.open({
      self: { id: this.#self.id, address },
      content: this.#content,
      transport: this.#links,
      timers: systemTimers,
      random: systemRandom,
      terms: termsOf(cluster),
      bootstrap,
      discoveryMs: discovery === "lan" ? LIMITS.discoveryMs : 0,
      gossipIntervalMs,
      gcGraceMs,
      goneAfterMs,
      uploadAgeMsMax: config.uploadAgeMsMax,
      onRefused: (where, error) => this.#noteRefusal(where, error),
      onFault: (what, cause) => noteFault(log, what, cause),
    });
  }

  /**
   * Two processes with one id would count twice in every quorum: as long as the one that is known answers, no other is let in. They
   * may both be strangers to each other, so that only a third can tell.
   */
  async #refuseDouble({ contact: { id, address }, bootId }: Caller): Promise<void> {
    const known = this.#node?.addressOf(id);
    if (known === undefined || known === address) return;
    const there = await this.#transport.meet(known, LIMITS.viewCallMs).catch(() => undefined);
    if (there?.id !== id || there.bootId === bootId) return;
    throw new PeerFault("duplicateId", `a node with the id ${id} is running already at ${known}`);
  }

  /** What will not get better by itself ends a node that starts; one that runs says it and goes on. */
  #noteRefusal(address: string, error: PeerError): void {
    const message = error.code === "duplicateId"
      ? `another running node has the identity of this data dir (${error.message}): a data dir serves one node; a copy of it ` +
        `becomes a node of its own when its .node_id is removed`
      : `the node at ${address} refuses this one: ${error.message}`;
    this.#refused.reject(new StartError(message, { cause: error }));
    if (this.#node?.isReady) this.#options.log.fault("-", new Error(message));
  }

  #startBeacon(node: ClusterNode): void {
    const { config, log } = this.#options;
    // A server that listens on one address speaks from that one only.
    const isOne = /^\d+\.\d+\.\d+\.\d+$/.test(config.host) && config.host !== "0.0.0.0";
    this.#beacon = new Beacon({
      self: this.#self,
      key: this.#key,
      timers: systemTimers,
      found: (address) => node.discovered(address),
      onFault: (what, cause) => noteFault(log, what, cause),
      ...(isOne && { interfaceAddress: config.host }),
    });
    this.#beacon.start();
  }

  #view(node: ClusterNode): ClusterView {
    const { id } = this.#self;
    return {
      id,
      get isReady() {
        return node.isReady;
      },
      health: () => node.status().underReplicatedBlocks > 0 ? "degraded" : "ok",
      peers: () => node.members().map((member) => this.#peerView(member)),
      providers: async (hash) => [
        ...(this.#content.blocks.has(hash) ? [{ id, address: this.#ownAddress }] : []),
        ...await node.dht.findProviders(placeOfBlock(hash)),
      ],
      status: () => statusOf(node),
    };
  }

  /** Where the others reach this node, as far as they have said. */
  get #ownAddress(): string {
    const { config, cluster } = this.#options;
    return this.#transport.observedAddress ?? ownAddress(config, cluster, this.#self.port);
  }

  #peerView({ member, address, stage, heardAgoMs }: Member): PeerView {
    const id = nodeOf(member);
    return {
      id,
      address: id === this.#self.id ? this.#ownAddress : address,
      lastSeenMs: heardAgoMs === undefined ? undefined : systemClock.now() - heardAgoMs,
      state: stageName(stage),
    };
  }
}

/** What other nodes do is no fault of this program: there is no stack to look at. */
function noteFault(log: Log, what: string, cause: unknown): void {
  const isOthers = cause instanceof PeerError;
  log.fault("-", isOthers ? `${what}: ${cause.message}` : new Error(what, { cause }));
}

type Member = ReturnType<ClusterNode["members"]>[number];

function stageName(stage: Member["stage"]): string {
  return Object.entries(STAGE).find(([, value]) => value === stage)?.[0] ?? "";
}

function statusOf(node: ClusterNode) {
  const { members, ...rest } = node.status();
  return {
    ...rest,
    members: members.map(({ member, address, stage, heardAgoMs }) => ({
      member,
      address,
      state: stageName(stage),
      heardAgoMs: heardAgoMs === undefined ? null : Math.round(heardAgoMs),
    })),
    dht: { ...node.dht.stats() },
  };
}

/** What must be the same on all nodes for their quorums to meet and their leases to hold. */
function sharedConfig(cluster: ClusterConfig) {
  const { replicas, writeQuorum, readQuorum, gcGraceMs } = cluster;
  return { replicas, writeQuorum, readQuorum, gcGraceMs };
}

function termsOf({ replicas, writeQuorum, readQuorum }: ClusterConfig) {
  return { replicas, writeQuorum, readQuorum };
}

function clusterKey(config: Config, { clusterSecret }: ClusterConfig): ProofKey {
  if (clusterSecret !== undefined) {
    return deriveClusterKey({ kind: "secret", secret: clusterSecret });
  }
  const root = config.keyPairs.find((pair) => pair.role === "admin");
  if (root === undefined) throw new StartError("a cluster needs a secret or an administrator");
  const { accessKeyId, secretKey } = root;
  return deriveClusterKey({ kind: "rootKeyPair", accessKeyId, secretKey });
}

/** The nodes' certificates are of an authority of their own, or each is its own. */
async function readAuthorities(
  { tls }: Config,
  { tlsCaFile }: ClusterConfig,
): Promise<readonly string[]> {
  if (tls === undefined) return [];
  const own = await Deno.readTextFile(tls.certFile);
  if (tlsCaFile === undefined) return [own];
  try {
    return [own, await Deno.readTextFile(tlsCaFile)];
  } catch (cause) {
    throw new StartError(`the TLS authority ${tlsCaFile} can't be read: ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** As far as this node knows; the others find out by themselves from where it calls. */
function ownAddress({ host }: Config, { advertise }: ClusterConfig, port: number): string {
  if (advertise !== undefined) return advertise;
  return joinAddress(host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host, port);
}

/** The disk of a node. */
export function openContent(dataDir: string, config: Config, log: Log): Promise<DiskContent> {
  return openDiskContent({
    dataDir,
    durability: config.durability,
    onFault: (what, cause) => noteFault(log, what, cause),
  });
}

/** A node's data dir without its cluster, to be written by a command. */
export class OfflineNode implements AsyncDisposable {
  readonly #content: DiskContent;
  readonly #node: ClusterNode;

  private constructor(content: DiskContent, node: ClusterNode) {
    this.#content = content;
    this.#node = node;
  }

  /** For writing into a data dir that is no node's yet, or one that was never in a cluster of several. Throws StartError. */
  static async open(dataDir: string, config: Config, log: Log): Promise<OfflineNode> {
    const content = await openContent(dataDir, config, log);
    try {
      const self = { id: await openNodeId({ dataDir }), address: "127.0.0.1:1" };
      const node = await ClusterNode.open({
        self,
        content,
        transport: NO_WAY,
        timers: systemTimers,
        random: systemRandom,
        terms: { replicas: 1, writeQuorum: 1, readQuorum: 1 },
        bootstrap: [],
        discoveryMs: 0,
        gossipIntervalMs: LIMITS.uploadSweepIntervalMs,
        gcGraceMs: LIMITS.uploadAgeMsMax,
        goneAfterMs: LIMITS.uploadAgeMsMax,
        uploadAgeMsMax: config.uploadAgeMsMax,
        onRefused: () => {},
        onFault: (what, cause) => noteFault(log, what, cause),
      });
      if (node.members().length > 1) {
        await node[Symbol.asyncDispose]();
        throw new StartError(
          `${dataDir} belongs to a cluster of several nodes: start it, and copy over S3`,
        );
      }
      await node.ready;
      return new OfflineNode(content, node);
    } catch (error) {
      await content[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where `zs3 import` puts what it finds. */
  get sink(): ImportSink {
    const { store } = this.#node;
    return {
      createBucket: (info) => makeBucket(store, info),
      hasObject: async (info) => {
        const found = await findObject(store, info);
        return found?.etag === info.etag && found.size === info.size &&
          found.modifiedMs === info.modifiedMs;
      },
      importObject: (info, parts, body) => store.restore(info, parts, body),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
    await this.#content[Symbol.asyncDispose]();
  }
}

const NO_WAY = {
  identify: () => Promise.reject(new PeerError("unreachable", "this node is offline")),
  call: () => Promise.reject(new PeerError("unreachable", "this node is offline")),
};

async function makeBucket(store: ObjectStore, info: BucketInfo): Promise<void> {
  const { name, owner, acl, cors = null, tags = null } = info;
  if (await store.findBucket(name) === undefined) await store.createBucket(name, { owner, acl });
  await store.updateBucket(name, { acl, cors, tags });
}

async function findObject(store: ObjectStore, info: ObjectInfo): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(info);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
    throw error;
  }
}
