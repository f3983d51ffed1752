/** Each call once: numbers that come in any order, tokens that end, sessions that are forgotten. */

import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { systemRandom } from "../../../src/clock.ts";
import { LIMITS } from "../../../src/limits.ts";
import { ReplayWindow } from "../../../src/peer/replay_window.ts";
import { SessionTable } from "../../../src/peer/session_table.ts";
import { TestTimers } from "../../support/peer_node.ts";

const FROM = { id: "a".repeat(40), address: "10.0.0.1:9000" };

Deno.test("a window claims each number once, as a set would that forgets what is far behind", () => {
  const size = 64;
  const numbers = fc.array(
    fc.oneof(fc.integer({ min: -1, max: 300 }), fc.integer({ min: 1, max: 2 ** 53 - 1 })),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(numbers, (series) => {
      const window = new ReplayWindow(size);
      const seen = new Set<number>();
      let highest = 0;
      for (const number of series) {
        const isNew = number >= 1 && number > highest - size && !seen.has(number);
        assertEquals(window.claim(number), isNew, `${number} after ${[...seen]}`);
        if (isNew) seen.add(number);
        highest = Math.max(highest, isNew ? number : 0);
      }
    }),
    { numRuns: 500 },
  );
});

for (const number of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) {
  Deno.test(`${number} is no number of a series`, () => {
    assert(!new ReplayWindow(64).claim(number));
  });
}

Deno.test("a call is admitted once, from whom the token was given to", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const token = table.issue(FROM);
  for (const counter of [3, 1, 2]) {
    assertEquals(table.admit(token, counter), { kind: "admitted", from: FROM });
    assertEquals(table.admit(token, counter), { kind: "replayed" });
  }
});

Deno.test("two tokens of one caller are two sessions", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const [first, second] = [table.issue(FROM), table.issue(FROM)];
  assertEquals(table.admit(first, 1).kind, "admitted");
  assertEquals(table.admit(second, 1).kind, "admitted");
});

Deno.test("tokens of another process, changed or made up are unknown, and cost nothing", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const token = table.issue(FROM);
  const other = new SessionTable(new TestTimers(), systemRandom).issue(FROM);
  const forged = btoa(JSON.stringify([1, 0, FROM.id, FROM.address]));
  const changed = Array.from(token, (character, at) => {
    return token.slice(0, at) + (character === "0" ? "1" : "0") + token.slice(at + 1);
  }).filter((text) => text !== token);
  for (const wrong of [other, "", ".", "x", forged, `${forged}.${"0".repeat(64)}`, ...changed]) {
    assertEquals(table.admit(wrong, 1), { kind: "unknown" }, wrong);
  }
  assertEquals(table.size, 0);
});

Deno.test("a token ends, but what was admitted with it stays known", () => {
  const timers = new TestTimers();
  const table = new SessionTable(timers, systemRandom);
  const [token, unused] = [table.issue(FROM), table.issue(FROM)];
  assertEquals(table.admit(token, 1).kind, "admitted");
  timers.skip(LIMITS.peerSessionMsMax + 1);
  assertEquals(table.admit(token, 2), { kind: "unknown" });
  assertEquals(table.admit(token, 1), { kind: "replayed" });
  assertEquals(table.admit(unused, 1), { kind: "unknown" });
  assertEquals(table.size, 1);
});

Deno.test("memory is bounded, and a forgotten session can't be opened again", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const tokens = Array.from({ length: LIMITS.peerSessionsMax + 100 }, () => table.issue(FROM));
  for (const token of tokens) assertEquals(table.admit(token, 1).kind, "admitted");
  assertEquals(table.size, LIMITS.peerSessionsMax);
  const kinds = tokens.map((token) => table.admit(token, 1).kind);
  const expected = tokens.map((_, at) => at < 100 ? "unknown" : "replayed");
  assertEquals(kinds, expected);
});

Deno.test("the session that is in use is kept when others are forgotten", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const busy = table.issue(FROM);
  for (let counter = 1; counter <= LIMITS.peerSessionsMax * 2; counter++) {
    assertEquals(table.admit(busy, counter).kind, "admitted");
    assertEquals(table.admit(table.issue(FROM), 1).kind, "admitted");
  }
});

Deno.test("a token that was given before one that is forgotten, and never used, is unknown", () => {
  const table = new SessionTable(new TestTimers(), systemRandom);
  const unused = table.issue(FROM);
  for (let count = 0; count <= LIMITS.peerSessionsMax; count++) table.admit(table.issue(FROM), 1);
  assertEquals(table.admit(unused, 1), { kind: "unknown" });
  assertEquals(table.admit(table.issue(FROM), 1).kind, "admitted");
});
