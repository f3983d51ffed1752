/**
 * Who is in the cluster, as this node sees it, and what follows from it: which nodes count for a record or a block. Moves members
 * through the stages of stages.ts. What it has told others it keeps on disk first.
 */

import { nearest } from "../dht/distance.ts";
import { LIMITS } from "../limits.ts";
import type { Contact, NodeId } from "../peer/transport.ts";
import type { RecordStore } from "../storage/content_store.ts";
import type { Json, JsonObject } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import { isObject, malformed } from "./record_codec.ts";
import type { ClusterRules, QuorumTerms } from "./rules.ts";
import {
  dueMoves,
  firstStage,
  incarnationOf,
  isAsked,
  isMemberKey,
  isStaying,
  isVoter,
  type MemberKey,
  memberKey,
  nodeOf,
  STAGE,
  type Stage,
} from "./stages.ts";

export interface MembershipOptions {
  readonly self: Contact;
  readonly values: Pick<RecordStore, "getValue" | "setValue">;
  readonly timers: Timers;
  readonly terms: QuorumTerms;
  readonly rules: ClusterRules;
  /** A member that wasn't heard of for so long, though asked, is given up. */
  readonly goneAfterMs: number;
}

/** Whom a read asks, and how many of them must answer. */
export interface Readers {
  readonly members: readonly MemberKey[];
  readonly needed: number;
}

/** Whose word counts for a write, and how many of them it needs. */
export interface Writers {
  readonly members: readonly MemberKey[];
  readonly needed: number;
}

export interface MemberInfo {
  readonly member: MemberKey;
  readonly address: string;
  readonly stage: Stage;
  /** Milliseconds since it was heard of; 0 for this node; undefined when it wasn't since the start. */
  readonly heardAgoMs: number | undefined;
}

type StageTest = (stage: Stage) => boolean;

interface RankedMember {
  readonly id: NodeId;
  readonly member: MemberKey;
}

const VIEW = "cluster.view";

export class Membership {
  readonly #options: MembershipOptions;
  readonly #stages = new Map<MemberKey, Stage>();
  readonly #told = new Map<MemberKey, Map<MemberKey, Stage>>();
  readonly #addresses = new Map<NodeId, string>();
  /** By this process's clock. */
  readonly #heardAt = new Map<NodeId, number>();
  readonly #missed = new Map<NodeId, number>();
  /** Members in the stages of a kind, of one node's the later incarnation first; empty after any change of a stage. */
  readonly #ranks = new Map<StageTest, readonly RankedMember[]>();
  #self: MemberKey;
  #mayFound = false;
  #isExpelled = false;
  #isOfAnotherLife = false;
  /** Whether there is something to tell the others. */
  #hasNews = false;
  #saving: Promise<void> = Promise.resolve();
  /** The stages as they are on disk: only these are told. */
  #savedStages: JsonObject = {};

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#self = memberKey(options.self.id, 1);
    this.#load();
    if (!this.#stages.has(this.#self)) this.#setStage(this.#self, STAGE.known);
  }

  /** To be awaited before anything is told to anybody. */
  async open(): Promise<void> {
    await this.#save();
  }

  get self(): MemberKey {
    return this.#self;
  }

  get contact(): Contact {
    return this.#options.self;
  }

  /** Whether this node counts in everybody's eyes: only then it may coordinate reads and writes. */
  get isSettled(): boolean {
    return this.#stages.get(this.#self) === STAGE.settled;
  }

  /** Whether any other member is known, now or from before a restart. */
  get hasOthers(): boolean {
    return this.others().length > 0;
  }

  /** Whether the rest has given this node up: it must come back as a new member. */
  get isExpelled(): boolean {
    return this.#isExpelled;
  }

  /**
   * Whether the records here are of an earlier life of this data dir, under another id: who knows how long ago. They must be compared
   * with those of a member before anybody is given them.
   */
  get isOfAnotherLife(): boolean {
    return this.#isOfAnotherLife;
  }

  stageOf(member: MemberKey): Stage | undefined {
    return this.#stages.get(member);
  }

  /** Members but this node that may hold what was acknowledged. */
  others(): MemberKey[] {
    return Array.from(this.#stages).flatMap(([member, stage]) =>
      member !== this.#self && isAsked(stage) ? [member] : []
    );
  }

  /** Those of them that nobody has given up here. */
  staying(): MemberKey[] {
    return this.others().filter((member) => isStaying(this.#stages.get(member) ?? STAGE.gone));
  }

  /** Those of them that count in their cluster by their own word: what they don't have was deleted, or is new. */
  complete(): MemberKey[] {
    return this.staying().filter((member) => this.#told.get(member)?.get(member) === STAGE.settled);
  }

  contactOf(member: MemberKey): Contact | undefined {
    const id = nodeOf(member);
    const address = this.addressOf(id);
    return address === undefined ? undefined : { id, address };
  }

  addressOf(id: NodeId): string | undefined {
    return this.#addresses.get(id);
  }

  /** Addresses of all other nodes that were ever heard of. */
  addresses(): string[] {
    return Array.from(this.#addresses).flatMap(([id, address]) =>
      id === this.#options.self.id ? [] : [address]
    );
  }

  /** The nodes whose acknowledgement of a record placed at `place` counts, nearest first. */
  writers(place: string): Writers {
    const { terms, rules } = this.#options;
    const members = nearestMembers(place, this.#rank(isVoter), terms.replicas);
    return { members, needed: rules.writesNeeded(terms, members.length) };
  }

  /** Whom to ask for a record placed at `place`: they have been told by any writer of any view. */
  readers(place: string): Readers {
    const { terms } = this.#options;
    const all = nearestMembers(place, this.#rank(isAsked), Infinity);
    const members: MemberKey[] = [];
    let settled = 0;
    for (const member of all) {
      if (settled === terms.replicas) break;
      members.push(member);
      if (this.#stages.get(member) === STAGE.settled) settled++;
    }
    return { members, needed: this.#readsNeeded(members.length) };
  }

  /** All members, and how many of them must answer for every acknowledged record to be among the answers. */
  allReaders(): Readers {
    const members = this.#rank(isAsked).map(({ member }) => member);
    return { members, needed: this.#readsNeeded(members.length) };
  }

  /** The nodes that should hold a block, nearest first. */
  holders(place: string): MemberKey[] {
    return nearestMembers(place, this.#rank(isHolder), this.#options.terms.replicas);
  }

  /** Addresses from an earlier life of this data dir, under another id: of nodes that this one isn't yet a member with. */
  formerAddresses(): string[] {
    const known = new Set(Array.from(this.#stages.keys(), nodeOf));
    return Array.from(this.#addresses).flatMap(([id, address]) => known.has(id) ? [] : [address]);
  }

  /** A proven message of the node came in. */
  heard({ id, address }: Contact): void {
    this.#heardAt.set(id, this.#options.timers.elapsed());
    this.#missed.delete(id);
    if (id !== this.#options.self.id && this.#addresses.get(id) !== address) {
      this.#addresses.set(id, address);
      this.#save().catch(() => {}); // an address that is lost is learned again
    }
  }

  /** The node was asked for a sign of life and gave none. */
  missed(id: NodeId): void {
    this.#missed.set(id, (this.#missed.get(id) ?? 0) + 1);
  }

  /** All whom this node should know have been met: if none of them is in a cluster, they begin one. */
  found(): void {
    this.#mayFound = true;
  }

  /** What this node tells another about everybody. Only what is on disk is told. */
  view(to?: MemberKey): JsonObject {
    const isExpelled = to !== undefined &&
      [this.#stages, ...this.#told.values()].some((stages) =>
        (stages.get(to) ?? 0) >= STAGE.leaving
      );
    return {
      as: this.#self,
      stages: this.#savedStages,
      addresses: Object.fromEntries(this.#addresses),
      ...(isExpelled && { expelled: to }),
    };
  }

  /** Takes in what another node told. Throws PeerFault. Resolves when what follows from it may be told on. */
  async take(from: Contact, data: JsonObject): Promise<void> {
    const { as, stages, addresses, expelled } = parseView(data);
    if (nodeOf(as) !== from.id) throw malformed("its sender's own view");
    this.heard(from);
    let isNew = this.#admit(as, STAGE.known);
    for (const [member, stage] of stages) isNew = this.#admit(member, stage) || isNew;
    this.#learnAddresses(addresses);
    const told = this.#told.get(as) ?? new Map<MemberKey, Stage>();
    for (const [member, stage] of stages) {
      if (stage > (told.get(member) ?? 0)) told.set(member, stage);
    }
    this.#told.set(as, told);
    if ((told.get(this.#self) ?? 0) >= STAGE.leaving) this.#isExpelled = true;
    if (expelled !== undefined) this.expelled(expelled);
    if (isNew) await this.#save();
  }

  /** This node was told that the member was given up; late perhaps, when it isn't that one any more. */
  expelled(member: MemberKey): void {
    if (member === this.#self) this.#isExpelled = true;
  }

  /** Comes back as a new member: the old one is on its way out everywhere. */
  async rejoin(): Promise<void> {
    this.#setStage(this.#self, STAGE.unvoted);
    this.#self = memberKey(this.#options.self.id, this.#nextIncarnation());
    this.#setStage(this.#self, STAGE.known);
    this.#isExpelled = false;
    await this.compared();
  }

  /** The records here have been compared with those of a member. */
  async compared(): Promise<void> {
    this.#isOfAnotherLife = false;
    await this.#save();
  }

  /**
   * Makes the moves that are due, after `sync` has fetched all that the members named have. True when any was made: the others
   * must be told. A sync that fails leaves its move for the next time.
   */
  async advance(sync: (members: readonly MemberKey[]) => Promise<boolean>): Promise<boolean> {
    if (!this.#mayFound && !this.#isFounded()) return false;
    // Whom this node has just heard of, too.
    let isChanged = this.#hasNews;
    this.#hasNews = false;
    const failed = new Set<MemberKey>();
    for (;;) {
      const move = this.#dueMoves().find(({ member }) => !failed.has(member));
      if (move === undefined) break;
      if (move.syncWith.length > 0 && !await sync(move.syncWith)) {
        failed.add(move.member);
        continue;
      }
      // Others may have spoken while it synced.
      const isStillDue = this.#dueMoves().some((due) =>
        due.member === move.member && due.to === move.to &&
        due.syncWith.every((member) => move.syncWith.includes(member))
      );
      if (!isStillDue) continue;
      this.#setStage(move.member, move.to);
      isChanged = true;
    }
    if (isChanged) await this.#save();
    return isChanged;
  }

  list(): MemberInfo[] {
    const now = this.#options.timers.elapsed();
    return Array.from(this.#stages, ([member, stage]) => {
      const id = nodeOf(member);
      const isSelf = member === this.#self;
      const heardAt = this.#heardAt.get(id);
      return {
        member,
        stage,
        address: isSelf ? this.#options.self.address : this.#addresses.get(id) ?? "",
        heardAgoMs: isSelf ? 0 : heardAt === undefined ? undefined : now - heardAt,
      };
    });
  }

  /** Whether a cluster is known: somebody counts in it, or did. */
  #isFounded(): boolean {
    return [this.#stages, ...this.#told.values()].some((stages) =>
      Array.from(stages.values()).some((stage) => stage >= STAGE.settled)
    );
  }

  #dueMoves() {
    return dueMoves({
      self: this.#self,
      stages: this.#stages,
      told: this.#told,
      isGivenUp: (member) => this.#isGivenUp(member),
    });
  }

  /** Silence alone isn't enough: after this process itself was stopped for a while everybody seems to have been silent. */
  #isGivenUp(member: MemberKey): boolean {
    const id = nodeOf(member);
    if (incarnationOf(member) < this.#lastIncarnation(id)) return true;
    const { timers, goneAfterMs } = this.#options;
    const heardAt = this.#heardAt.get(id) ?? this.#startHearing(id);
    return timers.elapsed() - heardAt > goneAfterMs &&
      (this.#missed.get(id) ?? 0) >= LIMITS.missedBeforeGone;
  }

  #startHearing(id: NodeId): number {
    const now = this.#options.timers.elapsed();
    this.#heardAt.set(id, now);
    return now;
  }

  #readsNeeded(asked: number): number {
    const { terms, rules } = this.#options;
    const settled = this.#rank(isSettled).length;
    return Math.max(1, Math.min(asked, rules.readsNeeded(terms, asked, settled)));
  }

  #rank(isWanted: StageTest): readonly RankedMember[] {
    const known = this.#ranks.get(isWanted);
    if (known !== undefined) return known;
    const ranked: RankedMember[] = [];
    for (const [member, stage] of this.#stages) {
      if (isWanted(stage)) ranked.push({ id: nodeOf(member), member });
    }
    ranked.sort((a, b) => incarnationOf(b.member) - incarnationOf(a.member));
    this.#ranks.set(isWanted, ranked);
    return ranked;
  }

  #setStage(member: MemberKey, stage: Stage): void {
    this.#stages.set(member, stage);
    this.#ranks.clear();
  }

  #admit(member: MemberKey, told: Stage): boolean {
    if (this.#stages.has(member) || this.#stages.size >= LIMITS.membersEverMax) return false;
    if (this.#rank(isAsked).length >= LIMITS.membersMax) return false;
    const stage = firstStage(told);
    if (stage === undefined) return false;
    this.#setStage(member, stage);
    this.#hasNews = true;
    return true;
  }

  #learnAddresses(addresses: ReadonlyMap<NodeId, string>): void {
    for (const [id, address] of addresses) {
      const isMember = Array.from(this.#stages.keys()).some((member) => nodeOf(member) === id);
      if (isMember && id !== this.#options.self.id && !this.#addresses.has(id)) {
        this.#addresses.set(id, address);
      }
    }
  }

  #lastIncarnation(id: NodeId): number {
    let last = 0;
    for (const member of this.#stages.keys()) {
      if (nodeOf(member) === id) last = Math.max(last, incarnationOf(member));
    }
    return last;
  }

  #nextIncarnation(): number {
    return this.#lastIncarnation(this.#options.self.id) + 1;
  }

  /** One after the other, so that an older state never lands on a newer one. */
  #save(): Promise<void> {
    const save = async () => {
      const stages = Object.fromEntries(this.#stages);
      const addresses = Object.fromEntries(this.#addresses);
      await this.#options.values.setValue(VIEW, {
        self: this.#self,
        stages,
        addresses,
        ...(this.#isOfAnotherLife && { isOfAnotherLife: true }),
      });
      this.#savedStages = stages;
    };
    return this.#saving = this.#saving.then(save, save);
  }

  #load(): void {
    const saved = this.#options.values.getValue(VIEW);
    if (!isObject(saved)) return;
    const { as, stages, addresses } = parseView({ ...saved, as: saved["self"] ?? null });
    if (nodeOf(as) === this.#options.self.id) {
      this.#self = as;
      for (const [member, stage] of stages) this.#setStage(member, stage);
      this.#isOfAnotherLife = saved["isOfAnotherLife"] === true;
    } else {
      this.#isOfAnotherLife = addresses.size > 0;
    }
    for (const [id, address] of addresses) this.#addresses.set(id, address);
  }
}

interface View {
  readonly as: MemberKey;
  readonly stages: ReadonlyMap<MemberKey, Stage>;
  readonly addresses: ReadonlyMap<NodeId, string>;
  /** Which member of the receiver's node was given up, as far as the sender knew it. */
  readonly expelled: MemberKey | undefined;
}

function parseView({ as, stages, addresses, expelled }: JsonObject): View {
  if (!isMemberKey(as) || !isObject(stages) || !isObject(addresses)) throw malformed("a view");
  const entries = Object.entries(stages);
  const places = Object.entries(addresses);
  if (entries.length > LIMITS.membersEverMax || places.length > LIMITS.membersEverMax) {
    throw malformed("a view");
  }
  return {
    as,
    stages: new Map(entries.map(([member, stage]) => [parseKey(member), parseStage(stage)])),
    addresses: new Map(places.map(([id, address]) => [id, parseAddress(address)])),
    expelled: isMemberKey(expelled) ? expelled : undefined,
  };
}

function parseKey(text: string): MemberKey {
  if (isMemberKey(text)) return text;
  throw malformed("a member");
}

function parseStage(json: Json): Stage {
  const stage = Object.values(STAGE).find((known) => known === json);
  if (stage === undefined) throw malformed("a stage");
  return stage;
}

function parseAddress(json: Json): string {
  if (typeof json === "string" && /^[0-9A-Za-z.:[\]_%-]{1,255}:[0-9]{1,5}$/.test(json)) return json;
  throw malformed("an address");
}

function isHolder(stage: Stage): boolean {
  return stage >= STAGE.voting && stage <= STAGE.settled;
}

function isSettled(stage: Stage): boolean {
  return stage === STAGE.settled;
}

/** By the node's id; of one node's incarnations the later first. */
function nearestMembers(
  place: string,
  members: readonly RankedMember[],
  limit: number,
): MemberKey[] {
  return nearest(place, members, limit).map(({ member }) => member);
}
