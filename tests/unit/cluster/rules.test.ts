/** Whichever nodes have a write and whichever answer a read: one of them is the same. By trying them all. */

import { assert, assertEquals } from "@std/assert";
import { CLUSTER_RULES } from "../../../src/cluster/rules.ts";

/** All sets of `size` of the first `count` numbers, as bits. */
function sets(count: number, size: number): number[] {
  const found: number[] = [];
  for (let bits = 0; bits < 1 << count; bits++) {
    if (bits.toString(2).replaceAll("0", "").length === size) found.push(bits);
  }
  return found;
}

Deno.test("rules: every quorum of a read meets every quorum of a write", () => {
  let tried = 0;
  for (let nodes = 1; nodes <= 5; nodes++) {
    for (let replicas = 1; replicas <= 3; replicas++) {
      for (let writeQuorum = 1; writeQuorum <= replicas; writeQuorum++) {
        for (let readQuorum = 1; readQuorum <= replicas; readQuorum++) {
          const terms = { replicas, writeQuorum, readQuorum };
          // A reader relies on fewer than a writer counts when members are joining: those are asked besides.
          for (let settled = 1; settled <= nodes; settled++) {
            const writers = Math.min(replicas, nodes);
            const asked = Math.min(nodes, Math.max(writers, replicas + nodes - settled));
            const writes = CLUSTER_RULES.writesNeeded(terms, writers);
            const reads = CLUSTER_RULES.readsNeeded(terms, asked, settled);
            assert(writes >= 1 && writes <= writers);
            for (const written of sets(writers, writes)) {
              for (const read of sets(asked, Math.min(reads, asked))) {
                assert((written & read) !== 0, JSON.stringify({ terms, nodes, settled }));
                tried++;
              }
            }
          }
        }
      }
    }
  }
  assert(tried > 500, `${tried}`);
});

Deno.test("rules: with three replicas, two writes and two reads, one node of three may be dead", () => {
  const terms = { replicas: 3, writeQuorum: 2, readQuorum: 2 };
  assertEquals(CLUSTER_RULES.writesNeeded(terms, 3), 2);
  assertEquals(CLUSTER_RULES.readsNeeded(terms, 3, 3), 2);
  assertEquals(CLUSTER_RULES.writesNeeded(terms, 1), 1);
});

Deno.test("rules: a block is garbage only when nothing speaks for it", () => {
  for (let bits = 0; bits < 8; bits++) {
    const [isLeased, isPastGrace, isSynced] = [1, 2, 4].map((bit) => (bits & bit) !== 0);
    const facts = { isLeased: !!isLeased, isPastGrace: !!isPastGrace, isSynced: !!isSynced };
    assertEquals(CLUSTER_RULES.isGarbage(facts), bits === 6, JSON.stringify(facts));
  }
});
