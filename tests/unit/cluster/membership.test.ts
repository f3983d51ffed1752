/** The view of one node: what it takes in and tells, whom it gives up, and whom it asks and counts. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Membership } from "../../../src/cluster/membership.ts";
import { Counters } from "../../../src/cluster/counters.ts";
import { Peers } from "../../../src/cluster/peers.ts";
import { CLUSTER_RULES } from "../../../src/cluster/rules.ts";
import { memberKey, STAGE, type Stage } from "../../../src/cluster/stages.ts";
import { LIMITS } from "../../../src/limits.ts";
import { PeerError, PeerFault, type Reply } from "../../../src/peer/transport.ts";
import type { Json, JsonObject } from "../../../src/storage/record.ts";
import { EventLoop } from "../../sim/event_loop.ts";
import { VirtualTimers } from "../../sim/virtual_time.ts";
import { withSeed } from "../../support/seed.ts";
import { contactOf, keyOf, TERMS } from "./bench.ts";

const GONE_MS = 60_000;

class Disk {
  readonly values = new Map<string, string>();
  /** Writes wait for it. */
  gate: Promise<void> = Promise.resolve();

  getValue(name: string): Json | undefined {
    const text = this.values.get(name);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async setValue(name: string, value: Json): Promise<void> {
    const text = JSON.stringify(value);
    await this.gate;
    this.values.set(name, text);
  }
}

class World {
  readonly loop = new EventLoop();
  readonly timers = new VirtualTimers(this.loop);
  readonly disk = new Disk();

  open(terms = TERMS): Membership {
    return new Membership({
      self: contactOf(0),
      values: this.disk,
      timers: this.timers,
      terms,
      rules: CLUSTER_RULES,
      goneAfterMs: GONE_MS,
    });
  }

  /** A node that holds these members at these stages, itself the first. */
  with(stages: readonly Stage[], terms = TERMS): Membership {
    const members = Object.fromEntries(stages.map((stage, index) => [keyOf(index), stage]));
    this.disk.values.set(
      "cluster.view",
      JSON.stringify({ self: keyOf(0), stages: members, addresses: addresses(stages.length) }),
    );
    return this.open(terms);
  }
}

function addresses(count: number): JsonObject {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [contactOf(index).id, contactOf(index).address]),
  );
}

function viewOf(index: number, stages: JsonObject, more: JsonObject = {}): JsonObject {
  return { as: keyOf(index), stages, addresses: {}, ...more };
}

Deno.test("membership: a refusal that was meant for the former member doesn't make it leave again", async () => {
  const membership = new World().with([STAGE.settled, STAGE.settled]);
  const answer = Promise.withResolvers<Reply>();
  const peers = new Peers({
    transport: {
      identify: () => Promise.reject(new PeerError("unreachable", "")),
      call: () => answer.promise,
    },
    membership,
    timers: new World().timers,
    counters: new Counters(),
    onOutcome: () => {},
  });
  const calling = peers.call(keyOf(1), { kind: "record.write", data: {} }, 1);
  membership.expelled(keyOf(0));
  assert(membership.isExpelled);
  await membership.rejoin();
  answer.reject(new PeerError("refused", "it was given up", "expelled"));
  await assertRejects(() => calling, PeerError);
  assert(!membership.isExpelled);
});

Deno.test("membership: a view that tells the former member of its end doesn't make it leave again", async () => {
  const other = new World().with([STAGE.settled, STAGE.settled]);
  await other.take(
    contactOf(1),
    viewOf(1, { [keyOf(0)]: STAGE.leaving, [keyOf(1)]: STAGE.settled }),
  );
  // As it goes over the wire: the other node's answer to the former member, which comes late.
  const late = { ...other.view(keyOf(0)), as: keyOf(1) };
  const membership = new World().with([STAGE.settled, STAGE.settled]);
  await membership.take(contactOf(1), late);
  assert(membership.isExpelled);
  await membership.rejoin();
  await membership.take(contactOf(1), late);
  assert(!membership.isExpelled);
});

Deno.test("membership: a view that isn't one is the sender's fault, and changes nothing", async () => {
  const good = viewOf(1, { [keyOf(1)]: STAGE.known });
  const bad: JsonObject[] = [
    { ...good, as: "x" },
    { ...good, as: keyOf(2) },
    { ...good, as: null },
    { ...good, stages: [] },
    { ...good, stages: { x: 1 } },
    { ...good, stages: { [keyOf(1)]: 0 } },
    { ...good, stages: { [keyOf(1)]: 9 } },
    { ...good, stages: { [keyOf(1)]: "4" } },
    { ...good, addresses: { [contactOf(1).id]: "http://x/" } },
    { ...good, addresses: { [contactOf(1).id]: 5 } },
    { ...good, addresses: "x" },
    {
      ...good,
      stages: Object.fromEntries(
        Array.from(
          { length: LIMITS.membersEverMax + 1 },
          (_, i) => [memberKey(contactOf(1).id, i + 1), 1],
        ),
      ),
    },
  ];
  for (const view of bad) {
    const membership = new World().with([STAGE.settled]);
    await assertRejects(
      () => membership.take(contactOf(1), view),
      PeerFault,
      undefined,
      JSON.stringify(view).slice(0, 200),
    );
    assertEquals(membership.list().length, 1);
    assertEquals(membership.addresses(), []);
  }
});

Deno.test("membership: only what is on disk is told", async () => {
  const world = new World();
  const membership = world.with([STAGE.settled]);
  await membership.open();
  const durable = Promise.withResolvers<void>();
  world.disk.gate = durable.promise;
  const taking = membership.take(contactOf(1), viewOf(1, { [keyOf(1)]: STAGE.known }));
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(membership.stageOf(keyOf(1)), STAGE.known);
  assertEquals(Object.keys(membership.view()["stages"] as JsonObject), [keyOf(0)]);
  durable.resolve();
  await taking;
  assertEquals(Object.keys(membership.view()["stages"] as JsonObject), [keyOf(0), keyOf(1)]);
});

Deno.test("membership: a restart finds members, addresses and its own incarnation", async () => {
  const world = new World();
  const membership = world.with([STAGE.settled, STAGE.settled]);
  membership.expelled(keyOf(0));
  await membership.rejoin();
  membership.heard({ ...contactOf(1), address: "10.0.0.9:1234" });
  await membership.open();
  const again = world.open();
  assertEquals(again.self, memberKey(contactOf(0).id, 2));
  assertEquals(again.stageOf(keyOf(0)), STAGE.unvoted);
  assertEquals(again.stageOf(keyOf(1)), STAGE.settled);
  assertEquals(again.contactOf(keyOf(1))?.address, "10.0.0.9:1234");
});

Deno.test("membership: addresses are learned of members only, and hearsay never replaces what was proved", async () => {
  const membership = new World().with([STAGE.settled, STAGE.settled]);
  membership.heard({ ...contactOf(1), address: "10.0.0.1:1" });
  await membership.take(
    contactOf(2),
    viewOf(2, { [keyOf(2)]: STAGE.known, [keyOf(3)]: STAGE.known }, {
      addresses: {
        [contactOf(1).id]: "6.6.6.6:6",
        [contactOf(3).id]: "10.0.0.3:3",
        [contactOf(9).id]: "10.0.0.9:9",
        [contactOf(0).id]: "6.6.6.6:6",
      },
    }),
  );
  assertEquals(membership.contactOf(keyOf(1))?.address, "10.0.0.1:1");
  assertEquals(membership.contactOf(keyOf(3))?.address, "10.0.0.3:3");
  assertEquals(membership.contactOf(keyOf(9)), undefined);
  assert(!membership.addresses().includes("6.6.6.6:6"));
});

Deno.test("membership: giving up needs silence and missed calls", async () => {
  const cases = [
    { silentMs: GONE_MS + 1, missed: LIMITS.missedBeforeGone, isGivenUp: true },
    { silentMs: GONE_MS - 1, missed: LIMITS.missedBeforeGone, isGivenUp: false },
    { silentMs: GONE_MS + 1, missed: LIMITS.missedBeforeGone - 1, isGivenUp: false },
    { silentMs: 10 * GONE_MS, missed: 0, isGivenUp: false },
  ];
  for (const { silentMs, missed, isGivenUp } of cases) {
    const world = new World();
    const membership = world.with([STAGE.settled, STAGE.settled, STAGE.settled]);
    for (const index of [1, 2]) membership.heard(contactOf(index));
    await world.loop.run(silentMs);
    for (let call = 0; call < missed; call++) membership.missed(contactOf(2).id);
    membership.heard(contactOf(1));
    await membership.advance(() => Promise.resolve(true));
    assertEquals(
      membership.stageOf(keyOf(2)) !== STAGE.settled,
      isGivenUp,
      JSON.stringify({ silentMs, missed }),
    );
    assertEquals(membership.stageOf(keyOf(1)), STAGE.settled);
  }
});

Deno.test("membership: a move whose sync fails is left for the next time", async () => {
  const membership = new World().with([STAGE.settled, STAGE.voting]);
  await membership.take(
    contactOf(1),
    viewOf(1, { [keyOf(0)]: STAGE.voting, [keyOf(1)]: STAGE.voting }),
  );
  const asked: string[][] = [];
  await membership.advance((members) => (asked.push([...members]), Promise.resolve(false)));
  assertEquals(membership.stageOf(keyOf(1)), STAGE.voting);
  await membership.advance((members) => (asked.push([...members]), Promise.resolve(true)));
  assertEquals(asked, [[keyOf(1)], [keyOf(1)]]);
  assert((membership.stageOf(keyOf(1)) ?? 0) >= STAGE.synced);
});

Deno.test("membership: what any writer counts every reader asks, in number enough to meet", async () => {
  await withSeed(import.meta.url, (random) => {
    for (let round = 0; round < 1500; round++) {
      const count = 1 + random.below(16);
      const replicas = 1 + random.below(3);
      const writeQuorum = 1 + random.below(replicas);
      const readQuorum = 1 + random.below(replicas);
      const terms = { replicas, writeQuorum, readQuorum };
      // As stages.ts promises: whom one relies on the other counts, and whom one counts the other asks.
      const reader: Stage[] = [];
      const writer: Stage[] = [];
      for (let i = 0; i < count; i++) {
        const isSettled = i === 0 || random.oneIn(2);
        const isVoter = isSettled || random.oneIn(2);
        reader.push(
          isSettled
            ? STAGE.settled
            : random.pick([STAGE.known, STAGE.voting, STAGE.leaving, STAGE.cleared]),
        );
        writer.push(
          isVoter
            ? random.pick([STAGE.voting, STAGE.settled, STAGE.leaving])
            : random.pick([STAGE.known, STAGE.unvoted, STAGE.cleared, STAGE.gone]),
        );
      }
      const place = random.bytes(20).reduce(
        (text, byte) => text + byte.toString(16).padStart(2, "0"),
        "",
      );
      const readers = new World().with(reader, terms).readers(place);
      const writers = new World().with(writer, terms).writers(place);
      const what = JSON.stringify({ terms, reader, writer, readers, writers });
      for (const member of writers.members) assert(readers.members.includes(member), what);
      assert(writers.needed + readers.needed > readers.members.length, what);
      assert(readers.needed <= readers.members.length, what);
      assert(writers.needed <= writers.members.length, what);
    }
    return Promise.resolve();
  });
});

Deno.test("membership: blocks are held by the nearest that stay", () => {
  const stages = [
    STAGE.settled,
    STAGE.leaving,
    STAGE.known,
    STAGE.voting,
    STAGE.gone,
    STAGE.synced,
    STAGE.settled,
  ];
  const membership = new World().with(stages);
  const holders = membership.holders(contactOf(1).id);
  assertEquals(holders.length, 3);
  for (const gone of [1, 2, 4]) assert(!holders.includes(keyOf(gone)));
});
