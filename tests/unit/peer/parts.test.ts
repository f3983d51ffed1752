/** The parts of the peer protocol that need no network: keys, addresses, frames, configs. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LIMITS } from "../../../src/limits.ts";
import { isAddress, joinAddress } from "../../../src/peer/address.ts";
import { type ClusterSecret, deriveClusterKey } from "../../../src/peer/cluster_key.ts";
import { decodeFrame, encodeFrame } from "../../../src/peer/frame.ts";
import { checkConfig } from "../../../src/peer/hello.ts";
import { PeerFault } from "../../../src/peer/transport.ts";
import type { JsonObject } from "../../../src/storage/record.ts";
import { patternBytes } from "../../support/bytes.ts";

const SECRETS: readonly ClusterSecret[] = [
  { kind: "secret", secret: "a" },
  { kind: "secret", secret: "b" },
  { kind: "secret", secret: '["a","b"]' },
  { kind: "rootKeyPair", accessKeyId: "a", secretKey: "b" },
  { kind: "rootKeyPair", accessKeyId: "b", secretKey: "b" },
  { kind: "rootKeyPair", accessKeyId: "a", secretKey: "c" },
  { kind: "rootKeyPair", accessKeyId: 'a","b', secretKey: "b" },
];

Deno.test("a secret gives one key, and every other secret another", () => {
  const proofs = () => SECRETS.map((secret) => deriveClusterKey(secret).prove("hello", []));
  assertEquals(proofs(), proofs());
  assertEquals(new Set(proofs()).size, SECRETS.length);
});

Deno.test("a key that is printed tells nothing", () => {
  const key = deriveClusterKey({ kind: "secret", secret: "tell-tale" });
  assertEquals(Deno.inspect(key), "ProofKey {}");
  assertEquals(JSON.stringify(key), "{}");
});

Deno.test("an empty secret makes no cluster", () => {
  assertThrows(() => deriveClusterKey({ kind: "secret", secret: "" }), RangeError);
  const pair = { kind: "rootKeyPair", accessKeyId: "a", secretKey: "" } as const;
  assertThrows(() => deriveClusterKey(pair), RangeError);
});

Deno.test("a proof is good for its purpose and its facts only", () => {
  const key = deriveClusterKey({ kind: "secret", secret: "a" });
  const proof = key.prove("call", ["a", "bc"]);
  assert(key.isProof(proof, "call", ["a", "bc"]));
  for (const facts of [[], ["a"], ["ab", "c"], ["abc"], ["a", "bc", ""], ["bc", "a"]]) {
    assert(!key.isProof(proof, "call", facts), facts.join());
  }
  assert(!key.isProof(proof, "reply", ["a", "bc"]));
  assert(!key.isProof(proof.toUpperCase(), "call", ["a", "bc"]));
  assert(!key.isProof("", "call", ["a", "bc"]));
  assert(!key.isProof(`${proof}0`, "call", ["a", "bc"]));
});

const ADDRESSES = ["localhost:9000", "10.0.0.1:1", "a-b.example:65535", "node_1:80", "[::1]:9000"];
const NO_ADDRESSES = [
  ...[
    "",
    ":80",
    "a",
    "a:",
    "a:0",
    "a:00080",
    "a:65536",
    "a:1e3",
    "a:80 ",
    " a:80",
    "a:80\n",
    "a:80/",
  ],
  ...["http://a:80", "u@a:80", "u:p@a:80", "a:80?x", "a:80#x", "a/b:80", "a\\b:80", "a%2fb:80"],
  ...[
    "::1:80",
    "[::1]",
    "[::1:80",
    "[::g]:80",
    "[fe80::1%25eth0]:80",
    "1.2.3.4.5:80",
    "-a:80",
    "é:80",
  ],
  `${"a".repeat(254)}:80`,
];

Deno.test("an address is a host and a port", () => {
  for (const address of ADDRESSES) assert(isAddress(address), address);
  for (const address of NO_ADDRESSES) assert(!isAddress(address), address);
});

Deno.test("hosts become addresses: IPv6 in brackets, mapped IPv4 as it is", () => {
  assertEquals(joinAddress("10.0.0.1", 9000), "10.0.0.1:9000");
  assertEquals(joinAddress("fd00::2", 9000), "[fd00::2]:9000");
  assertEquals(joinAddress("::ffff:10.0.0.1", 9000), "10.0.0.1:9000");
});

Deno.test("a frame is read as it was written", () => {
  for (const json of [{}, { a: 1, b: ["é", null] }] satisfies JsonObject[]) {
    for (const body of [undefined, patternBytes(1), patternBytes(1000)]) {
      assertEquals(decodeFrame(encodeFrame(json, body)), { json, body });
    }
  }
});

Deno.test("a frame is read out of the middle of other bytes", () => {
  const frame = encodeFrame({ a: 1 }, patternBytes(3));
  const around = new Uint8Array(frame.length + 10);
  around.set(frame, 5);
  const read = decodeFrame(around.subarray(5, 5 + frame.length));
  assertEquals(read, { json: { a: 1 }, body: patternBytes(3) });
});

function frameOf(jsonBytes: number, rest: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + rest.length);
  new DataView(bytes.buffer).setUint32(0, jsonBytes);
  bytes.set(rest, 4);
  return bytes;
}

const NO_FRAMES: readonly { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }[] = [
  { name: "nothing", bytes: new Uint8Array() },
  { name: "half a length", bytes: new Uint8Array(3) },
  { name: "no JSON", bytes: new Uint8Array(4) },
  { name: "less JSON than it says", bytes: frameOf(3, new TextEncoder().encode("{}")) },
  { name: "the most that a length can say", bytes: frameOf(0xffff_ffff, new Uint8Array(8)) },
  { name: "JSON that isn't", bytes: frameOf(2, new TextEncoder().encode("{x")) },
  { name: "an array", bytes: frameOf(2, new TextEncoder().encode("[]")) },
  { name: "null", bytes: frameOf(4, new TextEncoder().encode("null")) },
  { name: "no UTF-8", bytes: frameOf(4, Uint8Array.of(0x7b, 0xff, 0x7d, 0x20)) },
  { name: "a byte order mark", bytes: frameOf(5, Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)) },
  {
    name: "too large a body",
    bytes: frameOf(
      2,
      new Uint8Array(LIMITS.peerBodyBytesMax + 3).fill(0x7b, 0, 1).fill(0x7d, 1, 2),
    ),
  },
  {
    name: "too much JSON",
    bytes: frameOf(
      LIMITS.peerJsonBytesMax + 1,
      new Uint8Array(LIMITS.peerJsonBytesMax + 1).fill(0x20).fill(0x7b, 0, 1).fill(0x7d, 1, 2),
    ),
  },
];

for (const { name, bytes } of NO_FRAMES) {
  Deno.test(`no frame: ${name}`, () => {
    const fault = assertThrows(() => decodeFrame(bytes), PeerFault);
    assertEquals(fault.code, "malformed");
  });
}

const CONFIGS: readonly {
  readonly ours: JsonObject;
  readonly theirs: JsonObject;
  message?: string;
}[] = [
  { ours: {}, theirs: {} },
  { ours: { a: 1, b: 2 }, theirs: { b: 2, a: 1 } },
  { ours: { a: 1 }, theirs: { a: 2 }, message: "a is 1 on this node and 2 on yours" },
  { ours: { a: 1 }, theirs: { a: "1" }, message: 'a is 1 on this node and "1" on yours' },
  { ours: { a: 1 }, theirs: {}, message: "a is 1 on this node and missing on yours" },
  { ours: {}, theirs: { a: null }, message: "a is missing on this node and null on yours" },
];

for (const { ours, theirs, message } of CONFIGS) {
  Deno.test(`configs ${JSON.stringify(ours)} and ${JSON.stringify(theirs)}`, () => {
    if (message === undefined) return checkConfig(ours, theirs);
    assertThrows(() => checkConfig(ours, theirs), PeerFault, message);
  });
}
