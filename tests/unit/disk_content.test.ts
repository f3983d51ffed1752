/** What a cluster node finds in its data dir at a start: files that its index doesn't know, damage, another mode's data. */

import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { blake3Hex } from "../../src/blake3.ts";
import { systemRandom } from "../../src/clock.ts";
import { S3Error } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { type DiskContent, openDiskContent } from "../../src/storage/disk_content.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import { diskFiles, type Files } from "../../src/storage/files.ts";
import { type Durability, GroupCommit } from "../../src/storage/group_commit.ts";
import { RecordFeed } from "../../src/storage/record_feed.ts";
import { RECORDS_MIGRATIONS } from "../../src/storage/records_schema.ts";
import { bytesOf, object } from "../suites/content_store/support.ts";
import { patternBytes } from "../support/bytes.ts";
import { TempDir } from "../support/temp_dir.ts";

const BYTES = patternBytes(1000);
const HASH = blake3Hex(BYTES);

Deno.test("blocks that came or went while nobody looked are adopted and dropped", async () => {
  await using temp = await TempDir.make();
  const gone = bytesOf("gone");
  await withStore(temp, (store) => store.blocks.write(blake3Hex(gone), gone));
  await Deno.remove(pathOf(temp, blake3Hex(gone)));
  await putFile(temp, HASH, BYTES);
  await Deno.writeFile(`${temp.path}/.cas/${HASH.slice(0, 2)}/notes.txt`, BYTES);
  const misplaced = `${temp.path}/.cas/${HASH.slice(0, 2)}/${"0".repeat(64)}.blob`;
  await Deno.writeFile(misplaced, BYTES);
  await withStore(temp, async (store) => {
    assertEquals(store.blocks.list("", 10), [HASH]);
    assertEquals(store.blocks.stats(), { blocks: 1, bytes: BYTES.length, damaged: 0 });
    assertEquals(await store.blocks.read(HASH), BYTES);
  });
});

Deno.test("all folders of blocks may vanish", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, (store) => store.blocks.write(HASH, BYTES));
  await Deno.remove(`${temp.path}/.cas`, { recursive: true });
  await withStore(temp, async (store) => {
    assertEquals(store.blocks.list("", 10), []);
    await store.blocks.write(HASH, BYTES);
    assertEquals(await store.blocks.read(HASH), BYTES);
  });
});

Deno.test("a block is found by reading it before the index knows it", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, async (store) => {
    await putFile(temp, HASH, BYTES);
    assertEquals(store.blocks.has(HASH), false);
    assertEquals(await store.blocks.read(HASH), BYTES);
    assertEquals(store.blocks.has(HASH), true);
  });
});

Deno.test("a block that an earlier run may not have synced is written again, one that it did is not", async () => {
  await using temp = await TempDir.make();
  const renames: string[] = [];
  const rename = (from: string, to: string) => {
    renames.push(to);
    diskFiles.rename(from, to);
  };
  const files: Files = { ...diskFiles, rename };
  await withStore(temp, (store) => store.blocks.write(HASH, BYTES), { durability: "relaxed" });
  await withStore(temp, (store) => store.blocks.write(HASH, BYTES), { files });
  assertEquals(renames, [pathOf(temp, HASH)]);
  await withStore(temp, (store) => store.blocks.write(HASH, BYTES), { files });
  assertEquals(renames.length, 1);
});

Deno.test("a block's bytes are on the disk before it has its name, and the name before it is written", async () => {
  await using temp = await TempDir.make();
  const done: string[] = [];
  const files: Files = {
    ...diskFiles,
    create(path) {
      const file = diskFiles.create(path);
      const sync = file.sync.bind(file);
      file.sync = () => sync().then(() => void done.push("bytes"));
      return file;
    },
    rename(from, to) {
      diskFiles.rename(from, to);
      done.push("name");
    },
    sync: (path) => diskFiles.sync(path).then(() => void done.push(path.slice(temp.path.length))),
  };
  await withStore(temp, async (store) => {
    done.length = 0;
    await store.blocks.write(HASH, BYTES);
  }, { files });
  assertEquals(done, ["/.cas", "bytes", "name", `/.cas/${HASH.slice(0, 2)}`]);
});

Deno.test("a block that the disk can't read is damaged", async () => {
  await using temp = await TempDir.make();
  const fail = () =>
    Promise.reject(Object.assign(new Error("input/output error"), { code: "EIO" }));
  const files: Files = {
    ...diskFiles,
    open(path) {
      const file = diskFiles.open(path);
      if (file !== undefined && path.endsWith(".blob")) file.read = fail;
      return file;
    },
  };
  await withStore(temp, async (store) => {
    await store.blocks.write(HASH, BYTES);
    assertEquals(await store.blocks.read(HASH), undefined);
    assertEquals(store.blocks.stats(), { blocks: 0, bytes: 0, damaged: 1 });
  }, { files });
});

Deno.test("a damaged index of blocks is made anew", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, (store) => store.blocks.write(HASH, BYTES));
  await Deno.writeFile(`${temp.path}/.index/blocks.db`, patternBytes(20_000));
  await withStore(temp, (store) => {
    assertEquals(store.blocks.list("", 10), [HASH]);
    return Promise.resolve();
  });
});

Deno.test("a damaged database of records is told in words that say what to do", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, (store) => store.records.apply([object("k", 1)]));
  await Deno.writeFile(`${temp.path}/.index/cluster.db`, patternBytes(20_000));
  const error = await assertRejects(() => withStore(temp, () => Promise.resolve()), Error);
  assert(error.message.includes(`${temp.path}/.index/cluster.db is damaged`), error.message);
  assert(error.message.includes("as a new node"), error.message);
  await Deno.remove(`${temp.path}/.index/cluster.db`);
  await withStore(temp, () => Promise.resolve());
});

Deno.test("temp files of an earlier run are removed", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, () => Promise.resolve());
  await Deno.writeFile(`${temp.path}/.tmp/left`, BYTES);
  await withStore(temp, () => Promise.resolve());
  assertEquals(Array.from(Deno.readDirSync(`${temp.path}/.tmp`)), []);
});

Deno.test("a data dir is one process's, and one mode's", async () => {
  await using standalone = await TempDir.make();
  await using node = await TempDir.make();
  const openStandalone = async (temp: TempDir) => {
    await using _store = await FileStore.open({ dataDir: temp.path, durability: "relaxed" });
  };
  await openStandalone(standalone);
  const open = (temp: TempDir) => withStore(temp, () => Promise.resolve());
  await assertRejects(
    () => open(standalone),
    Error,
    `zs3 import --from=${standalone.path} --data-dir=<new dir>`,
  );
  await openStandalone(standalone);
  await withStore(node, async () => {
    await assertRejects(() => open(node), Error, "in use by another");
  });
  await assertRejects(() => openStandalone(node), Error, "start it with --distributed");
  await open(node);
});

Deno.test("a store that was made anew has another feed", async () => {
  await using one = await TempDir.make();
  await using two = await TempDir.make();
  const ids: string[] = [];
  for (const temp of [one, two, one]) {
    await withStore(temp, (store) => Promise.resolve(void ids.push(store.records.feedId)));
  }
  assertEquals(ids[0], ids[2]);
  assertNotEquals(ids[0], ids[1]);
});

Deno.test("a start goes on above all places that were ever given, also those that came to nothing", async () => {
  await using temp = await TempDir.make();
  const open = () =>
    GroupCommit.open({
      path: `${temp.path}/feed.db`,
      title: "the feed",
      durability: "relaxed",
      files: diskFiles,
      migrations: RECORDS_MIGRATIONS,
    });
  const ROUNDS = 40;
  const STEPS = 1.3;
  let last = 0;
  for (const isUndone of [false, true, false]) {
    const group = open();
    const feed = await RecordFeed.open(group, systemRandom);
    assert(feed.lastSeq >= last);
    for (let round = 1; round <= ROUNDS; round++) {
      const given = group.transact(() => {
        for (let n = 0; n < STEPS * LIMITS.feedStep / ROUNDS; n++) feed.next();
        last = feed.lastSeq;
        // Just when the ceiling is to be raised.
        if (isUndone && round / ROUNDS * STEPS % 0.5 < 0.1) throw new Error("undone");
      });
      await given.catch(() => {});
    }
    await group.close();
  }
});

Deno.test("a full disk refuses what is new, and takes deletions", async () => {
  await using temp = await TempDir.make();
  await withStore(temp, (store) => store.records.apply([object("k", 1)]));
  const space = (path: string) => ({ ...diskFiles.space(path), freeBytes: 1000 });
  await withStore(temp, async ({ records, blocks }) => {
    for (const refused of [blocks.write(HASH, BYTES), records.apply([object("l", 1)])]) {
      const error = await assertRejects(() => refused);
      assertEquals(error instanceof S3Error && error.code, "StorageFull");
    }
    await records.apply([object("k", 2, { isDeleted: true })]);
    await records.setValue("v", 1);
    assertEquals(records.stats().tombstones, 1);
  }, { files: { ...diskFiles, space } });
});

interface StoreOptions {
  readonly durability?: Durability;
  readonly files?: Files;
}

/** The index is what the files are when `run` begins. */
async function withStore(
  temp: TempDir,
  run: (store: DiskContent) => Promise<void>,
  options: StoreOptions = {},
): Promise<void> {
  const onFault = (what: string, cause: unknown) => {
    throw new Error(what, { cause });
  };
  await using store = await openDiskContent({
    dataDir: temp.path,
    durability: "strict",
    onFault,
    ...options,
  });
  await store.blocks.reconciled();
  await run(store);
}

function pathOf(temp: TempDir, hash: string): string {
  return `${temp.path}/.cas/${hash.slice(0, 2)}/${hash}.blob`;
}

async function putFile(temp: TempDir, hash: string, bytes: Uint8Array): Promise<void> {
  await Deno.mkdir(`${temp.path}/.cas/${hash.slice(0, 2)}`, { recursive: true });
  await Deno.writeFile(pathOf(temp, hash), bytes);
}
