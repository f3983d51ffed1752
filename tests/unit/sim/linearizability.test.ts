/** Histories made by hand: the checker must take the good ones and name what is wrong with the bad ones. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { BUCKET_MODEL, type BucketAction } from "../../sim/bucket_model.ts";
import { findViolation, type Model, type Operation } from "../../sim/linearizability.ts";
import { KEY_MODEL, type KeyAction, type KeyState, withoutUnseen } from "../../sim/object_model.ts";
import { SeededRandom, withSeed } from "../../support/seed.ts";

const put = (id: string): KeyAction => ({ kind: "write", id });
const del: KeyAction = { kind: "delete" };
const tag = (text: string, id?: string): KeyAction => ({ kind: "tag", tag: text, id });
const get = (id: string, text = ""): KeyAction => ({ kind: "read", seen: { id, tag: text } });
const none: KeyAction = { kind: "read", seen: "nothing" };

type Row<Action> = readonly [action: Action, calledAt: number, returnedAt: number | undefined];
const NEVER = undefined;

function violation<State, Action>(
  model: Model<State, Action>,
  rows: readonly Row<Action>[],
): Action | undefined {
  const operations = rows.map(([action, calledAt, returnedAt]) => ({
    action,
    calledAt,
    returnedAt,
  }));
  return findViolation<State, Action, Operation<Action>>(model, operations)?.operation.action;
}

const GOOD: Record<string, readonly Row<KeyAction>[]> = {
  "nothing before the first write": [[none, 1, 2], [put("a"), 3, 4], [get("a"), 5, 6]],
  "a read beside a write sees the old": [[put("a"), 1, 2], [put("b"), 3, 6], [get("a"), 4, 5]],
  "a read beside a write sees the new": [[put("a"), 1, 2], [put("b"), 3, 6], [get("b"), 4, 5]],
  "old, then new beside one write": [
    [put("a"), 1, 2],
    [put("b"), 3, 8],
    [get("a"), 4, 5],
    [get("b"), 6, 7],
  ],
  "racing writes end in either order": [
    [put("a"), 1, 4],
    [put("b"), 2, 3],
    [get("a"), 5, 6],
    [get("a"), 7, 8],
  ],
  "a write without an answer that never took effect": [
    [put("a"), 1, 2],
    [put("b"), 3, NEVER],
    [get("a"), 4, 5],
    [get("a"), 6, 7],
  ],
  "one that took effect much later": [
    [put("a"), 1, 2],
    [put("b"), 3, NEVER],
    [get("a"), 4, 5],
    [put("c"), 6, 7],
    [get("c"), 8, 9],
    [get("b"), 10, 11],
  ],
  "two deletions without an answer take effect in turn": [
    [del, 1, NEVER],
    [del, 2, NEVER],
    [put("a"), 3, 4],
    [none, 5, 6],
    [put("b"), 7, 8],
    [none, 9, 10],
  ],
  "a tagged version": [[put("a"), 1, 2], [tag("t", "a"), 3, 4], [get("a", "t"), 5, 6]],
  "a tagging that raced with a write and lost": [
    [put("a"), 1, 2],
    [tag("t", "a"), 3, 6],
    [put("b"), 4, 5],
    [get("b"), 7, 8],
  ],
  "a read that took its place before a write that ended first": [
    [put("a"), 1, 2],
    [get("a"), 3, 8],
    [put("b"), 4, 5],
    [get("b"), 6, 7],
  ],
};

const BAD: Record<string, { readonly rows: readonly Row<KeyAction>[]; readonly wrong: KeyAction }> =
  {
    "an acknowledged write is lost": {
      rows: [[put("a"), 1, 2], [none, 3, 4]],
      wrong: none,
    },
    "an acknowledged overwrite is lost": {
      rows: [[put("a"), 1, 2], [put("b"), 3, 4], [get("a"), 5, 6]],
      wrong: get("a"),
    },
    "a deleted version returns": {
      rows: [[put("a"), 1, 2], [del, 3, 4], [none, 5, 6], [get("a"), 7, 8]],
      wrong: get("a"),
    },
    "new, then old again beside one write": {
      rows: [[put("a"), 1, 2], [put("b"), 3, 8], [get("b"), 4, 5], [get("a"), 6, 7]],
      wrong: get("a"),
    },
    "new, then old again after a write without an answer": {
      rows: [[put("a"), 1, 2], [put("b"), 3, NEVER], [get("b"), 4, 5], [get("a"), 6, 7]],
      wrong: get("a"),
    },
    "a write without an answer takes effect twice": {
      rows: [[put("a"), 1, NEVER], [get("a"), 2, 3], [put("b"), 4, 5], [get("a"), 6, 7]],
      wrong: get("a"),
    },
    "a deletion without an answer takes effect twice": {
      rows: [[del, 1, NEVER], [put("a"), 2, 3], [none, 4, 5], [put("b"), 6, 7], [none, 8, 9]],
      wrong: none,
    },
    "a write is seen before it was called": {
      rows: [[get("a"), 1, 2], [put("a"), 3, 4]],
      wrong: get("a"),
    },
    "two readers see racing writes in different orders": {
      rows: [
        [put("a"), 1, 20],
        [put("b"), 2, 21],
        [get("a"), 3, 4],
        [get("b"), 5, 6],
        [get("a"), 7, 8],
      ],
      wrong: get("a"),
    },
    "a tag is lost": {
      rows: [[put("a"), 1, 2], [tag("t", "a"), 3, 4], [get("a"), 5, 6]],
      wrong: get("a"),
    },
    "a tag sticks to another version": {
      rows: [[put("a"), 1, 2], [tag("t", "a"), 3, 4], [put("b"), 5, 6], [get("b", "t"), 7, 8]],
      wrong: get("b", "t"),
    },
    "a version is tagged that is gone": {
      rows: [[put("a"), 1, 2], [put("b"), 3, 4], [tag("t", "a"), 5, 6]],
      wrong: tag("t", "a"),
    },
  };

Deno.test("histories of a key that can be", async (t) => {
  for (const [name, rows] of Object.entries(GOOD)) {
    await t.step(name, () => assertEquals(violation(KEY_MODEL, rows), undefined));
  }
});

Deno.test("histories of a key that can't be", async (t) => {
  for (const [name, { rows, wrong }] of Object.entries(BAD)) {
    await t.step(name, () => assertEquals(violation(KEY_MODEL, rows), wrong));
  }
});

const see = (what: Extract<BucketAction, { kind: "see" }>["what"]): BucketAction => ({
  kind: "see",
  what,
});

Deno.test("histories of a bucket", async (t) => {
  const create: BucketAction = { kind: "create" };
  const remove: BucketAction = { kind: "remove" };
  const write: BucketAction = { kind: "write", id: "a" };
  const rows: Record<
    string,
    { readonly rows: readonly Row<BucketAction>[]; wrong?: BucketAction }
  > = {
    "comes, fills, empties and goes": {
      rows: [
        [see("no bucket"), 1, 2],
        [create, 3, 4],
        [write, 5, 6],
        [see("an object"), 7, 8],
        [{ kind: "delete" }, 9, 10],
        [remove, 11, 12],
        [see("no bucket"), 13, 14],
      ],
    },
    "is removed with an object in it": {
      rows: [[create, 1, 2], [write, 3, 4], [remove, 5, 6]],
      wrong: remove,
    },
    "comes back with the objects it had": {
      rows: [
        [create, 1, 2],
        [write, 3, 4],
        [{ kind: "delete" }, 5, 6],
        [remove, 7, 8],
        [create, 9, 10],
        [see({ object: "a" }), 11, 12],
      ],
      wrong: see({ object: "a" }),
    },
    "is made twice": { rows: [[create, 1, 2], [create, 3, 4]], wrong: create },
    "is still there after its removal": {
      rows: [[create, 1, 2], [remove, 3, 4], [see("a bucket"), 5, 6]],
      wrong: see("a bucket"),
    },
    "takes a write that had no answer after it came again": {
      rows: [
        [create, 1, 2],
        [write, 3, NEVER],
        [remove, 5, 6],
        [create, 7, 8],
        [see({ object: "a" }), 9, 10],
      ],
    },
  };
  for (const [name, { rows: history, wrong }] of Object.entries(rows)) {
    await t.step(name, () => assertEquals(violation(BUCKET_MODEL, history), wrong));
  }
});

Deno.test("a violation tells the states that there may have been", () => {
  const rows: Row<KeyAction>[] = [[put("a"), 1, 4], [put("b"), 2, 3], [none, 5, 6]];
  const operations = rows.map(([action, calledAt, returnedAt]) => ({
    action,
    calledAt,
    returnedAt,
  }));
  const states = findViolation(KEY_MODEL, operations)?.states ?? [];
  const ids = states.flatMap((state) => state === "nothing" ? [] : [state.id]);
  assertEquals(ids.sort(), ["a", "b"]);
});

Deno.test("what was left out because nobody saw it changes no judgement", async () => {
  await withSeed(import.meta.url, (random) => {
    let good = 0;
    const runs = 300;
    for (let run = 0; run < runs; run++) {
      const operations = randomHistory(random, random.oneIn(2));
      const whole = findViolation(KEY_MODEL, operations) === undefined;
      assertEquals(findViolation(KEY_MODEL, withoutUnseen(operations)) === undefined, whole);
      assertEquals(isLinearizable(operations), whole, "by trying all orders");
      good += Number(whole);
    }
    assert(good > 20 && good < runs - 20, `one-sided: ${good} of ${runs} are good`);
    return Promise.resolve();
  });
});

Deno.test("a history that is too hard is refused, not passed", () => {
  const writes = Array.from({ length: 20 }, (_, n) => ({
    action: put(`v${n}`),
    calledAt: n,
    returnedAt: 100,
  }));
  const wrong = { action: get("nobody's"), calledAt: 50, returnedAt: 60 };
  assertThrows(() => findViolation(KEY_MODEL, [...writes, wrong]), RangeError, "too hard");
});

/** Of a register that is asked by three clients at once; some reads are spoilt when `isSpoilt`. */
function randomHistory(random: SeededRandom, isSpoilt: boolean): Operation<KeyAction>[] {
  let state: KeyState = "nothing";
  let time = 0;
  const free = [0, 0, 0];
  return Array.from({ length: 7 }, (_, n): Operation<KeyAction> => {
    const client = random.below(3);
    time = Math.max(time + 1, free[client] ?? 0);
    const calledAt = time;
    const returnedAt = calledAt + 1 + random.below(6);
    free[client] = returnedAt + 1;
    const isAnswered = !random.oneIn(4);
    const kind = random.pick(["put", "del", "tag", "read", "read"]);
    let action: KeyAction;
    if (kind === "put") action = put(`v${n}`);
    else if (kind === "del") action = del;
    else if (kind === "tag" && state !== "nothing") action = tag(`t${n}`, state.id);
    else action = { kind: "read", seen: state };
    if (isAnswered || random.oneIn(2)) state = KEY_MODEL.step(state, action) ?? state;
    if (isSpoilt && action.kind === "read" && random.oneIn(3)) {
      action = get(`v${random.below(n + 1)}`);
    }
    return { action, calledAt, returnedAt: isAnswered ? returnedAt : undefined };
  });
}

/** By trying all orders: what the checker must agree with. */
function isLinearizable(
  operations: readonly Operation<KeyAction>[],
  state: KeyState = "nothing",
): boolean {
  const firstReturn = Math.min(...operations.map(({ returnedAt = Infinity }) => returnedAt));
  if (firstReturn === Infinity) return true;
  return operations.some((operation) => {
    if (operation.calledAt > firstReturn) return false;
    const next = KEY_MODEL.step(state, operation.action);
    return next !== undefined &&
      isLinearizable(operations.filter((other) => other !== operation), next);
  });
}
