/** Beacons on loopback: who is found, who isn't, and that no noise matters. */

import { assertEquals, assertMatch } from "@std/assert";
import { LIMITS } from "../../../src/limits.ts";
import { Beacon, type BeaconOptions, chooseInterfaces } from "../../../src/peer/beacon.ts";
import { findBeacon } from "../../../src/peer/beacon_packet.ts";
import { systemTimers, type Timers } from "../../../src/timers.ts";
import {
  freeUdpPort,
  GroupSocket,
  inventedPacket,
  LOOPBACK,
  signedPacket,
  TEST_GROUP,
} from "../../support/beacons.ts";
import { PATIENT_MS, PeerNode, testKey } from "../../support/peer_node.ts";

/** A beacon, what it found, and what it had to say. */
class Finder implements AsyncDisposable {
  readonly found: string[] = [];
  readonly faults: string[] = [];
  readonly #beacon: Beacon;
  #more = Promise.withResolvers<void>();

  constructor(
    node: Pick<PeerNode, "self">,
    port: number,
    options: Partial<BeaconOptions> = {},
  ) {
    this.#beacon = new Beacon({
      self: node.self,
      key: testKey(),
      timers: systemTimers,
      group: TEST_GROUP,
      port,
      interfaceAddress: LOOPBACK,
      found: (address) => this.#note(this.found, address),
      onFault: (what, cause) => this.#note(this.faults, `${what}: ${cause}`),
      ...options,
    });
    this.#beacon.start();
  }

  async until(isSo: (finder: this) => boolean): Promise<void> {
    while (!isSo(this)) await this.#more.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beacon[Symbol.asyncDispose]();
  }

  #note(list: string[], text: string): void {
    list.push(text);
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }
}

const BOOT_ID = "1".repeat(32);
const self = (name: string, port = 1) => ({ self: { id: name.repeat(40), bootId: BOOT_ID, port } });

Deno.test("three nodes find each other, and nobody with another secret", async () => {
  const port = freeUdpPort();
  await using stranger = new Finder(self("d"), port, { key: testKey("other") });
  await using a = new PeerNode({ name: "a" });
  await using b = new PeerNode({ name: "b" });
  await using c = new PeerNode({ name: "c" });
  const nodes = [a, b, c];
  await using inA = new Finder(a, port);
  await using inB = new Finder(b, port);
  await using inC = new Finder(c, port);
  for (const [at, finder] of [inA, inB, inC].entries()) {
    const others = nodes.filter((_, index) => index !== at).map(({ address }) => address);
    await finder.until(({ found }) => others.every((address) => found.includes(address)));
    assertEquals(new Set(finder.found), new Set(others));
  }
  assertEquals(stranger.found, []);
  assertEquals(await a.transport.identify(b.address, PATIENT_MS), b.contact);
});

Deno.test("a node doesn't find itself, but another process with its id", async () => {
  const port = freeUdpPort();
  await using group = await GroupSocket.open(port);
  await using finder = new Finder(self("a"), port);
  await group.heardCount(3);
  assertEquals(finder.found, []);
  await group.send(signedPacket(inventedPacket("a", 7)));
  await finder.until(({ found }) => found.length > 0);
  assertEquals(finder.found, ["127.0.0.1:7"]);
});

Deno.test("noise, forgeries and beacons sent again from elsewhere find nothing", async () => {
  const port = freeUdpPort();
  await using group = await GroupSocket.open(port);
  await using finder = new Finder(self("a"), port);
  await group.heardCount(1);
  const genuine = signedPacket(inventedPacket("b", 7));
  const text = new TextDecoder().decode(genuine);
  const noise = [
    new Uint8Array(),
    new Uint8Array(9000),
    signedPacket(inventedPacket("b", 8), "other secret"),
    new TextEncoder().encode(text.replace(" 7 ", " 9 ")),
    new TextEncoder().encode(`${text} x`),
    new TextEncoder().encode(text + "\0".repeat(LIMITS.beaconBytesMax)),
    genuine.slice(0, -1),
  ];
  for (const bytes of noise) await group.send(bytes);
  await group.send(genuine, "127.0.0.2");
  await group.send(signedPacket(inventedPacket("c", 10)));
  await finder.until(({ found }) => found.length > 0);
  assertEquals(finder.found, ["127.0.0.1:10"]);
});

Deno.test("a node is told of once in a while only, and at once when it was restarted", async () => {
  const port = freeUdpPort();
  await using group = await GroupSocket.open(port);
  await using finder = new Finder(self("a"), port);
  await group.heardCount(1);
  const packet = inventedPacket("b", 7);
  for (let count = 0; count < 5; count++) await group.send(signedPacket(packet));
  await group.send(signedPacket({ ...packet, bootId: "2".repeat(32) }));
  await group.send(signedPacket(inventedPacket("c", 8)));
  await finder.until(({ found }) => found.includes("127.0.0.1:8"));
  assertEquals(finder.found, ["127.0.0.1:7", "127.0.0.1:7", "127.0.0.1:8"]);
});

Deno.test("a new node is answered at once, and all those that come together by one beacon", async () => {
  const port = freeUdpPort();
  await using group = await GroupSocket.open(port);
  // The next beacon by itself never comes.
  const timers: Timers = {
    ...systemTimers,
    after: (ms, callback) =>
      ms < LIMITS.beaconAnswerMs ? systemTimers.after(ms, callback) : () => {},
  };
  const { self: ourselves } = self("a");
  await using finder = new Finder({ self: ourselves }, port, { timers });
  const isOurs = (bytes: Uint8Array) => findBeacon(testKey(), bytes, LOOPBACK)?.id === ourselves.id;
  const answers = () => group.heard.filter(isOurs).length;
  await group.heardCount(1);
  for (const number of [1, 2, 3, 4]) {
    await group.send(signedPacket(inventedPacket("b", number)));
  }
  while (answers() < 2) await group.heardCount(group.heard.length + 1);
  await group.send(signedPacket(inventedPacket("c", 5)));
  while (answers() < 3) await group.heardCount(group.heard.length + 1);
  assertEquals([answers(), finder.found.length], [3, 5]);
});

Deno.test("what is in the way is told once, and nothing breaks", async () => {
  let rounds = 0;
  const enough = Promise.withResolvers<void>();
  const timers: Timers = {
    ...systemTimers,
    after: (_ms, callback) => {
      if (++rounds === 5) enough.resolve();
      return systemTimers.after(0, callback);
    },
  };
  {
    await using finder = new Finder(self("a"), freeUdpPort(), {
      timers,
      interfaceAddress: "203.0.113.1",
    });
    await enough.promise;
    assertEquals(finder.faults.length, 1, finder.faults.join("\n"));
    assertMatch(finder.faults[0] ?? "", /^other nodes on the local network may not be found: /);
    assertEquals(finder.found, []);
  }
});

Deno.test("a port that another program has is tried again until it is free", async () => {
  const port = freeUdpPort();
  // Without `reuseAddress` nobody else gets it.
  const taken = Deno.listenDatagram({ transport: "udp", hostname: TEST_GROUP, port });
  await using finder = new Finder(self("a"), port, { intervalMs: 20 });
  await finder.until(({ faults }) => faults.length > 0);
  taken.close();
  await using other = new Finder(self("b", 7), port, { intervalMs: 20 });
  await finder.until(({ found }) => found.length > 0);
  assertEquals([finder.found, other.faults], [["127.0.0.1:7"], []]);
});

const INTERFACES = [
  { name: "lo", family: "IPv4", address: "127.0.0.1" },
  { name: "eth0", family: "IPv4", address: "10.0.0.1" },
  { name: "eth0", family: "IPv4", address: "10.0.0.2" },
  { name: "eth0", family: "IPv6", address: "fd00::1" },
  { name: "wlan0", family: "IPv4", address: "192.168.0.1" },
] as const;

Deno.test("beacons go out on each interface once, and on loopback when there is no other", () => {
  assertEquals(chooseInterfaces(INTERFACES), ["10.0.0.1", "192.168.0.1"]);
  assertEquals(chooseInterfaces(INTERFACES.slice(0, 1)), ["127.0.0.1"]);
  assertEquals(chooseInterfaces([]), []);
});
