/** A node's id: made once, kept, and never guessed from a damaged file. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { openNodeId } from "../../src/storage/node_id.ts";
import { FaultyDisk } from "../faults/faulty.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("a node's id is made once and kept", async () => {
  await using temp = await TempDir.make();
  const dataDir = temp.path;
  const id = await openNodeId({ dataDir });
  assertMatch(id, /^[0-9a-f]{40}$/);
  assertEquals(await Deno.readTextFile(`${dataDir}/.node_id`), `${id}\n`);
  assertEquals(await openNodeId({ dataDir }), id);
  await using other = await TempDir.make();
  assertEquals(await openNodeId({ dataDir: other.path }) === id, false);
});

for (
  const text of [
    "",
    "abc",
    "g".repeat(40),
    "a".repeat(41),
    `${"a".repeat(40)}\n\n`,
    "a".repeat(500),
  ]
) {
  Deno.test(`${JSON.stringify(text)} is no node's id`, async () => {
    await using temp = await TempDir.make();
    await Deno.writeTextFile(`${temp.path}/.node_id`, text);
    await assertRejects(() => openNodeId({ dataDir: temp.path }), Error, "isn't a node's id");
    assertEquals(await Deno.readTextFile(`${temp.path}/.node_id`), text);
  });
}

Deno.test("whatever fails, there is no id or a whole one, and one that was told stays", async () => {
  for (let n = 1, isDone = false; !isDone; n++) {
    await using temp = await TempDir.make();
    const disk = new FaultyDisk(n, "onwards");
    disk.arm();
    const told = await openNodeId({ dataDir: temp.path, files: disk.files }).catch(() => undefined);
    isDone = !disk.hasFailed;
    const id = await openNodeId({ dataDir: temp.path });
    assertEquals(told ?? id, id);
    const names = Array.from(Deno.readDirSync(temp.path), ({ name }) => name);
    assertEquals(names, [".node_id"]);
    if (n < 5) assertEquals(told, undefined);
  }
});
