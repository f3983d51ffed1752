/** Reads that share calls. */

import { assertEquals, assertRejects } from "@std/assert";
import { ReadCalls } from "../../../src/cluster/read_calls.ts";
import { memberKey } from "../../../src/cluster/stages.ts";
import { LIMITS } from "../../../src/limits.ts";
import { type Message, PeerError, PeerFault, type Reply } from "../../../src/peer/transport.ts";
import type { Json } from "../../../src/storage/record.ts";
import { systemTimers } from "../../../src/timers.ts";

const MEMBER = memberKey("a".repeat(40), 1);

/** Answers each name with itself, when told to. */
class SlowPeers {
  readonly calls: { readonly names: readonly Json[]; readonly answer: (reply?: Reply) => void }[] =
    [];

  call(_: string, { data }: Message): Promise<Reply> {
    const names = data["names"] as readonly Json[];
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.calls.push({ names, answer: (reply = { data: { records: names } }) => resolve(reply) });
    return promise;
  }
}

Deno.test("what comes up while a call is under way goes together in the next, each with its own answer", async () => {
  const peers = new SlowPeers();
  const timers = { ...systemTimers, after: () => () => {} };
  const reads = new ReadCalls(peers, timers);
  const first = reads.read(MEMBER, ["a"]);
  const rest = [reads.read(MEMBER, ["b", "c"]), reads.read(MEMBER, []), reads.read(MEMBER, ["d"])];
  assertEquals(peers.calls.map(({ names }) => names), [["a"]]);
  peers.calls[0]?.answer();
  assertEquals(await first, ["a"]);
  while (peers.calls.length < 2) await Promise.resolve();
  peers.calls[1]?.answer();
  assertEquals(await Promise.all(rest), [["b", "c"], [], ["d"]]);
  assertEquals(peers.calls[1]?.names, ["b", "c", "d"]);
});

Deno.test("a slow call isn't waited for, and no call asks for too much", async () => {
  const peers = new SlowPeers();
  const reads = new ReadCalls(peers, systemTimers);
  const slow = reads.read(MEMBER, ["slow"]);
  const half = Array.from({ length: LIMITS.recordNamesMax / 2 + 1 }, (_, index) => index);
  const both = [reads.read(MEMBER, half), reads.read(MEMBER, half)];
  while (peers.calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const { answer } of peers.calls.slice(1)) answer();
  assertEquals(await Promise.all(both), [half, half]);
  peers.calls[0]?.answer();
  assertEquals(await slow, ["slow"]);
});

Deno.test("a failure is that of all who were asked for in the call, and of nobody else", async () => {
  const peers = new SlowPeers();
  const timers = { ...systemTimers, after: () => () => {} };
  const reads = new ReadCalls(peers, timers);
  const first = reads.read(MEMBER, ["a"]);
  const second = reads.read(MEMBER, ["b"]);
  peers.calls[0]?.answer({ data: { records: [] } });
  await assertRejects(() => first, PeerFault);
  while (peers.calls.length < 2) await Promise.resolve();
  peers.calls[1]?.answer();
  assertEquals(await second, ["b"]);
  const failing = new ReadCalls(
    { call: () => Promise.reject(new PeerError("timeout", "late")) },
    timers,
  );
  await assertRejects(() => failing.read(MEMBER, ["a"]), PeerError);
});
