/** What nodes of the table say to each other: made here, and read strictly, because a peer may say anything. */

import { LIMITS } from "../limits.ts";
import { type Contact, type Message, PeerFault, type Reply } from "../peer/transport.ts";
import type { Json, JsonObject } from "../storage/record.ts";
import type { DhtKey } from "./dht.ts";
import { isId } from "./distance.ts";

export const PING: Message = { kind: "dht.ping", data: {} };

export function findNodeMessage(target: DhtKey): Message {
  return { kind: "dht.findNode", data: { target } };
}

export function findProvidersMessage(key: DhtKey): Message {
  return { kind: "dht.findProviders", data: { key } };
}

/** That the caller provides the content under each key: nobody can be announced but by himself. */
export function announceMessage(keys: readonly DhtKey[]): Message {
  return { kind: "dht.announce", data: { keys } };
}

export interface ProvidersAnswer {
  readonly providers: readonly Contact[];
  /** Nodes nearer to the key. */
  readonly contacts: readonly Contact[];
}

export function nodesReply(contacts: readonly Contact[]): Reply {
  return { data: { contacts: contacts.map(pairOf) } };
}

export function providersReply({ providers, contacts }: ProvidersAnswer): Reply {
  return { data: { providers: providers.map(pairOf), contacts: contacts.map(pairOf) } };
}

/** Throws a PeerFault "malformed", as all of these parsers. */
export function parseTarget(data: JsonObject): DhtKey {
  return parseId(data["target"]);
}

export function parseKey(data: JsonObject): DhtKey {
  return parseId(data["key"]);
}

/** 1 to LIMITS.dhtAnnouncedKeysMax keys. */
export function parseKeys(data: JsonObject): readonly DhtKey[] {
  const keys = parseList(data["keys"], LIMITS.dhtAnnouncedKeysMax);
  if (keys.length === 0) throw malformed("no keys");
  return keys.map(parseId);
}

/** Contacts of nobody proven: they may be called, which proves them, and not be believed. */
export function parseNodes(reply: Reply): readonly Contact[] {
  return parseContacts(reply.data["contacts"]);
}

export function parseProviders(reply: Reply): ProvidersAnswer {
  return {
    providers: parseContacts(reply.data["providers"]),
    contacts: parseContacts(reply.data["contacts"]),
  };
}

function pairOf({ id, address }: Contact): Json {
  return [id, address];
}

function parseContacts(value: Json | undefined): readonly Contact[] {
  return parseList(value, LIMITS.dhtAnswerContactsMax).map((element) => {
    const [id, address] = parseList(element, 2);
    if (!isAddress(address)) throw malformed("not a contact");
    return { id: parseId(id), address };
  });
}

function parseList(value: Json | undefined, lengthMax: number): readonly Json[] {
  if (!isList(value)) throw malformed("not a list");
  if (value.length > lengthMax) throw malformed(`more than ${lengthMax} in a list`);
  return value;
}

function parseId(value: Json | undefined): DhtKey {
  if (!isId(value)) throw malformed("not an id");
  return value;
}

/** Array.isArray doesn't tell TypeScript about read-only arrays. */
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

const ADDRESS = /^(?:[0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._-]+)?\]):[1-9][0-9]{0,4}$/;

/** `host:port` or `[v6]:port`. */
function isAddress(value: Json | undefined): value is string {
  if (typeof value !== "string" || value.length > LIMITS.dhtAddressCharsMax) return false;
  return ADDRESS.test(value) && Number(value.slice(value.lastIndexOf(":") + 1)) <= 65_535;
}

function malformed(what: string): PeerFault {
  return new PeerFault("malformed", `A message of the hash table is malformed: ${what}.`);
}
