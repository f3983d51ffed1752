/** Strangers and madmen at a node's peer port: raw bytes, much of them or few of them, and none of it may matter. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, FRAME_BYTES_MAX } from "../../src/peer/frame.ts";
import { CALL_PATH, HELLO_PATH } from "../../src/peer/paths.ts";
import { seal, SEAL_HEADER } from "../../src/peer/seal.ts";
import type { JsonObject } from "../../src/storage/record.ts";
import { PATIENT_MS, PeerNode, testKey, TestTimers } from "../support/peer_node.ts";
import { exchange } from "../support/raw_http.ts";
import { type SeededRandom, withSeed } from "../support/seed.ts";

const SHA256 = "0".repeat(64);
const PATHS = [HELLO_PATH, CALL_PATH];
const HURRY = 1000;

/** A head that the key proves, whatever it says of the body. */
function headOf(
  path: string,
  words: readonly string[],
  bodyBytes: number,
  sha256 = SHA256,
): string {
  const purpose = path === HELLO_PATH ? "hello" : "call";
  const all = [...words, String(bodyBytes), sha256];
  return [...all, testKey().prove(purpose, [path, ...all])].join(" ");
}

function rawPost(path: string, head: string, bodyBytes: number, body = ""): string {
  return [
    `POST ${path} HTTP/1.1`,
    "Host: b",
    `${SEAL_HEADER}: ${head}`,
    `Content-Length: ${bodyBytes}`,
    "",
    body,
  ].join("\r\n");
}

const HELLO = {
  id: "a".repeat(40),
  bootId: "1".repeat(32),
  nonce: "2".repeat(32),
  advertise: null,
  port: 1,
  config: {},
};

/** A token that the node gave, by a hello written by hand. */
async function askToken(node: PeerNode): Promise<string> {
  const body = new TextEncoder().encode(JSON.stringify(HELLO));
  const { text } = seal(testKey(), "hello", [HELLO_PATH], [], body);
  const response = await post(node, HELLO_PATH, text, body);
  return (await response.json()).token;
}

function post(
  node: PeerNode,
  path: string,
  head: string | null,
  body: BodyInit | null,
): Promise<Response> {
  const headers = head === null ? {} : { [SEAL_HEADER]: head };
  return fetch(`http://${node.address}${path}`, { method: "POST", headers, body });
}

for (const path of PATHS) {
  Deno.test(`a stranger's body isn't waited for at ${path}`, async () => {
    await using node = new PeerNode({ name: "b" });
    const url = `http://${node.address}`;
    for (const head of ["", "junk", `0 ${SHA256} ${SHA256}`, "x".repeat(5000)]) {
      const request = rawPost(path, head, 1_000_000_000, "some of it");
      assertMatch(await exchange({ url }, request, /^HTTP/), /^HTTP\/1\.1 403 /);
    }
    assertEquals([node.received.length, node.faults.length], [0, 0]);
  });

  Deno.test(`a proven head of more than the limit has its body refused at ${path}`, async () => {
    await using node = new PeerNode({ name: "b" });
    const url = `http://${node.address}`;
    const words = path === HELLO_PATH ? [] : [node.self.id, await askToken(node), "1"];
    const bodyBytes = (path === HELLO_PATH ? LIMITS.peerHelloBytesMax : FRAME_BYTES_MAX) + 1;
    const request = rawPost(path, headOf(path, words, bodyBytes), bodyBytes);
    assertMatch(await exchange({ url }, request, /^HTTP/), /^HTTP\/1\.1 (403|200) /);
    assertEquals(node.received.length, 0);
  });

  Deno.test(`a sender that stops in the middle is given up at ${path}`, async () => {
    await using node = new PeerNode({ name: "b", timers: new TestTimers(HURRY) });
    const url = `http://${node.address}`;
    const words = path === HELLO_PATH ? [] : [node.self.id, await askToken(node), "1"];
    for (const bodyBytes of [100, LIMITS.peerReadWholeBytesMax + 1]) {
      if (path === HELLO_PATH && bodyBytes > LIMITS.peerHelloBytesMax) continue;
      words.splice(2, 1, ...words.slice(2).map((counter) => String(Number(counter) + 1)));
      const request = rawPost(path, headOf(path, words, bodyBytes), bodyBytes, "half of it");
      const answer = await exchange({ url }, request, /\r\n\r\n/);
      assertMatch(answer, /^HTTP\/1\.1 (408|200) /);
      assert(!answer.includes("done"));
    }
    assertEquals([node.received.length, node.faults.length], [0, 0]);
  });

  Deno.test(`a sender that goes away in the middle leaves nothing at ${path}`, async () => {
    await using node = new PeerNode({ name: "b" });
    const words = path === HELLO_PATH ? [] : [node.self.id, await askToken(node), "1"];
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: node.port });
    const request = rawPost(path, headOf(path, words, 3000), 3000, "half of it");
    await connection.write(new TextEncoder().encode(request));
    connection.close();
    await using a = new PeerNode({ name: "a" });
    assertEquals(await a.transport.identify(node.address, PATIENT_MS), node.contact);
    assertEquals([node.received.length, node.faults.length], [0, 0]);
  });

  for (const method of ["GET", "PUT", "DELETE", "OPTIONS"]) {
    Deno.test(`${method} is nothing for ${path}`, async () => {
      await using node = new PeerNode({ name: "b" });
      const response = await fetch(`http://${node.address}${path}`, { method });
      assertEquals([response.status, await response.text()], [405, ""]);
    });
  }
}

Deno.test("those who announce much and send nothing keep nobody out who says little, and others not for long", async () => {
  await using node = new PeerNode({ name: "b", timers: new TestTimers(HURRY) });
  await using a = new PeerNode({ name: "a" });
  const token = await askToken(node);
  const url = `http://${node.address}`;
  const count = Math.ceil(LIMITS.peerReceivedBytesAtOnceMax / FRAME_BYTES_MAX) + 2;
  const greedy = Array.from({ length: count }, (_, at) => {
    const head = headOf(CALL_PATH, [node.self.id, token, String(at + 1)], FRAME_BYTES_MAX);
    return exchange({ url }, rawPost(CALL_PATH, head, FRAME_BYTES_MAX), /^HTTP/);
  });
  const message = { kind: "test.honest", data: { a: 1 } };
  assertEquals(await a.transport.call(node.contact, message, PATIENT_MS), { data: { a: 1 } });
  for (const answer of await Promise.all(greedy)) assertMatch(answer, /^HTTP\/1\.1 200 /);
  const large = { ...message, body: new Uint8Array(LIMITS.peerReadWholeBytesMax) };
  assertEquals((await a.transport.call(node.contact, large, PATIENT_MS)).body, large.body);
  assertEquals(node.received.length, 2);
});

const WRONG_FIELDS: readonly JsonObject[] = [
  ...["", "a", "g".repeat(40), "A".repeat(40), "a".repeat(41), 1].map((id) => ({ id })),
  ...["", "1", 1].map((bootId) => ({ bootId })),
  ...["", null].map((nonce) => ({ nonce })),
  ...["", "a", "a:80/x", "u@a:80", 1, {}].map((advertise) => ({ advertise })),
  ...[0, -1, 65_536, 1.5, "80", null].map((port) => ({ port })),
  ...[null, [], "x"].map((config) => ({ config })),
];

Deno.test("what a holder of the key sends amiss is refused, and no fault of the node", async () => {
  await using node = new PeerNode({ name: "b" });
  const token = await askToken(node);
  const text = (value: string) => new TextEncoder().encode(value);
  const bodies = {
    "no frame": text("junk"),
    "no kind": encodeFrame({ data: {} }),
    "no data": encodeFrame({ kind: "test" }),
    "a kind that is no text": encodeFrame({ kind: 1, data: {} }),
    "data that is an array": encodeFrame({ kind: "test", data: [] }),
  };
  let counter = 0;
  for (const [name, body] of Object.entries(bodies)) {
    const words = [node.self.id, token, String(++counter)];
    const response = await post(
      node,
      CALL_PATH,
      seal(testKey(), "call", [CALL_PATH], words, body).text,
      body,
    );
    const answer = await response.text();
    assert(answer.includes('"code":"malformed"'), `${name}: ${answer}`);
  }
  const hellos = [
    ...["", "[]", "{}", "null", "{"],
    ...WRONG_FIELDS.map((field) => JSON.stringify({ ...HELLO, ...field })),
  ];
  for (const hello of hellos) {
    const body = text(hello);
    const response = await post(
      node,
      HELLO_PATH,
      seal(testKey(), "hello", [HELLO_PATH], [], body).text,
      body,
    );
    assertEquals((await response.json()).code, "malformed", hello);
  }
  for (const wrong of ["0", "-1", "x", "1.5", "1e400", ""]) {
    const body = encodeFrame({ kind: "test", data: {} });
    const words = [node.self.id, token, wrong];
    const response = await post(
      node,
      CALL_PATH,
      seal(testKey(), "call", [CALL_PATH], words, body).text,
      body,
    );
    assert((await response.text()).includes('"outcome":"replayed"'), wrong);
  }
  assertEquals([node.received.length, node.faults.length], [0, 0]);
});

Deno.test("junk at both paths is refused, delivers nothing and is no fault", async () => {
  await withSeed(import.meta.url, async (random) => {
    await using node = new PeerNode({ name: "b" });
    for (let count = 0; count < 300; count++) {
      const path = random.pick(PATHS);
      const response = await post(node, path, junkHead(random), random.bytes(random.below(200)));
      assertEquals([response.status, await response.text()], [403, ""]);
    }
    const { endpoint: { sessionCount }, received, faults } = node;
    assertEquals([sessionCount, received.length, faults.length], [0, 0, 0]);
  });
});

const JUNK_WORDS = [
  "b".repeat(40),
  "1",
  "0",
  "-1",
  "1e9",
  "99999999999999999999",
  SHA256,
  "é",
  "\t",
  "",
];

function junkHead(random: SeededRandom): string | null {
  if (random.oneIn(10)) return null;
  const words = Array.from({ length: random.below(9) }, () => random.pick(JUNK_WORDS));
  const blank = random.oneIn(8) ? "  " : " ";
  return words.join(blank).replaceAll("é", "\u00e9");
}
