/** The view of one node: what it takes in and tells, whom it gives up, and whom it asks and counts. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
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
