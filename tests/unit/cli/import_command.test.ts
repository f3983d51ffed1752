import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  type ImportSink,
  type ImportSource,
  importStore,
} from "../../../src/cli/import_command.ts";
import { ProgressBar } from "../../../src/cli/progress_bar.ts";
import { S3Error } from "../../../src/errors.ts";
import { FileStore } from "../../../src/storage/file_store.ts";
import { MemoryStore } from "../../../src/storage/memory_store.ts";
import type {
  Body,
  BucketInfo,
  ObjectInfo,
  ObjectMeta,
  ObjectPart,
  ObjectStore,
  Target,
} from "../../../src/storage/object_store.ts";
import {
  assertBytes,
  assertSameInfo,
  bodyOf,
  joined,
  pattern,
} from "../../suites/object_store/support.ts";
import { flipByte } from "../../support/flip_byte.ts";
import { TempDir } from "../../support/temp_dir.ts";

const META: ObjectMeta = {
  headers: { "content-type": "text/plain" },
  user: { colour: "red" },
  tags: { a: "b" },
  acl: "public-read",
  checksum: { algorithm: "CRC32", value: "AAAAAA==", type: "FULL_OBJECT" },
};
const NO_SCREEN = { isTerminal: () => false, writeSync: (bytes: Uint8Array) => bytes.length };

interface Imported {
  readonly info: ObjectInfo;
  readonly parts: readonly ObjectPart[] | undefined;
  readonly bytes: Uint8Array;
}

/** Keeps what it is given, as it is given. */
class FakeSink implements ImportSink {
  readonly buckets = new Map<string, BucketInfo>();
  readonly objects = new Map<string, Imported>();
  /** Names of the objects given, in order. */
  readonly given: string[] = [];
  /** How many objects it takes before it is full. */
  room = Infinity;

  createBucket(info: BucketInfo): Promise<void> {
    this.buckets.set(info.name, info);
    return Promise.resolve();
  }

  hasObject({ bucket, key, etag, modifiedMs }: ObjectInfo): Promise<boolean> {
    const info = this.objects.get(`${bucket}/${key}`)?.info;
    return Promise.resolve(info?.etag === etag && info.modifiedMs === modifiedMs);
  }

  async importObject(
    info: ObjectInfo,
    parts: readonly ObjectPart[] | undefined,
    body: Body,
  ): Promise<void> {
    const name = `${info.bucket}/${info.key}`;
    this.given.push(name);
    if (this.room-- <= 0) throw new S3Error("StorageFull");
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk.slice());
    this.objects.set(name, {
      info,
      parts,
      bytes: joined(chunks),
    });
  }
}

async function importAll(
  source: ImportSource,
  sink: ImportSink,
): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const code = await importStore(source, sink, new ProgressBar(NO_SCREEN), (line) => {
    lines.push(line);
  });
  return { code, lines };
}

async function put(store: ObjectStore, target: Target, bytes: Uint8Array): Promise<ObjectInfo> {
  return await store.put({ ...target, body: bodyOf(bytes), seal: () => META });
}

async function putInParts(store: ObjectStore, target: Target): Promise<Uint8Array> {
  const pieces = [pattern(5 * 1024 * 1024, 1), pattern(10, 2)];
  const { checksum: _, ...meta } = META;
  const upload = await store.createUpload({
    ...target,
    initiator: "me",
    meta,
    checksum: undefined,
  });
  const parts = [];
  for (const [index, bytes] of pieces.entries()) {
    const number = 2 * index + 1;
    const { etag } = await store.putPart({
      ...target,
      uploadId: upload.uploadId,
      number,
      body: bodyOf(bytes),
      seal: () => undefined,
    });
    parts.push({ number, etag });
  }
  await store.completeUpload({ ...target, uploadId: upload.uploadId, parts });
  return joined(pieces);
}

/** Two buckets with everything that an object can have; returns the bytes by name. */
async function fill(store: ObjectStore): Promise<Map<string, Uint8Array>> {
  await store.createBucket("one", { owner: "alice", acl: "public-read" });
  await store.updateBucket("one", { cors: "<rules/>", tags: { team: "blue" } });
  await store.createBucket("two", { owner: undefined, acl: "private" });
  const contents = new Map<string, Uint8Array>([
    ["one/empty", new Uint8Array()],
    ["one/large", pattern(300_000, 3)],
    ["two/ü b", pattern(10, 4)],
  ]);
  for (const [name, bytes] of contents) await put(store, targetOf(name), bytes);
  contents.set("two/parts", await putInParts(store, { bucket: "two", key: "parts" }));
  return contents;
}

function targetOf(name: string): Target {
  const slash = name.indexOf("/");
  return { bucket: name.slice(0, slash), key: name.slice(slash + 1) };
}

async function assertAllThere(
  store: ObjectStore,
  contents: ReadonlyMap<string, Uint8Array>,
  sink: FakeSink,
): Promise<void> {
  assertEquals([...sink.buckets.values()], await store.listBuckets());
  assertEquals([...sink.objects.keys()].sort(), [...contents.keys()].sort());
  for (const [name, { info, parts, bytes }] of sink.objects) {
    assertEquals(info.meta.user, { colour: "red" });
    assertSameInfo(info, await store.head(targetOf(name)));
    assertEquals(parts, await store.findParts(targetOf(name)));
    assertBytes(bytes, contents.get(name) ?? new Uint8Array(1), name);
  }
}

async function openFiles(dataDir: string): Promise<FileStore> {
  return await FileStore.open({ dataDir, durability: "relaxed" });
}

const BYTES = 5 * 1024 * 1024 + 300_020;

Deno.test("import carries buckets and objects over as they are", async () => {
  await using temp = await TempDir.make();
  await using files = await openFiles(temp.path);
  for (const store of [new MemoryStore(), files]) {
    const contents = await fill(store);
    const sink = new FakeSink();
    const line = `imported 4 objects of ${BYTES} bytes into 2 buckets: no problems`;
    assertEquals(await importAll(store, sink), { code: 0, lines: [line] });
    await assertAllThere(store, contents, sink);
    assertMatch(sink.objects.get("two/parts")?.info.etag ?? "", /-2$/);
  }
});

Deno.test("import of what is there already copies nothing", async () => {
  await using store = new MemoryStore();
  await fill(store);
  const sink = new FakeSink();
  await importAll(store, sink);
  await put(store, { bucket: "one", key: "large" }, pattern(20, 9));
  sink.given.length = 0;
  const line = "imported 1 object of 20 bytes into 2 buckets, 3 objects there already: no problems";
  assertEquals(await importAll(store, sink), { code: 0, lines: [line] });
  assertEquals(sink.given, ["one/large"]);
});

Deno.test("import that was stopped goes on where it was, object by object", async () => {
  await using store = new MemoryStore();
  await store.createBucket("one", { owner: undefined, acl: "private" });
  for (let n = 0; n < 200; n++) await put(store, { bucket: "one", key: `k${n}` }, pattern(n, n));
  const sink = new FakeSink();
  sink.room = 50;
  await assertRejects(() => importAll(store, sink), S3Error);
  assertEquals(sink.objects.size, 50);
  assertEquals(sink.given.length <= 66, true, `${sink.given.length} were tried`);
  sink.room = Infinity;
  const { code, lines } = await importAll(store, sink);
  assertEquals([code, sink.objects.size], [0, 200]);
  assertMatch(lines.join(), /^imported 150 objects .* 50 objects there already: no problems$/);
});

Deno.test("import tells of bytes that aren't those that were written, and leaves them out", async () => {
  await using temp = await TempDir.make();
  {
    await using store = await openFiles(temp.path);
    await fill(store);
  }
  for (const name of ["one/large", "two/parts"]) await flipByte(`${temp.path}/${name}`, 1000);
  await using store = await openFiles(temp.path);
  const sink = new FakeSink();
  const { code, lines } = await importAll(store, sink);
  const what = "its bytes aren't those that were written: zs3 check says more";
  assertEquals([code, lines], [1, [
    `one/large: ${what}`,
    `two/parts: ${what}`,
    "imported 2 objects of 10 bytes into 2 buckets: 2 problems",
  ]]);
  assertEquals([...sink.objects.keys()].sort(), ["one/empty", "two/ü b"]);
});

Deno.test("import takes files that were put there by hand", async () => {
  await using temp = await TempDir.make();
  await Deno.mkdir(`${temp.path}/photos/2026`, { recursive: true });
  await Deno.writeTextFile(`${temp.path}/photos/2026/a.txt`, "hello");
  await using store = await openFiles(temp.path);
  const sink = new FakeSink();
  assertEquals((await importAll(store, sink)).code, 0);
  const imported = sink.objects.get("photos/2026/a.txt");
  assertEquals(imported?.info.etag, "5d41402abc4b2a76b9719d911017c592");
  assertEquals(new TextDecoder().decode(imported?.bytes), "hello");
});

Deno.test("import goes on after an object that can't be read", async () => {
  await using store = new MemoryStore();
  await fill(store);
  const source: ImportSource = {
    listBuckets: () => store.listBuckets(),
    list: (bucket, query) => store.list(bucket, query),
    findParts: (target) => store.findParts(target),
    open: async (target) => {
      if (target.key === "empty") throw new Deno.errors.PermissionDenied("no entry (os error 13)");
      if (target.key === "large") throw new S3Error("NoSuchKey");
      return await store.open(target);
    },
  };
  const { code, lines } = await importAll(source, new FakeSink());
  assertEquals([code, lines.slice(0, 2)], [1, [
    "one/empty: it can't be read: no entry",
    "one/large: it went away meanwhile",
  ]]);
});
