/** One node of a cluster: puts the parts together, answers its peers, joins, and does what has to be done in the background. */

import { Budget } from "../budget.ts";
import type { Random } from "../clock.ts";
import { Kademlia } from "../dht/kademlia.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
  type Contact,
  type Message,
  type NodeId,
  PeerError,
  PeerFault,
  type Reply,
  type Transport,
} from "../peer/transport.ts";
import type { ContentStore } from "../storage/content_store.ts";
import type { JsonObject, Record } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import { announceAll } from "./announcing.ts";
import { Background, type RunBeside } from "./background.ts";
import { BlockExchange } from "./block_exchange.ts";
import { ClusterStore } from "./cluster_store.ts";
import { Counters } from "./counters.ts";
import { Garbage } from "./garbage.ts";
import { HybridClock, versionAt, type VersionClock } from "./hybrid_clock.ts";
import { Leases } from "./leases.ts";
import { Meeting } from "./meeting.ts";
import { type MemberInfo, Membership } from "./membership.ts";
import { Peers } from "./peers.ts";
import { ignoreSilence, Quorum } from "./quorum.ts";
import { RangeSync } from "./range_sync.ts";
import { Reaper } from "./reaper.ts";
import { malformed } from "./record_codec.ts";
import { Repair } from "./repair.ts";
import { CLUSTER_RULES, type ClusterRules, type QuorumTerms } from "./rules.ts";
import { isMemberKey, type MemberKey, nodeOf, STAGE } from "./stages.ts";
import { Sync } from "./sync.ts";
import { notReady } from "./unavailable.ts";

export interface ClusterNodeOptions {
  readonly self: Contact;
  readonly content: ContentStore;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly random: Random;
  readonly terms: QuorumTerms;
  /** Addresses of nodes to join. With none that is another node's, and none found, this node is a cluster by itself. */
  readonly bootstrap: readonly string[];
  /** How long to wait for the network to name a node before being a cluster by oneself. */
  readonly discoveryMs: number;
  readonly gossipIntervalMs: number;
  readonly gcGraceMs: number;
  readonly goneAfterMs: number;
  readonly uploadAgeMsMax: number;
  readonly tombstoneAgeMs?: number;
  readonly rules?: ClusterRules;
  /** In place of the hybrid clock. */
  readonly versions?: VersionClock;
  /** Told when a node proves to be of this cluster, and refuses this one: its id is taken, or it counts otherwise. */
  readonly onRefused?: (address: string, error: PeerError) => void;
  /** Told of what goes wrong in the background and will be tried again. */
  readonly onFault: (what: string, error: unknown) => void;
}

export interface NodeStatus {
  readonly isReady: boolean;
  readonly members: readonly MemberInfo[];
  readonly underReplicatedBlocks: number;
  readonly recordsBehind: number;
  readonly dedupSavedBytes: number;
  readonly garbageWaitingBlocks: number;
  readonly counters: { readonly [name: string]: number };
}

type Handler = (
  as: MemberKey,
  message: Message,
) => Promise<JsonObject | Reply | void> | JsonObject;

export class ClusterNode implements AsyncDisposable {
  readonly store: ClusterStore;
  readonly dht: Kademlia;
  readonly #options: ClusterNodeOptions;
  readonly #membership: Membership;
  readonly #quorum: Quorum;
  readonly #exchange: BlockExchange;
  readonly #meeting: Meeting;
  readonly #sync: Sync;
  readonly #rangeSync: RangeSync;
  readonly #repair: Repair;
  readonly #garbage: Garbage;
  readonly #reaper: Reaper;
  readonly #counters = new Counters();
  readonly #background: Background;
  readonly #ready = Promise.withResolvers<void>();
  #isReady = false;
  /** Whether this node was given up, and must not give its records to others before it has compared them with theirs. */
  #isReturning = false;
  #advancing: Promise<void> | undefined;
  #mustAdvanceAgain = false;
  #wakeJoin = () => {};
  /** Have the upkeep done at once instead of when it is due. */
  #wakeUpkeep: readonly (() => void)[] = [];

  private constructor(options: ClusterNodeOptions) {
    const { self, content, transport, timers, random, terms, rules = CLUSTER_RULES } = options;
    const { records, blocks } = content;
    this.#options = options;
    this.#background = new Background(timers, options.onFault);
    const counters = this.#counters;
    const clock = options.versions ?? new HybridClock(timers, self.id, records);
    const membership = new Membership({
      self,
      values: records,
      timers,
      terms,
      rules,
      goneAfterMs: options.goneAfterMs,
    });
    this.dht = new Kademlia({ self, transport, timers, random });
    const peers = new Peers({
      transport,
      membership,
      timers,
      counters,
      onOutcome: (member, answered) => this.#noteOutcome(member, answered),
    });
    const onRecords = (taken: readonly Record[]) => this.#noteRecords(taken);
    const leases = new Leases(timers, options.gcGraceMs);
    const run: RunBeside = (what, work) =>
      this.#background.run(what, () => work().catch(ignoreSilence));
    const common = {
      run,
      membership,
      peers,
      records,
      blocks,
      clock,
      rules,
      timers,
      counters,
      leases,
    };
    this.#membership = membership;
    this.#meeting = new Meeting({ ...options, membership, dht: this.dht });
    this.#quorum = new Quorum({ ...common, onRecords });
    this.#exchange = new BlockExchange({ ...common, dht: this.dht, terms });
    this.#sync = new Sync({ ...common, onRecords });
    this.#rangeSync = new RangeSync({ ...common, sync: this.#sync });
    this.#repair = new Repair({ ...common, exchange: this.#exchange });
    this.#garbage = new Garbage({ ...common, sync: this.#sync, graceMs: options.gcGraceMs });
    this.#reaper = new Reaper({
      ...common,
      quorum: this.#quorum,
      sync: this.#sync,
      uploadAgeMsMax: options.uploadAgeMsMax,
      tombstoneAgeMs: options.tombstoneAgeMs ?? LIMITS.tombstoneAgeMsMin,
    });
    this.store = new ClusterStore({
      ...common,
      quorum: this.#quorum,
      sync: this.#sync,
      exchange: this.#exchange,
      random,
      intake: {
        exchange: this.#exchange,
        budget: new Budget(LIMITS.blockMemoryBytesMax),
        timers,
        leaseMs: options.gcGraceMs,
        inlineBytes: LIMITS.recordInlineBytesMax,
      },
      requireReady: () => {
        if (!this.#isReady) throw notReady();
      },
    });
  }

  /** From now on `handle` may be called. The node joins in the background: `ready` tells when it has. */
  static async open(options: ClusterNodeOptions): Promise<ClusterNode> {
    const node = new ClusterNode(options);
    await node.#membership.open();
    node.#start();
    return node;
  }

  /** Resolves when this node counts as a member and has caught up: then its store answers. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Hears of an address at which a node of this cluster may be: it is believed when it proves itself. */
  discovered(address: string): void {
    if (!this.#meeting.discovered(address)) return;
    if (this.#isReady) this.#background.run("meeting a node", () => this.#meeting.meetUnmet());
    else this.#wakeJoin();
  }

  /** Answers a proven peer. */
  async handle(from: Contact, message: Message): Promise<Reply> {
    if (this.#background.isStopping) throw new PeerFault("stopping", "the node is stopping");
    this.dht.seen(from);
    if (message.kind.startsWith("dht.")) return await this.dht.handle(from, message);
    if (message.kind === "cluster.view") {
      return { data: await this.#answerView(from, message.data) };
    }
    const as = message.data["as"];
    if (!isMemberKey(as) || nodeOf(as) !== from.id) throw malformed("the member that sends it");
    this.#membership.heard(from);
    const handler = this.#handlers[message.kind];
    if (handler === undefined) throw new PeerFault("unknownKind", "this node doesn't know that");
    const answer = await refusing(() => handler(as, message)) ?? {};
    const reply = isReply(answer) ? answer : { data: answer };
    return { ...reply, data: { ...reply.data, as: this.#membership.self } };
  }

  members(): MemberInfo[] {
    return this.#membership.list();
  }

  /** Where the node was heard of last; undefined when it isn't known. */
  addressOf(id: NodeId): string | undefined {
    return this.#membership.addressOf(id);
  }

  status(): NodeStatus {
    const { referencedBytes, distinctBytes } = this.#options.content.records.stats();
    return {
      isReady: this.#isReady,
      members: this.members(),
      underReplicatedBlocks: this.#repair.missing,
      recordsBehind: this.#sync.recordsBehind,
      dedupSavedBytes: referencedBytes - distinctBytes,
      garbageWaitingBlocks: this.#garbage.waiting,
      counters: this.#counters.all(),
    };
  }

  /** Stops answering and joining; the content stays its owner's. */
  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = this.#background[Symbol.asyncDispose]();
    this.#wakeJoin();
    this.#ready.promise.catch(() => {});
    this.#ready.reject(new Error("the node was stopped before it had joined"));
    await stopping;
    await this.dht.stop();
    await this.#sync.save();
  }

  /** What a member may ask. Reads, writes and news only of those that nobody here has given up: a listing relies on these too. */
  readonly #handlers: { readonly [kind: string]: Handler } = {
    "record.read": (as, { data }) => {
      this.#requireMember(as);
      return this.#quorum.answerRead(data);
    },
    "record.write": async (as, { data }) => {
      this.#requireMember(as);
      await this.#quorum.answerWrite(data);
    },
    "record.changes": (as, { data }) => {
      this.#requireMember(as);
      this.#requireCompared();
      return this.#sync.answerChanges(as, data);
    },
    "record.fetch": (_, { data }) => {
      this.#requireCompared();
      return this.#sync.answerFetch(data);
    },
    "record.digest": (_, { data }) => {
      this.#requireCompared();
      return this.#rangeSync.answerDigest(data);
    },
    "record.names": (_, { data }) => {
      this.#requireCompared();
      return this.#rangeSync.answerNames(data);
    },
    "block.offer": (_, { data }) => this.#exchange.answerOffer(data),
    "block.put": async (as, message) => {
      this.#requireMember(as);
      await this.#exchange.answerPut(message);
    },
    "block.renew": (_, { data }) => this.#exchange.answerRenew(data),
    "block.get": (_, { data }) => this.#exchange.answerGet(data),
  };

  #requireMember(as: MemberKey): void {
    const stage = this.#membership.stageOf(as);
    if (stage === undefined) throw new PeerFault("unknownMember", "the member isn't known here");
    if (stage >= STAGE.leaving) throw new PeerFault("expelled", "the member was given up");
  }

  #requireCompared(): void {
    if (!this.#mustCompare) return;
    throw new PeerFault("returning", "the node is comparing its records");
  }

  get #mustCompare(): boolean {
    return this.#isReturning || this.#membership.isOfAnotherLife;
  }

  #start(): void {
    const { gossipIntervalMs, gcGraceMs } = this.#options;
    const every: Background["every"] = (...loop) => this.#background.every(...loop);
    // Records that come in tell what they need, and changes of the members wake it: the rest is for what can't have been missed.
    const repairIntervalMs = gossipIntervalMs * LIMITS.repairEveryRounds;
    const gcIntervalMs = Math.min(Math.max(gcGraceMs / 4, 1_000), 60_000);
    const whenReady = (work: () => Promise<void>) => async () => {
      if (this.#isReady) await work();
    };
    this.#background.run("joining", () => this.#join());
    every("meeting nodes", LIMITS.meetIntervalMs, whenReady(() => this.#meeting.meetUnmet()));
    this.#wakeUpkeep = [
      every("gossip", gossipIntervalMs, () => this.#gossipRound()),
      every("repair", repairIntervalMs, whenReady(() => this.#repair.round())),
    ];
    every("fetching blocks", LIMITS.repairDelayMs, whenReady(() => this.#repair.fetchWanted()));
    every("collecting garbage", gcIntervalMs, whenReady(() => this.#garbage.round()));
    every("reaping", gossipIntervalMs, whenReady(() => this.#reaper.round()));
    every(
      "sweeping",
      LIMITS.uploadSweepIntervalMs,
      () => this.#onceReady(() => this.#reaper.sweep()),
    );
    every("hash table", LIMITS.dhtMaintainIntervalMs, () => this.dht.maintain());
    every(
      "announcing",
      LIMITS.announceIntervalMs,
      () => this.#onceReady(() => this.#announceAll()),
    );
  }

  #wake(): void {
    for (const wake of this.#wakeUpkeep) wake();
  }

  async #onceReady(work: () => Promise<void>): Promise<void> {
    await this.#ready.promise;
    await work();
  }

  /** Until this node counts: finds others, tells and hears, moves on. */
  async #join(): Promise<void> {
    while (!this.#background.isStopping && !this.#isReady) {
      await this.#meeting.meetUnmet();
      if (this.#meeting.mayFound()) this.#membership.found();
      await this.#meeting.gossip();
      await this.#advance();
      if (this.#membership.isSettled && !this.#mustCompare && await this.#caughtUp()) {
        this.#isReady = true;
        this.#ready.resolve();
        this.#wake();
        return;
      }
      await this.#pause(LIMITS.joinRetryMs);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        resolve();
      };
      const cancel = this.#options.timers.after(ms, end);
      this.#wakeJoin = end;
      if (this.#background.isStopping) end();
    });
  }

  async #caughtUp(): Promise<boolean> {
    try {
      await this.#sync.catchUp();
      return true;
    } catch (error) {
      ignoreSilence(error);
      return false;
    }
  }

  async #gossipRound(): Promise<void> {
    await this.#meeting.gossip();
    await this.#advance();
    if (!this.#isReady) return;
    await this.#sync.pullAll(this.#membership.staying());
    await this.#sync.save();
    await this.#rangeSync.round();
  }

  async #answerView(from: Contact, data: JsonObject): Promise<JsonObject> {
    await this.#membership.take(from, data);
    this.#background.run("moving members on", () => this.#advance());
    const as = data["as"];
    return this.#membership.view(isMemberKey(as) ? as : undefined);
  }

  /** One at a time; a call meanwhile has it look once more. What has changed is told to all. */
  #advance(): Promise<void> {
    this.#mustAdvanceAgain = true;
    return this.#advancing ??= this.#advanceAll().finally(() => this.#advancing = undefined);
  }

  async #advanceAll(): Promise<void> {
    while (this.#mustAdvanceAgain && !this.#background.isStopping) {
      this.#mustAdvanceAgain = false;
      if (this.#membership.isExpelled || this.#membership.isOfAnotherLife) await this.#return();
      const isChanged = await this.#membership.advance((members) => this.#sync.pullAll(members));
      if (!isChanged) continue;
      await this.#meeting.gossip();
      this.#mustAdvanceAgain = true;
      this.#wakeJoin();
      this.#wake();
    }
  }

  /**
   * The others have given this node up, or this data dir was another node's: it compares its records with those of a member before
   * anybody is given them. One that was given up comes back as a new member.
   */
  async #return(): Promise<void> {
    if (!this.#isReturning) {
      this.#isReturning = true;
      if (this.#isReady) {
        this.#isReady = false;
        this.#background.run("joining", () => this.#join());
      }
    }
    const { timers, tombstoneAgeMs = LIMITS.tombstoneAgeMsMin } = this.#options;
    // Whoever forgot a tombstone may have done so by a clock that is ahead of this one.
    const marginMs = Math.min(2 * LIMITS.clockAheadMsMax, tombstoneAgeMs / 4);
    const dropBefore = versionAt(timers.now() - tombstoneAgeMs + marginMs);
    for (const member of this.#membership.complete()) {
      try {
        await this.#rangeSync.compare(member, dropBefore);
      } catch (error) {
        ignoreSilence(error);
        continue;
      }
      if (this.#membership.isExpelled) await this.#membership.rejoin();
      else await this.#membership.compared();
      this.#isReturning = false;
      return;
    }
  }

  async #announceAll(): Promise<void> {
    const { content: { blocks }, timers } = this.#options;
    const options = { dht: this.dht, membership: this.#membership, blocks, timers };
    await announceAll(options, () => this.#background.isStopping);
  }

  #noteRecords(records: readonly Record[]): void {
    this.#repair.note(records);
    this.#reaper.note(records);
  }

  #noteOutcome(member: MemberKey, answered: boolean): void {
    const contact = this.#membership.contactOf(member);
    if (contact === undefined) return;
    if (answered) this.dht.seen(contact);
    else this.dht.failed(contact.id);
  }
}

/** What a client would be told (a full disk, most likely) is a refusal to a peer, not a fault of this node. */
async function refusing<T>(work: () => T): Promise<Awaited<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof S3Error) throw new PeerFault(error.code, errorText(error));
    throw error;
  }
}

function errorText({ code, message }: S3Error): string {
  return message === "" ? code : message;
}

function isReply(answer: JsonObject | Reply): answer is Reply {
  return "data" in answer && "body" in answer;
}
