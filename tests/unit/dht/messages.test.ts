import { assertEquals, assertThrows } from "@std/assert";
import * as messages from "../../../src/dht/messages.ts";
import { LIMITS } from "../../../src/limits.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import type { Json, JsonObject } from "../../../src/storage/record.ts";
import { contactOf, idOf } from "./support.ts";

const CONTACTS = [contactOf(idOf("1")), { id: idOf("2"), address: "[fe80::1%eth0]:9000" }];
const ID = idOf("abc");
const PAIR = [ID, "a.test:1"];

function refuses(parse: () => unknown): void {
  const fault = assertThrows(parse, PeerFault);
  assertEquals(fault.code, "malformed");
}

Deno.test("what is said is what is understood", () => {
  assertEquals(messages.parseTarget(messages.findNodeMessage(ID).data), ID);
  assertEquals(messages.parseKey(messages.findProvidersMessage(ID).data), ID);
  assertEquals(messages.parseKeys(messages.announceMessage([ID, idOf("1")]).data), [ID, idOf("1")]);
  assertEquals(messages.parseNodes(messages.nodesReply(CONTACTS)), CONTACTS);
  const answer = { providers: CONTACTS, contacts: CONTACTS.slice(1) };
  assertEquals(messages.parseProviders(messages.providersReply(answer)), answer);
});

Deno.test("a list of contacts is taken as a whole or not at all", () => {
  const lists: (Json | undefined)[] = [
    undefined,
    null,
    {},
    "x",
    7,
    [null],
    [7],
    ["x"],
    [{ id: ID, address: "a.test:1" }],
    [[]],
    [[ID]],
    [[ID, "a.test:1", "more"]],
    [PAIR, [ID, 1]],
    [["A".repeat(40), "a.test:1"]],
    [[ID.slice(1), "a.test:1"]],
    [[[ID], "a.test:1"]],
    Array<Json>(LIMITS.dhtAnswerContactsMax + 1).fill(PAIR),
    Array<Json>(100_000).fill(null),
  ];
  for (const contacts of lists) {
    const data = (contacts === undefined ? {} : { contacts }) as JsonObject;
    refuses(() => messages.parseNodes({ data }));
    refuses(() => messages.parseProviders({ data: { ...data, providers: [] } }));
    refuses(() => messages.parseProviders({ data: { contacts: [], providers: contacts ?? null } }));
  }
});

Deno.test("addresses are a host and a port", () => {
  const addresses = [
    "",
    "a.test",
    "a.test:",
    ":9000",
    "a.test:0",
    "a.test:65536",
    "a.test:090",
    "a.test:9000/path",
    "http://a.test:9000",
    "user@a.test:9000",
    "a.test:9000\n",
    "a b:9000",
    "::1:9000",
    "[::1]",
    "[a.test:9000",
    `${"a".repeat(300)}:9000`,
  ];
  for (const address of addresses) {
    refuses(() => messages.parseNodes({ data: { contacts: [[ID, address]] } }));
  }
  const good = ["a.test:65535", "127.0.0.1:1", "[::1]:9000", "node_1-a:80"];
  const contacts = good.map((address) => ({ id: ID, address }));
  assertEquals(messages.parseNodes(messages.nodesReply(contacts)), contacts);
});

Deno.test("keys are a bounded list of ids", () => {
  const tooMany = Array<string>(LIMITS.dhtAnnouncedKeysMax + 1).fill(ID);
  for (const keys of [null, [], {}, ID, [ID, "x"], [ID, 1], [[ID]], tooMany]) {
    refuses(() => messages.parseKeys({ keys }));
  }
  refuses(() => messages.parseKeys({}));
  assertEquals(messages.parseKeys({ keys: tooMany.slice(1) }).length, LIMITS.dhtAnnouncedKeysMax);
});

Deno.test("a target is an id", () => {
  for (const value of [null, 1, "", "x", ID.toUpperCase(), [ID]]) {
    refuses(() => messages.parseTarget({ target: value }));
    refuses(() => messages.parseKey({ key: value }));
  }
  refuses(() => messages.parseTarget({}));
});
