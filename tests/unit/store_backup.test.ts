/** What a backup does when an object changes at the worst moment; tests/faults/backup.test.ts has the real program. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock, systemRandom } from "../../src/clock.ts";
import { BackupFiles, type BackupSummary } from "../../src/storage/backup.ts";
import { CatalogView } from "../../src/storage/catalog_view.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import { FileTree } from "../../src/storage/file_tree.ts";
import { diskFiles, type Files } from "../../src/storage/files.ts";
import { StoreBackup } from "../../src/storage/store_backup.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  assertBytes,
  at,
  BUCKET,
  createBucket,
  createUpload,
  listNames,
  md5Of,
  pattern,
  put,
  putPart,
  readBytes,
  readText,
} from "../suites/object_store/support.ts";

/** Does something of the test's between a backup's first look at an object and its taking the file. */
class Meddling extends BackupFiles {
  constructor(files: Files, readonly meddle: (from: string) => Promise<void>) {
    super(files, { pace: () => Promise.resolve() });
  }

  override async place(...args: Parameters<BackupFiles["place"]>): Promise<boolean> {
    await this.meddle(args[0]);
    return await super.place(...args);
  }
}

interface Options {
  readonly meddle?: (from: string) => Promise<void>;
  /** Whether the backup is on a file system of its own. */
  readonly isElsewhere?: boolean;
  readonly previous?: string;
}

async function backUp(
  dataDir: string,
  to: string,
  { meddle = () => Promise.resolve(), isElsewhere = false, previous }: Options = {},
): Promise<BackupSummary & { problems: string[] }> {
  const link = (from: string, to: string) =>
    (!isElsewhere || from.startsWith(previous ?? "\0")) && diskFiles.link(from, to);
  const files = { ...diskFiles, link };
  for (const folder of ["", "/.index", "/.tmp"]) await Deno.mkdir(to + folder);
  const treeOf = (dataDir: string) =>
    new FileTree({ dataDir, files, clock: systemClock, random: systemRandom });
  const viewOf = (dataDir: string) => CatalogView.open(`${dataDir}/.index/catalog.db`);
  using view = viewOf(dataDir);
  await view.copyTo(`${to}/.index/catalog.db`);
  const database = openDatabase(`${to}/.index/catalog.db`);
  using earlier = previous === undefined ? undefined : viewOf(previous);
  const problems: string[] = [];
  try {
    const summary = await new StoreBackup({
      source: { view, tree: treeOf(dataDir) },
      target: { database, tree: treeOf(to) },
      previous: earlier && { view: earlier, tree: treeOf(previous ?? "") },
      files,
      placing: new Meddling(files, meddle),
      watch: {
        progress: () => {},
        problem: (subject) => problems.push(subject),
        pace: () => Promise.resolve(),
      },
    }).run();
    return { ...summary, problems };
  } finally {
    database.close();
  }
}

const open = (dataDir: string) => FileStore.open({ dataDir, durability: "relaxed" });

/** Until then bytes written lately are taken from the journal, whatever is done to their files. */
async function settled(dataDir: string): Promise<void> {
  using view = CatalogView.open(`${dataDir}/.index/catalog.db`);
  while (view.read.listJournal().length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Fixture {
  readonly store: FileStore;
  readonly dataDir: string;
  readonly to: string;
}

function test(name: string, run: (fixture: Fixture) => Promise<void>): void {
  Deno.test(`backup: ${name}`, async () => {
    await using temp = await TempDir.make();
    const dataDir = `${temp.path}/data`;
    await Deno.mkdir(dataDir);
    await using store = await open(dataDir);
    await createBucket(store, BUCKET);
    await run({ store, dataDir, to: `${temp.path}/copy` });
  });
}

const LARGE = 100_000;

for (const isElsewhere of [false, true]) {
  const how = isElsewhere ? "copied" : "by second names";
  test(`an object that is replaced by one of its size and second is one of both, ${how}`, async ({ store, dataDir, to }) => {
    const bodies = Array.from({ length: 6 }, (_, n) => pattern(LARGE, n + 1));
    await put(store, "k", bodies[0] ?? "");
    let round = 0;
    const meddle = async () => {
      const body = bodies[++round];
      if (body !== undefined) await put(store, "k", body);
    };
    const { problems } = await backUp(dataDir, to, { meddle, isElsewhere });
    assertEquals(problems, []);
    await using copy = await open(to);
    const bytes = await readBytes(copy, at("k"));
    assertEquals((await copy.head(at("k"))).etag, md5Of(bytes));
    assert(bodies.some((body) => md5Of(body) === md5Of(bytes)));
  });

  test(`an object that is never at rest is told, and left out, ${how}`, async ({ store, dataDir, to }) => {
    await put(store, "k", pattern(LARGE));
    await put(store, "other", pattern(LARGE));
    let round = 0;
    const meddle = async (from: string) => {
      if (!from.endsWith("other")) await put(store, "k", pattern(LARGE, ++round));
    };
    const { problems } = await backUp(dataDir, to, { meddle, isElsewhere });
    assertEquals(problems, [`${BUCKET}/k`]);
    await using copy = await open(to);
    assertEquals(await listNames(copy), ["other"]);
  });
}

test("an object that is deleted meanwhile isn't there, or whole", async ({ store, dataDir, to }) => {
  await put(store, "k", pattern(LARGE));
  await backUp(dataDir, to, { meddle: () => store.delete(at("k")) });
  await using copy = await open(to);
  assertEquals(await listNames(copy), []);
});

test("all that a data dir can hold is there: names, metadata, files by hand, buckets", async ({ store, dataDir, to }) => {
  const keys = ["a", "a/b", "dir/", "a//b", "y".repeat(300), "größe", "plain.txt", "empty"];
  const meta = { user: { colour: "red" }, headers: { "content-type": "text/x" } };
  for (const key of keys) await put(store, key, key === "empty" ? "" : `bytes of ${key}`, { meta });
  await put(store, "large", pattern(LARGE), { meta });
  await createBucket(store, "void");
  await Deno.mkdir(`${dataDir}/${BUCKET}/hand`);
  await Deno.writeTextFile(`${dataDir}/${BUCKET}/hand/made.txt`, "by hand");
  await Deno.symlink("../plain.txt", `${dataDir}/${BUCKET}/hand/link`);
  await Deno.symlink("/etc/passwd", `${dataDir}/${BUCKET}/outside`);
  await Deno.mkdir(`${dataDir}/folder`);
  await Deno.writeTextFile(`${dataDir}/folder/file`, "in a bucket by hand");
  await put(store, "edited", "before", { meta });
  await settled(dataDir);
  await Deno.writeTextFile(`${dataDir}/${BUCKET}/edited`, "AFTER!");

  const { problems } = await backUp(dataDir, to);
  assertEquals(problems, []);
  await using copy = await open(to);
  const buckets = async (store: FileStore) => (await store.listBuckets()).map(({ name }) => name);
  assertEquals(await buckets(copy), await buckets(store));
  const names = await listNames(store);
  assertEquals(await listNames(copy), names);
  assertEquals(names.includes("hand/link") && names.includes("hand/made.txt"), true);
  for (const key of names) {
    assertBytes(await readBytes(copy, at(key)), await readBytes(store, at(key)), key);
    const [{ etag, meta, modifiedMs }, theirs] = [
      await copy.head(at(key)),
      await store.head(at(key)),
    ];
    assertEquals([key, etag, meta, modifiedMs], [key, theirs.etag, theirs.meta, theirs.modifiedMs]);
  }
  assertEquals(await readText(copy, "edited"), "AFTER!");
});

test("an unfinished upload goes on in both, neither in the other's way", async ({ store, dataDir, to }) => {
  const { uploadId } = await createUpload(store, "k");
  const target = { ...at("k"), uploadId };
  const [one, two, other] = [pattern(5 << 20, 1), pattern(1000, 2), pattern(1000, 3)];
  const parts = [await putPart(store, target, 1, one)];
  await backUp(dataDir, to);
  parts.push(await putPart(store, target, 2, two));
  await store.completeUpload({ ...target, parts });
  await using copy = await open(to);
  const theirs = [...parts.slice(0, 1), await putPart(copy, target, 2, other)];
  await copy.completeUpload({ ...target, parts: theirs });
  assertBytes((await readBytes(store, at("k"))).subarray(5 << 20), two);
  assertBytes((await readBytes(copy, at("k"))).subarray(5 << 20), other);
  assertBytes((await readBytes(copy, at("k"))).subarray(0, 5 << 20), one);
});

test("what an earlier backup has isn't copied again", async ({ store, dataDir, to }) => {
  await put(store, "same", pattern(LARGE, 1));
  await put(store, "replaced", pattern(LARGE, 2));
  const first = `${to}-1`;
  const { copied } = await backUp(dataDir, first, { isElsewhere: true });
  await put(store, "replaced", pattern(LARGE, 3));
  const second = await backUp(dataDir, to, { isElsewhere: true, previous: first });
  assertEquals([copied, second.copied, second.linked], [2, 1, 1]);
  await using copy = await open(to);
  assertBytes(await readBytes(copy, at("same")), pattern(LARGE, 1));
  assertBytes(await readBytes(copy, at("replaced")), pattern(LARGE, 3));
  await using old = await open(first);
  assertBytes(await readBytes(old, at("replaced")), pattern(LARGE, 2));
});

test("what fails ends it", async ({ store, dataDir, to }) => {
  await put(store, "k", pattern(LARGE));
  await assertRejects(
    () => backUp(dataDir, to, { meddle: () => Promise.reject(new Error("no room")) }),
    Error,
    "no room",
  );
});
