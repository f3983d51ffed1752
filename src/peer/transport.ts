/**
 * The seam between nodes: a message to one peer, and its answer. Knows what a message is made of, not what it means.
 *
 * Contract of every implementation:
 * - MUST deliver a call only to a peer that has proved that it holds the cluster's secret, and is the node that was meant.
 * - MUST NOT deliver one call twice (a network that repeats or replays packets is its own matter to solve), nor a reply that
 *   isn't this call's.
 * - MAY deliver a call whose caller learns only of a failure: handlers must bear being asked again.
 * - MUST reject with a PeerError in at most `timeoutMs`.
 */

import type { JsonObject } from "../storage/record.ts";

/** 40 hex digits. */
export type NodeId = string;

/** A node, and where it can be reached. */
export interface Contact {
  readonly id: NodeId;
  /** `host:port`, or `[v6]:port`. */
  readonly address: string;
}

export interface Message {
  /** `area.verb`, e.g. `record.write`, `dht.findNode`. */
  readonly kind: string;
  readonly data: JsonObject;
  /** Bytes that aren't JSON: a block. Empty ones may arrive as none. */
  readonly body?: Uint8Array<ArrayBuffer>;
  /** The body's BLAKE3 hash in hex, if it is known: it must be right. Of what came in it is, if it is given. */
  readonly bodyHash?: string | undefined;
}

export type Reply = Omit<Message, "kind">;

/** Answers a message of a proven peer. What it throws the caller gets as PeerError "failed", with the message if it is a PeerFault. */
export type MessageHandler = (from: Contact, message: Message) => Promise<Reply>;

export type PeerErrorReason =
  /** No connection, or it broke: the call may or may not have been carried out. */
  | "unreachable"
  /** No answer in time: the call may or may not have been carried out. */
  | "timeout"
  /** Somebody answers there who doesn't prove the cluster's secret, or to whom we couldn't. */
  | "stranger"
  /** Another node of the cluster answers there. */
  | "otherNode"
  /** The peer answered that it couldn't. */
  | "failed"
  /** The peer answered with a `PeerFault`: `code` says which. */
  | "refused";

export class PeerError extends Error {
  constructor(
    readonly reason: PeerErrorReason,
    message: string,
    /** Of a refusal. */
    readonly code?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "PeerError";
  }
}

/** What a handler throws to refuse: the caller gets it as PeerError "refused". */
export class PeerFault extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
    this.name = "PeerFault";
  }
}

export interface Transport {
  /** Who answers at an address: by proof of the secret. Throws PeerError. */
  identify(address: string, timeoutMs: number): Promise<Contact>;
  call(to: Contact, message: Message, timeoutMs: number): Promise<Reply>;
}
