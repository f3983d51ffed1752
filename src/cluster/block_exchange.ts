/**
 * Blocks between nodes: stored on those nearest to their hash, fetched from whoever has them. What comes from a peer is believed
 * only when its hash fits; what is damaged here is fetched again.
 */

import { blake3Hex } from "../blake3.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { type Message, PeerError, PeerFault, type Reply } from "../peer/transport.ts";
import type { BlockStore } from "../storage/content_store.ts";
import type { BlockRef, JsonObject } from "../storage/record.ts";
import type { Timers } from "../timers.ts";
import type { Dht } from "../dht/dht.ts";
import type { RunBeside } from "./background.ts";
import type { Counters } from "./counters.ts";
import type { Leases } from "./leases.ts";
import type { Membership } from "./membership.ts";
import type { Peers } from "./peers.ts";
import { placeOfBlock } from "./placement.ts";
import { ignoreSilence } from "./quorum.ts";
import { decodeHash, decodeHashes, malformed } from "./record_codec.ts";
import type { ClusterRules, QuorumTerms } from "./rules.ts";
import { type MemberKey, nodeOf } from "./stages.ts";
import { unavailable } from "./unavailable.ts";

export interface BlockExchangeOptions {
  readonly membership: Membership;
  readonly peers: Peers;
  readonly blocks: BlockStore;
  readonly leases: Leases;
  readonly dht: Dht;
  readonly timers: Timers;
  readonly counters: Counters;
  readonly rules: ClusterRules;
  readonly terms: QuorumTerms;
  /** Does work that nobody waits for. */
  readonly run: RunBeside;
}

/** A block on its way to a node. */
interface Push {
  readonly member: MemberKey;
  readonly done: Promise<void>;
  /** Leaves out whom nothing was sent to yet. */
  readonly skip: () => void;
}

/** A block for several nodes. */
interface Shipment {
  readonly hash: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same for all of them, so that it is encoded once. */
  readonly put: Message;
  readonly isNew: boolean;
}

export class BlockExchange {
  readonly #options: BlockExchangeOptions;
  readonly #pushing = new Map<MemberKey, number>();
  readonly #fetching = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(options: BlockExchangeOptions) {
    this.#options = options;
  }

  /**
   * `hash` must be that of the bytes: it isn't computed again. Resolves when as many of the nodes nearest to it have the block on disk
   * as a write needs; a little later when the rest
   * are about to have it too. Throws ServiceUnavailable, StorageFull.
   */
  async store(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { membership, rules, terms, timers, peers } = this.#options;
    const holders = membership.holders(placeOfBlock(hash));
    const needed = rules.writesNeeded(terms, holders.length);
    const pushes = this.#storeOnAll(holders, needed, this.#shipment(holders, hash, bytes));
    await countedQuorum(pushes.map(({ done }) => done), needed, holders.length)
      .finally(() => pushes.forEach(({ skip }) => skip()));
    // Those who are nearly there set the pace; who lags is left to repair, and not waited for again for a while.
    const open = new Set<MemberKey>(holders);
    const all = pushes.map(({ member, done }) =>
      done.catch(ignoreSilence).finally(() => open.delete(member))
    );
    await new Promise<void>((resolve, reject) => {
      const cancel = timers.after(LIMITS.blockLagMs, () => {
        for (const member of open) peers.suspect(member);
        resolve();
      });
      Promise.all(all).then(() => resolve(), reject).finally(cancel);
    });
  }

  /** The block, from this disk or another's. Throws ServiceUnavailable when no node that can be reached has it. */
  async fetch({ hash }: BlockRef): Promise<Uint8Array<ArrayBuffer>> {
    const held = await this.#options.blocks.read(hash);
    if (held !== undefined) return held;
    const fetching = this.#fetching.get(hash) ??
      this.#fetchFromPeers(hash).finally(() => this.#fetching.delete(hash));
    this.#fetching.set(hash, fetching);
    return await fetching;
  }

  /** Fetches a block that this node should hold and puts it on disk; false when nobody has it. */
  async heal(block: BlockRef): Promise<boolean> {
    try {
      const bytes = await this.fetch(block);
      await this.#options.blocks.write(block.hash, bytes);
      return true;
    } catch (error) {
      if (error instanceof S3Error && error.code === "ServiceUnavailable") return false;
      throw error;
    }
  }

  /**
   * Makes sure that enough nodes still have the blocks, and keep them for a lease from now on. Gives those that they don't, or
   * don't say in time.
   */
  async renew(hashes: readonly string[]): Promise<string[]> {
    const { membership, rules, terms } = this.#options;
    const byMember = new Map<MemberKey, string[]>();
    /** How many nodes must still say that they have the block. */
    const needed = new Map<string, number>();
    for (const hash of hashes) {
      const holders = membership.holders(placeOfBlock(hash));
      needed.set(hash, rules.writesNeeded(terms, holders.length));
      for (const member of holders) {
        const list = byMember.get(member) ?? [];
        list.push(hash);
        byMember.set(member, list);
      }
    }
    const countDown = (hash: string) => {
      const left = (needed.get(hash) ?? 0) - 1;
      if (left > 0) needed.set(hash, left);
      else needed.delete(hash);
    };
    return await new Promise((resolve, reject) => {
      let open = byMember.size;
      const judge = () => {
        if (needed.size === 0 || open === 0) resolve(Array.from(needed.keys()));
      };
      for (const [member, list] of byMember) {
        this.#renewAllOn(member, list, countDown).catch(ignoreSilence).catch(reject).finally(() => {
          open--;
          judge();
        });
      }
      judge();
    });
  }

  /** Which of the blocks the member lacks, as far as it knows without reading them. Throws PeerError. */
  async missingOn(member: MemberKey, hashes: readonly string[]): Promise<string[]> {
    return await this.#renewOn(member, hashes);
  }

  /** Puts a block on another's disk; `hash` must be that of the bytes. Throws PeerError. */
  async give(member: MemberKey, hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#push(member, { hash, bytes, put: putMessage(hash, bytes), isNew: false });
  }

  /** Answers `block.offer`: whether the block is here, undamaged, and kept for a lease. */
  async answerOffer(data: JsonObject): Promise<JsonObject> {
    const hash = decodeHash(data["hash"]);
    const { leases, blocks } = this.#options;
    leases.renew(hash);
    return { isHeld: !leases.isLeaving(hash) && await blocks.verify(hash) };
  }

  /** Answers `block.put`. */
  async answerPut({ data, body, bodyHash }: Reply): Promise<void> {
    const hash = decodeHash(data["hash"]);
    if (body === undefined || body.length === 0 || body.length > LIMITS.blockBytesMax) {
      throw new PeerFault("malformed", "a block has a size that no block has");
    }
    try {
      await this.#keep(hash, body, bodyHash === hash);
    } catch (cause) {
      // The store's word for bytes of another hash.
      if (cause instanceof TypeError) throw malformed("a block of its hash");
      throw cause;
    }
  }

  /** Answers `block.renew`. */
  answerRenew(data: JsonObject): JsonObject {
    const { blocks, leases } = this.#options;
    const hashes = decodeHashes(data["hashes"], LIMITS.hashesPerMessageMax);
    for (const hash of hashes) leases.renew(hash);
    return { missing: hashes.filter((hash) => !blocks.has(hash) || leases.isLeaving(hash)) };
  }

  /** Answers `block.get`. Throws PeerFault "noBlock". */
  async answerGet(data: JsonObject): Promise<Reply> {
    const bytes = await this.#options.blocks.read(decodeHash(data["hash"]));
    if (bytes === undefined) throw new PeerFault("noBlock", "the block isn't here");
    this.#options.counters.add("blocks_sent");
    return { data: {}, body: bytes };
  }

  /**
   * Pushes to all that aren't busy. Those that are get it too when there are too few others, when one of the others fails, or when
   * these take long; until then `skip` has them left out.
   */
  #storeOnAll(
    holders: readonly MemberKey[],
    needed: number,
    shipment: Shipment,
  ): Push[] {
    const eager = holders.filter((member) => !this.#isBusy(member));
    const late = holders.filter((member) => this.#isBusy(member));
    const { promise, resolve } = Promise.withResolvers<"push" | "skip">();
    const cancel = this.#options.timers.after(LIMITS.blockLagMs, () => resolve("push"));
    const start = (order: "push" | "skip") => {
      cancel();
      resolve(order);
    };
    const skip = () => start("skip");
    if (eager.length < needed) start("push");
    const pushes = eager.map((member) => {
      const done = this.#storeOn(member, shipment);
      done.catch(() => start("push"));
      return { member, done, skip };
    });
    const spares = late.map((member) => {
      const done = promise.then((order) => {
        if (order === "push") return this.#storeOn(member, shipment);
        throw new PeerError("unreachable", "it is busy, and not needed");
      });
      return { member, done, skip };
    });
    return [...pushes, ...spares];
  }

  #isBusy(member: MemberKey): boolean {
    return this.#options.peers.isSuspect(member) ||
      (this.#pushing.get(member) ?? 0) >= LIMITS.blockPushesAtOnce;
  }

  async #storeOn(member: MemberKey, shipment: Shipment): Promise<void> {
    const { hash, bytes } = shipment;
    if (member === this.#options.membership.self) await this.#keep(hash, bytes, true);
    else await this.#push(member, shipment);
  }

  /** Nodes that hold the same block mostly all have it, or none: this one needn't ask for what it would hold and doesn't. */
  #shipment(
    holders: readonly MemberKey[],
    hash: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Shipment {
    const { membership, blocks } = this.#options;
    const isNew = holders.includes(membership.self) && !blocks.has(hash);
    return { hash, bytes, put: putMessage(hash, bytes), isNew };
  }

  async #keep(hash: string, bytes: Uint8Array<ArrayBuffer>, isChecked: boolean): Promise<void> {
    const { leases, blocks, dht, counters } = this.#options;
    leases.renew(hash);
    await blocks.write(hash, bytes, isChecked);
    leases.renew(hash);
    dht.announce([placeOfBlock(hash)]);
    counters.add("blocks_stored");
  }

  /** Asks first, unless the block seems to be new: one that is there already isn't sent. */
  async #push(member: MemberKey, { hash, put, isNew }: Shipment): Promise<void> {
    const { peers, counters } = this.#options;
    this.#pushing.set(member, (this.#pushing.get(member) ?? 0) + 1);
    try {
      if (!isNew && await this.#isHeldBy(member, hash)) {
        counters.add("blocks_deduplicated");
        return;
      }
      await peers.call(member, put, LIMITS.blockCallMs);
      counters.add("blocks_pushed");
    } finally {
      this.#pushing.set(member, (this.#pushing.get(member) ?? 1) - 1);
    }
  }

  async #isHeldBy(member: MemberKey, hash: string): Promise<boolean> {
    const offer = { kind: "block.offer", data: { hash } };
    const { data } = await this.#options.peers.call(member, offer, LIMITS.blockCallMs);
    return data["isHeld"] === true;
  }

  async #renewAllOn(
    member: MemberKey,
    hashes: readonly string[],
    isHeld: (hash: string) => void,
  ): Promise<void> {
    for (let start = 0; start < hashes.length; start += LIMITS.hashesPerMessageMax) {
      const part = hashes.slice(start, start + LIMITS.hashesPerMessageMax);
      const missing = new Set(await this.#renewOn(member, part));
      for (const hash of part) if (!missing.has(hash)) isHeld(hash);
    }
  }

  async #renewOn(member: MemberKey, hashes: readonly string[]): Promise<string[]> {
    const { membership, peers } = this.#options;
    const order = { hashes: [...hashes] };
    const answer = member === membership.self ? this.answerRenew(order) : (await peers.call(
      member,
      { kind: "block.renew", data: order },
      LIMITS.writeCallMs,
    )).data;
    return decodeHashes(answer["missing"], hashes.length);
  }

  async #fetchFromPeers(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const asked = new Set<MemberKey>();
    const bytes = await this.#firstOf(this.#candidates(hash), hash, asked) ??
      await this.#firstOf(await this.#providers(hash), hash, asked);
    if (bytes === undefined) {
      throw unavailable("Reading a block of the object", 0, asked.size, 1);
    }
    this.#options.run("keeping a block that was fetched", () => this.#keepIfOwn(hash, bytes));
    return bytes;
  }

  /** Those that should have it first, then all others; the silent last. */
  #candidates(hash: string): MemberKey[] {
    const { membership, peers } = this.#options;
    const holders = membership.holders(placeOfBlock(hash));
    const all = [...holders, ...membership.others().filter((member) => !holders.includes(member))]
      .filter((member) => member !== membership.self);
    return [
      ...all.filter((member) => !peers.isSuspect(member)),
      ...all.filter((member) => peers.isSuspect(member)),
    ];
  }

  async #providers(hash: string): Promise<MemberKey[]> {
    const { dht, membership } = this.#options;
    const contacts = await dht.findProviders(placeOfBlock(hash), LIMITS.providersAsked);
    const members = membership.others();
    return contacts.flatMap(({ id }) => members.filter((member) => nodeOf(member) === id));
  }

  /** Asks one after the other, and the next already when one takes long. */
  #firstOf(
    members: readonly MemberKey[],
    hash: string,
    asked: Set<MemberKey>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { timers } = this.#options;
    const waiting = members.filter((member) => !asked.has(member));
    return new Promise((resolve) => {
      let open = 0;
      let cancel = () => {};
      const askNext = () => {
        cancel();
        const member = waiting.shift();
        if (member === undefined) {
          if (open === 0) resolve(undefined);
          return;
        }
        asked.add(member);
        open++;
        cancel = timers.after(LIMITS.blockHedgeMs, askNext);
        this.#getFrom(member, hash).then((bytes) => {
          cancel();
          waiting.length = 0;
          resolve(bytes);
        }, () => {
          open--;
          askNext();
        });
      };
      askNext();
    });
  }

  async #getFrom(member: MemberKey, hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const { peers, counters } = this.#options;
    const message = { kind: "block.get", data: { hash } };
    const { body, bodyHash } = await peers.call(member, message, LIMITS.blockCallMs);
    if (body === undefined || (bodyHash ?? blake3Hex(body)) !== hash) {
      counters.add("blocks_refused");
      throw new PeerError("failed", "the block that it sent is damaged");
    }
    counters.add("blocks_fetched");
    return body;
  }

  async #keepIfOwn(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { membership } = this.#options;
    if (!membership.holders(placeOfBlock(hash)).includes(membership.self)) return;
    await this.#keep(hash, bytes, true);
  }
}

function putMessage(hash: string, body: Uint8Array<ArrayBuffer>): Message {
  return { kind: "block.put", data: { hash }, body, bodyHash: hash };
}

/** Resolves when `needed` of the promises have; rejects when that has become impossible. */
function countedQuorum(
  promises: readonly Promise<void>[],
  needed: number,
  asked: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    let open = promises.length;
    const faults: unknown[] = [];
    const judge = () => {
      if (done >= needed) return resolve();
      if (done + open >= needed) return;
      const own = faults.find((fault) => !(fault instanceof PeerError));
      reject(own ?? unavailable("The write", done, asked, needed));
    };
    for (const promise of promises) {
      promise.then(() => done++, (fault) => faults.push(fault)).finally(() => {
        open--;
        judge();
      });
    }
    judge();
  });
}
