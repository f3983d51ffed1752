/**
 * What two nodes say before they talk. The caller tells who it is; the receiver answers who it is, and gives a token for calls.
 * Neither changes anything by that: a recorded hello may be sent again by anybody, and must not matter.
 */

import type { Random } from "../clock.ts";
import type { Json, JsonObject } from "../storage/record.ts";
import { isAddress } from "./address.ts";
import { type Contact, type NodeId, PeerFault } from "./transport.ts";

/** This node. */
export interface SelfNode {
  readonly id: NodeId;
  /** Of this process, by `createBootId`: two live ones with the same id differ in it. */
  readonly bootId: string;
  /** The address to be called at, `host:port`; else the one that callers come from, with `port`. */
  readonly advertise?: string | undefined;
  /** Where this node listens. Read at each hello, so it may become known late. */
  readonly port: number;
}

/** What a caller says of itself, in a hello that it proved; it may be a recorded one. */
export interface Caller {
  readonly contact: Contact;
  readonly bootId: string;
  readonly config: JsonObject;
}

export interface Hello {
  readonly id: NodeId;
  readonly bootId: string;
  /** Makes this hello, and so the answer, the only one of its kind. */
  readonly nonce: string;
  readonly advertise: string | null;
  readonly port: number;
  readonly config: JsonObject;
}

export interface Welcome {
  readonly id: NodeId;
  readonly bootId: string;
  readonly token: string;
  /** How long the token is good for, on the receiver's clock. */
  readonly tokenMs: number;
  /** The address at which the receiver would call the caller. */
  readonly seenAs: string;
}

const BOOT_ID_BYTES = 16;
const NONCE_BYTES = 16;
const NODE_ID = /^[0-9a-f]{40}$/;
const BOOT_ID = /^[0-9a-f]{32}$/;
const TOKEN = /^[\w.-]{1,1024}$/;

export function createBootId(random: Random): string {
  return random.bytes(BOOT_ID_BYTES).toHex();
}

/** Throws a RangeError for what no receiver would take: see to it at the start. */
export function createHello(self: SelfNode, config: JsonObject, random: Random): Hello {
  const { id, bootId, port, advertise = null } = self;
  const hello = { id, bootId, nonce: random.bytes(NONCE_BYTES).toHex(), advertise, port, config };
  if (!isHello(hello)) throw new RangeError("this node's id, boot id, address or port is wrong");
  return hello;
}

/** Throws PeerFault "malformed". */
export function parseHello(value: JsonObject): Hello {
  if (isHello(value)) return value;
  throw new PeerFault("malformed", "the hello can't be read");
}

export function isWelcome(value: JsonObject): value is JsonObject & Welcome {
  const { id, bootId, token, tokenMs, seenAs } = value;
  return isMatch(id, NODE_ID) && isMatch(bootId, BOOT_ID) && isMatch(token, TOKEN) &&
    typeof tokenMs === "number" && typeof seenAs === "string" && isAddress(seenAs);
}

export function isNodeId(value: unknown): value is NodeId {
  return isMatch(value, NODE_ID);
}

export function isBootId(value: unknown): value is string {
  return isMatch(value, BOOT_ID);
}

/** Throws PeerFault "config" naming a field in which the two differ: nodes that count quorums differently must not mix. */
export function checkConfig(ours: JsonObject, theirs: JsonObject): void {
  for (const field of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [here, there] = [show(ours[field]), show(theirs[field])];
    if (here === there) continue;
    throw new PeerFault("config", `${field} is ${here} on this node and ${there} on yours`);
  }
}

function isHello(value: { readonly [name: string]: unknown }): value is JsonObject & Hello {
  const { id, bootId, nonce, advertise, port, config } = value;
  return isNodeId(id) && isBootId(bootId) && isMatch(nonce, BOOT_ID) && isPort(port) &&
    (advertise === null || typeof advertise === "string" && isAddress(advertise)) &&
    typeof config === "object" && config !== null && !Array.isArray(config);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
}

function isMatch(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function show(value: Json | undefined): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
