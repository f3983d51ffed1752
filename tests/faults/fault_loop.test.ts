/**
 * Every change, with its 1st, 2nd, 3rd … file or catalog operation failing until none does: afterwards, in the same
 * process and after a restart, there is the old object or the new one, whole, with its own metadata, and nothing else.
 */

import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import type { ObjectMeta, ObjectStore } from "../../src/storage/object_store.ts";
import { md5Of, pattern, readBytes } from "../suites/object_store/support.ts";
import { type FaultMode, FaultyDisk } from "./faulty.ts";

const BUCKET = "bucket";
const SMALL = pattern(1000, 1);
const LARGE = pattern(LIMITS.inlineBodyBytesMax + 1000, 2);

/** What a key holds: its bytes and, in its metadata, which version it is. */
type Contents = Readonly<Record<string, Uint8Array>>;

interface Scenario {
  readonly name: string;
  readonly before: Contents;
  readonly after: Contents;
  readonly run: (store: ObjectStore) => Promise<unknown>;
}

const SCENARIOS: readonly Scenario[] = [
  put("a small object is put", {}, "dir/a", SMALL),
  put("a large object is put", {}, "dir/a", LARGE),
  put("a small object replaces a small one", { "dir/a": pattern(7, 3) }, "dir/a", SMALL),
  put("a large object replaces a small one", { "dir/a": pattern(7, 3) }, "dir/a", LARGE),
  put("a small object replaces a large one", { "dir/a": pattern(70_000, 4) }, "dir/a", SMALL),
  put("a file gives way to a folder", { a: SMALL }, "a/b", SMALL),
  put("a folder has the object's name", { "a/b": SMALL }, "a", LARGE),
  {
    name: "an object is deleted, and its folder with it",
    before: { "dir/a": SMALL, b: LARGE },
    after: { b: LARGE },
    run: (store) => store.delete({ bucket: BUCKET, key: "dir/a" }),
  },
  {
    name: "a small object is copied",
    before: { a: SMALL },
    after: { a: SMALL, "dir/b": SMALL },
    run: (store) => copy(store, "a", "dir/b", SMALL),
  },
  {
    name: "a large object is copied over another",
    before: { a: LARGE, b: SMALL },
    after: { a: LARGE, b: LARGE },
    run: (store) => copy(store, "a", "b", LARGE),
  },
  {
    name: "an upload is completed over an object",
    before: { a: SMALL },
    after: { a: LARGE },
    run: (store) => upload(store, "a", LARGE),
  },
];

for (const mode of ["once", "onwards"] as const) {
  for (const scenario of SCENARIOS) {
    Deno.test(`${scenario.name}, operations fail ${mode}`, async () => {
      let n = 1;
      while (await runWithFault(scenario, n, mode)) n++;
      assert(n > 5, `only ${n} operations were made to fail`);
    });
  }
}

/** Gives false when the change was over before the n-th operation. */
async function runWithFault(scenario: Scenario, n: number, mode: FaultMode): Promise<boolean> {
  const dataDir = await Deno.makeTempDir({ prefix: "zs3-fault-" });
  try {
    await prepare(dataDir, scenario.before);
    const disk = new FaultyDisk(n, mode);
    const faulty = await FileStore.open({ dataDir, durability: "strict", ...disk });
    disk.arm();
    const isDone = await succeeds(scenario.run(faulty));
    const label = `${scenario.name}, operation ${n} fails ${mode}, ${isDone ? "200" : "refused"}`;
    if (mode === "once") {
      disk.disarm();
      await assertOneOf(faulty, scenario, isDone, `${label}, still running`);
    }
    await succeeds(faulty[Symbol.asyncDispose]());
    const reopened = await FileStore.open({ dataDir, durability: "relaxed" });
    await abortUploads(reopened);
    await assertOneOf(reopened, scenario, isDone, `${label}, reopened`);
    await reopened[Symbol.asyncDispose]();
    await assertNoLeftovers(dataDir, scenario, label);
    return disk.hasFailed;
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function prepare(dataDir: string, contents: Contents): Promise<void> {
  await using store = await FileStore.open({ dataDir, durability: "relaxed" });
  await store.createBucket(BUCKET, { owner: "owner", acl: "private" });
  for (const [key, bytes] of Object.entries(contents)) await putObject(store, key, bytes);
}

/** An upload that a crash interrupted is kept: its client may go on with it. */
async function abortUploads(store: ObjectStore): Promise<void> {
  const query = { prefix: "", delimiter: "", after: undefined, limit: 10 };
  for (const entry of (await store.listUploads(BUCKET, query)).entries) {
    if (entry.kind === "upload") await store.abortUpload(entry.upload);
  }
}

/** A change that was answered with success is there; one that was refused is there whole or not at all. */
async function assertOneOf(
  store: ObjectStore,
  scenario: Scenario,
  isDone: boolean,
  label: string,
): Promise<void> {
  const found = await readAll(store);
  const wanted = describe(scenario.after);
  if (isDone || same(found, wanted)) assertEquals(found, wanted, label);
  else assertEquals(found, describe(scenario.before), label);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Key → hash of the bytes, ETag, and the hash that the metadata says. */
async function readAll(store: ObjectStore): Promise<Record<string, string>> {
  const query = { prefix: "", delimiter: "", after: { kind: "start" }, limit: 100 } as const;
  const found: Record<string, string> = {};
  for (const entry of (await store.list(BUCKET, query)).entries) {
    if (entry.kind !== "object") throw new TypeError("no delimiter was asked for");
    const target = { bucket: BUCKET, key: entry.object.key };
    const bytes = await readBytes(store, target);
    const info = await store.head(target);
    assertEquals(info.etag, entry.object.etag);
    assertEquals(info.size, bytes.length);
    found[target.key] = `${md5Of(bytes)} ${info.meta.user["md5"]}`;
  }
  return found;
}

function describe(contents: Contents): Record<string, string> {
  const keys = Object.keys(contents).sort();
  return Object.fromEntries(
    keys.map((key) => {
      const md5 = md5Of(contents[key] ?? new Uint8Array());
      return [key, `${md5} ${md5}`];
    }),
  );
}

/** No body is left in the temp folder, and no file in the bucket's but the objects' own. */
async function assertNoLeftovers(
  dataDir: string,
  scenario: Scenario,
  label: string,
): Promise<void> {
  assertEquals(await countFiles(`${dataDir}/.tmp`), 0, `${label}: temp files are left`);
  const files = await countFiles(`${dataDir}/${BUCKET}`);
  const counts = [scenario.before, scenario.after].map((contents) => Object.keys(contents).length);
  assert(counts.includes(files), `${label}: ${files} files for ${counts} objects`);
}

async function countFiles(path: string): Promise<number> {
  let count = 0;
  for await (const entry of Deno.readDir(path)) {
    count += entry.isDirectory ? await countFiles(`${path}/${entry.name}`) : 1;
  }
  return count;
}

async function succeeds(change: PromiseLike<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch {
    return false;
  }
}

function put(name: string, before: Contents, key: string, bytes: Uint8Array): Scenario {
  const after = { ...before, [key]: bytes };
  return { name, before, after, run: (store) => putObject(store, key, bytes) };
}

function metaOf(bytes: Uint8Array): ObjectMeta {
  return { headers: {}, user: { md5: md5Of(bytes) }, tags: {}, acl: "private" };
}

async function putObject(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  await store.put({ bucket: BUCKET, key, body: bodyOf(bytes), seal: () => metaOf(bytes) });
}

async function copy(
  store: ObjectStore,
  from: string,
  to: string,
  bytes: Uint8Array,
): Promise<void> {
  await store.copy({
    from: { bucket: BUCKET, key: from },
    to: { bucket: BUCKET, key: to },
    plan: () => ({ meta: metaOf(bytes), checksum: "keep" }),
  });
}

async function upload(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  const init = {
    bucket: BUCKET,
    key,
    initiator: undefined,
    meta: metaOf(bytes),
    checksum: undefined,
  };
  const { uploadId } = await store.createUpload(init);
  const target = { bucket: BUCKET, key, uploadId };
  try {
    const part = await store.putPart({
      ...target,
      number: 1,
      body: bodyOf(bytes),
      seal: () => undefined,
    });
    await store.completeUpload({ ...target, parts: [{ number: 1, etag: part.etag }] });
  } catch (error) {
    // As a client does. What is left of the upload otherwise is swept when it is old.
    await succeeds(store.abortUpload(target));
    throw error;
  }
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
