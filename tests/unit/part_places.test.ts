/** Parts that are written where they will be in the object: when they are joined without copying, and that all comes out right when not. */

import { assertEquals } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { FileStore } from "../../src/storage/file_store.ts";
import { diskFiles, type Files } from "../../src/storage/files.ts";
import type { PartInfo, UploadInfo, WriteCondition } from "../../src/storage/object_store.ts";
import {
  assertBytes,
  assertCode,
  at,
  BUCKET,
  createBucket,
  createUpload,
  joined,
  pattern,
  put,
  readBytes,
  targetOf,
} from "../suites/object_store/support.ts";
import { TempDir } from "../support/temp_dir.ts";

const KEY = "large";
/** S3's least size of a part that isn't the last. */
const PART = 5 * 1024 * 1024;

/** A store on disk with one upload. */
class World {
  store: FileStore;
  readonly upload: UploadInfo;
  readonly #dataDir: string;
  /** By number, as last stored. */
  readonly #stored = new Map<number, { info: PartInfo; bytes: Uint8Array }>();
  #links = 0;

  private constructor(dataDir: string, store: FileStore, upload: UploadInfo) {
    this.#dataDir = dataDir;
    this.store = store;
    this.upload = upload;
  }

  static async open(dataDir: string): Promise<World> {
    const store = await FileStore.open({ dataDir, durability: "relaxed" });
    await createBucket(store, BUCKET);
    const world = new World(dataDir, store, await createUpload(store, KEY));
    await world.restart();
    return world;
  }

  async restart(): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    const files: Files = {
      ...diskFiles,
      link: (path, name) => (this.#links++, diskFiles.link(path, name)),
    };
    this.store = await FileStore.open({ dataDir: this.#dataDir, durability: "relaxed", files });
  }

  /** `gate` holds up the second half of the body. */
  async part(number: number, size: number, seed = number, gate?: Promise<void>): Promise<void> {
    const bytes = pattern(size, seed);
    const info = await this.#put(number, size, async function* () {
      yield bytes.subarray(0, size / 2);
      await gate;
      yield bytes.subarray(size / 2);
    });
    this.#stored.set(number, { info, bytes });
  }

  /** A part whose body turns out not to be what was promised. */
  async refusedPart(number: number, size: number): Promise<void> {
    const put = this.#put(number, size, async function* () {
      yield pattern(size - 1, 99);
      await Promise.resolve();
      throw new S3Error("BadDigest");
    });
    await assertCode(put, "BadDigest");
  }

  async complete(numbers: readonly number[], condition?: WriteCondition): Promise<void> {
    const parts = numbers.map((number) => ({ number, etag: this.#of(number).info.etag }));
    await this.store.completeUpload({
      ...targetOf(this.upload),
      parts,
      ...(condition && { condition }),
    });
  }

  /** Completes with these parts; then the object is those, and nothing is left of the upload. */
  async completesTo(numbers: readonly number[], { linked }: { linked: boolean }): Promise<void> {
    await this.complete(numbers);
    const expected = joined(numbers.map((number) => this.#of(number).bytes));
    assertBytes(await readBytes(this.store, at(KEY)), expected);
    assertEquals(this.#links > 0, linked, "whether the parts' file became the object's");
    await this.restart();
    assertBytes(await readBytes(this.store, at(KEY)), expected);
    assertEquals(this.temps(), []);
  }

  temps(): string[] {
    return Array.from(Deno.readDirSync(`${this.#dataDir}/.tmp`), ({ name }) => name);
  }

  #put(number: number, sizeHint: number, body: () => AsyncIterable<Uint8Array>): Promise<PartInfo> {
    const request = { ...targetOf(this.upload), number, sizeHint, seal: () => undefined };
    return this.store.putPart({ ...request, body: body() });
  }

  #of(number: number): { info: PartInfo; bytes: Uint8Array } {
    const stored = this.#stored.get(number);
    if (stored === undefined) throw new RangeError(`part ${number} was not put`);
    return stored;
  }
}

function test(name: string, run: (world: World) => Promise<void>): void {
  Deno.test(`parts: ${name}`, async () => {
    await using temp = await TempDir.make();
    const world = await World.open(temp.path);
    try {
      await run(world);
    } finally {
      await world.store[Symbol.asyncDispose]();
    }
  });
}

test("at once, the last one shorter", async (world) => {
  await Promise.all([
    world.part(2, PART),
    world.part(1, PART),
    world.part(3, PART),
    world.part(4, 7),
  ]);
  await world.completesTo([1, 2, 3, 4], { linked: true });
});

test("one after the other, in any order, over a restart", async (world) => {
  await world.part(3, PART);
  await world.part(1, PART);
  await world.restart();
  await world.part(4, 1000);
  await world.part(2, PART);
  assertEquals(world.temps().length, 1);
  await world.completesTo([1, 2, 3, 4], { linked: true });
});

test("the last one comes first", async (world) => {
  await world.part(2, 1000);
  await world.part(1, PART);
  await world.completesTo([1, 2], { linked: false });
});

test("of several sizes", async (world) => {
  await world.part(1, PART);
  await world.part(2, PART + 64);
  await world.part(3, PART);
  await world.completesTo([1, 2, 3], { linked: false });
});

test("numbers with gaps", async (world) => {
  await world.part(1, PART);
  await world.part(3, PART);
  await world.completesTo([1, 3], { linked: false });
});

test("one is replaced", async (world) => {
  await world.part(1, PART);
  await world.part(2, PART);
  await world.part(1, PART, 11);
  await world.completesTo([1, 2], { linked: false });
});

test("one is replaced twice", async (world) => {
  await world.part(1, PART);
  await world.part(2, PART);
  await world.part(1, PART, 11);
  await world.part(1, PART, 12);
  await world.completesTo([1, 2], { linked: false });
});

test("two of one number at once", async (world) => {
  const gate = Promise.withResolvers<void>();
  const first = world.part(1, PART, 11, gate.promise);
  await world.part(1, PART, 12);
  await world.part(2, PART);
  gate.resolve();
  await first;
  await world.completesTo([1, 2], { linked: true });
});

test("a refused one leaves the others alone, and can be sent again", async (world) => {
  await world.part(2, PART);
  await world.refusedPart(1, PART);
  await world.refusedPart(2, PART);
  await world.part(1, PART);
  await world.completesTo([1, 2], { linked: true });
});

test("nothing is left of a refused one that is alone", async (world) => {
  await world.refusedPart(1, PART);
  assertEquals(world.temps(), []);
  await world.part(1, PART);
  await world.completesTo([1], { linked: true });
});

test("some aren't named", async (world) => {
  for (const number of [1, 2, 3]) await world.part(number, PART);
  await world.completesTo([1, 2], { linked: false });
});

test("a refused completion leaves the upload as it was", async (world) => {
  for (const number of [1, 2]) await world.part(number, PART);
  await put(world.store, KEY, "there already");
  await assertCode(world.complete([1, 2], { ifAbsent: true }), "PreconditionFailed");
  await world.part(3, PART);
  await world.completesTo([1, 2, 3], { linked: true });
});

test("one is still under way when the others are completed", async (world) => {
  await world.part(1, PART);
  const gate = Promise.withResolvers<void>();
  const late = world.part(2, PART, 2, gate.promise);
  await world.complete([1]);
  gate.resolve();
  await assertCode(late, "NoSuchUpload");
  await world.restart();
  assertBytes(await readBytes(world.store, at(KEY)), pattern(PART, 1));
  assertEquals(world.temps(), []);
});

test("one that is longer than announced reaches no other", async (world) => {
  await world.part(2, PART);
  const upload = { ...targetOf(world.upload), number: 1, sizeHint: PART };
  const body = (async function* () {
    yield await Promise.resolve(pattern(PART + 1, 99));
  })();
  const putting = world.store.putPart({ ...upload, body, seal: () => undefined });
  await assertCode(putting, "IncompleteBody");
  await world.part(1, PART);
  await world.completesTo([1, 2], { linked: true });
});

test("an aborted upload takes its file with it", async (world) => {
  for (const number of [1, 2]) await world.part(number, PART);
  await world.store.abortUpload(targetOf(world.upload));
  assertEquals(world.temps(), []);
});
