import { assertEquals, assertRejects } from "@std/assert";
import { findImportSource, isClusterNodes } from "../../../src/cli/data_dir.ts";
import { StartError } from "../../../src/cli/start_error.ts";
import { openDiskContent } from "../../../src/storage/disk_content.ts";
import { FileStore } from "../../../src/storage/file_store.ts";
import { TempDir } from "../../support/temp_dir.ts";

async function makeStandalone(dataDir: string): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true });
  await using _store = await FileStore.open({ dataDir, durability: "relaxed" });
}

async function makeNodes(dataDir: string): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true });
  await using _content = await openDiskContent({ dataDir, durability: "relaxed" });
}

Deno.test("a node's data dir is known by what the node's store made", async () => {
  await using temp = await TempDir.make();
  await makeStandalone(`${temp.path}/standalone`);
  await makeNodes(`${temp.path}/node`);
  assertEquals(await isClusterNodes(temp.path), false);
  assertEquals(await isClusterNodes(`${temp.path}/standalone`), false);
  assertEquals(await isClusterNodes(`${temp.path}/node`), true);
});

Deno.test("an import reads a standalone server's data dir, apart from the new one", async () => {
  await using temp = await TempDir.make();
  const path = await Deno.realPath(temp.path);
  await makeStandalone(`${path}/old`);
  await makeStandalone(`${path}/old/nested`);
  for (const name of ["folder/photos", "new", "old/new"]) {
    await Deno.mkdir(`${path}/${name}`, { recursive: true });
  }
  await Deno.symlink(`${path}/old`, `${path}/link`);
  assertEquals(await findImportSource(`${path}/old`, `${path}/new`), `${path}/old`);
  assertEquals(await findImportSource(`${path}/link`, `${path}/new`), `${path}/old`);
  const refused: readonly (readonly [from: string, target: string])[] = [
    ["none", "new"],
    ["folder", "new"],
    ["old", "old"],
    ["link", "old"],
    ["old", "old/new"],
    ["old/nested", "old"],
  ];
  for (const [from, target] of refused) {
    const find = () => findImportSource(`${path}/${from}`, `${path}/${target}`);
    await assertRejects(find, StartError, undefined, `${from} into ${target}`);
  }
});
