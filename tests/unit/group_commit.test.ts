/** What one change that fails does to those it shares a commit with. */

import { assertEquals, assertRejects } from "@std/assert";
import { diskFiles } from "../../src/storage/files.ts";
import { GroupCommit } from "../../src/storage/group_commit.ts";
import { TempDir } from "../support/temp_dir.ts";

const MIGRATIONS = ["CREATE TABLE numbers(n INTEGER PRIMARY KEY)"];
const INSERT = "INSERT INTO numbers(n) VALUES(?)";

async function withGroup(test: (group: GroupCommit) => Promise<void>): Promise<void> {
  await using temp = await TempDir.make();
  const group = GroupCommit.open({
    path: `${temp.path}/test.db`,
    title: "the test",
    durability: "strict",
    files: diskFiles,
    migrations: MIGRATIONS,
  });
  try {
    await test(group);
  } finally {
    await group.close();
  }
}

function insert(group: GroupCommit, n: number): Promise<void> {
  return group.transact(() => void group.statements.run(INSERT, n));
}

function numbers(group: GroupCommit): number[] {
  return group.statements.all<{ n: number }>("SELECT n FROM numbers ORDER BY n").map(({ n }) => n);
}

Deno.test("a change that throws before it writes is alone with its error", () =>
  withGroup(async (group) => {
    const others = [insert(group, 1), insert(group, 2)];
    await assertRejects(
      () =>
        group.transact(() => {
          throw new Error("refused");
        }),
      Error,
      "refused",
    );
    await Promise.all(others);
    assertEquals(numbers(group), [1, 2]);
  }));

Deno.test("a change whose first statement fails is alone with its error", () =>
  withGroup(async (group) => {
    const outcomes = await Promise.allSettled([
      insert(group, 1),
      insert(group, 1),
      insert(group, 2),
    ]);
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    assertEquals(numbers(group), [1, 2]);
  }));

Deno.test("a change that throws when it has written takes its group along, and only that", () =>
  withGroup(async (group) => {
    await insert(group, 1);
    let committed = 0;
    const inGroup = [
      insert(group, 2),
      group.transact(() => {
        group.statements.run(INSERT, 3);
        group.onCommit(() => committed++);
        throw new Error("too late");
      }),
    ];
    const later = insert(group, 4);
    const outcomes = await Promise.allSettled(inGroup);
    assertEquals(outcomes.map(({ status }) => status), ["rejected", "rejected"]);
    await later;
    assertEquals(numbers(group), [1, 4]);
    assertEquals(committed, 0);
  }));
