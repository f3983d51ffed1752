/**
 * A cluster node's disk, with its 1st, 2nd, 3rd … file or database operation failing until none does: what was acknowledged
 * is there afterwards, in the same process and after a restart; the rest is there whole or not at all, and nothing is left.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { blake3Hex } from "../../src/blake3.ts";
import type { ContentStore } from "../../src/storage/content_store.ts";
import { type DiskContent, openDiskContent } from "../../src/storage/disk_content.ts";
import { diskFiles, type Files, type OpenFile } from "../../src/storage/files.ts";
import { mergeRecords, nameOf, type Record, stampOf } from "../../src/storage/record.ts";
import { blockRef, bytesOf, object } from "../suites/content_store/support.ts";
import { patternBytes } from "../support/bytes.ts";
import { TempDir } from "../support/temp_dir.ts";
import { type FaultMode, FaultyDisk, InjectedFault } from "./faulty.ts";

const MODES = ["once", "onwards"] as const;
const BLOCK = patternBytes(100_000);
const HASH = blake3Hex(BLOCK);

interface RecordScenario {
  readonly name: string;
  readonly before: readonly Record[];
  readonly after: readonly Record[];
}

const RECORD_SCENARIOS: readonly RecordScenario[] = [
  {
    name: "a record is applied",
    before: [],
    after: [object("k", 1, { inline: bytesOf("bytes") })],
  },
  {
    name: "a record replaces one",
    before: [object("k", 1, { blocks: [blockRef(1), blockRef(2)] })],
    after: [object("k", 2, { blocks: [blockRef(2), blockRef(3)] })],
  },
  {
    name: "a record is deleted, another patched",
    before: [object("k", 1, { blocks: [blockRef(1)] }), object("l", 1)],
    after: [object("k", 2, { isDeleted: true }), object("l", 1, { patches: { acl: 5 } })],
  },
];

for (const mode of MODES) {
  for (const scenario of RECORD_SCENARIOS) {
    Deno.test(`${scenario.name}, operations fail ${mode}`, async () => {
      await failEach(mode, async (world) => {
        await world.prepare((store) => store.records.apply(scenario.before));
        const isDone = await world.run((store) => store.records.apply(scenario.after));
        await world.inspect((store) => Promise.resolve(assertRecords(store, scenario, isDone)));
      });
    });
  }

  Deno.test(`records are purged, operations fail ${mode}`, async () => {
    const given = [object("k", 1, { blocks: [blockRef(1)] }), object("l", 1, { isDeleted: true })];
    await failEach(mode, async (world) => {
      await world.prepare((store) => store.records.apply(given));
      const changes = given.map((record) => ({ name: nameOf(record), stamp: stampOf(record) }));
      const isDone = await world.run((store) => store.records.purge(changes));
      await world.inspect((store) => {
        const left = given.filter((record) => store.records.find(record) !== undefined);
        if (isDone) assertEquals(left, []);
        assert(left.length === 0 || left.length === 2, `${left.length} records are left`);
        assertEquals(store.records.isReferenced(blockRef(1).hash), left.length > 0);
        return Promise.resolve();
      });
    });
  });

  Deno.test(`a block is written, operations fail ${mode}`, async () => {
    await failEach(mode, async (world) => {
      await world.prepare(() => Promise.resolve());
      const isDone = await world.run((store) => store.blocks.write(HASH, BLOCK));
      await world.inspect((store) => assertBlock(store, isDone));
    });
  });

  Deno.test(`a damaged block is written again, operations fail ${mode}`, async () => {
    await failEach(mode, async (world) => {
      await world.prepare((store) => store.blocks.write(HASH, BLOCK));
      await world.damage();
      const isDone = await world.run((store) => store.blocks.write(HASH, BLOCK));
      await world.inspect((store) => assertBlock(store, isDone));
    });
  });

  Deno.test(`a damaged block is read, operations fail ${mode}`, async () => {
    await failEach(mode, async (world) => {
      await world.prepare((store) => store.blocks.write(HASH, BLOCK));
      await world.damage();
      await world.run(async (store) => assertEquals(await store.blocks.read(HASH), undefined));
      await world.inspect(async (store) => {
        assertEquals(await store.blocks.read(HASH), undefined);
        assertEquals(store.blocks.list("", 10), []);
      });
    });
  });

  Deno.test(`a block is removed, operations fail ${mode}`, async () => {
    await failEach(mode, async (world) => {
      await world.prepare((store) => store.blocks.write(HASH, BLOCK));
      const isDone = await world.run((store) => store.blocks.remove(HASH));
      await world.inspect(async (store) => {
        const isHeld = await store.blocks.read(HASH) !== undefined;
        if (isDone) assertEquals(isHeld, false);
        assertEquals(store.blocks.list("", 10), isHeld ? [HASH] : []);
      });
    });
  });
}

Deno.test("after a failed sync nothing is acknowledged, whether it was applied before or after", async () => {
  await using temp = await TempDir.make();
  const sync = new BrokenSync();
  const store = await openDiskContent({
    dataDir: temp.path,
    durability: "strict",
    files: sync.files,
  });
  const begun = sync.breakNext();
  const first = store.records.apply([object("a", 1)]);
  await begun;
  const others = [object("b", 1), object("a", 1)].map((record) => store.records.apply([record]));
  sync.fail();
  for (const refused of [first, ...others, store.records.apply([object("c", 1)])]) {
    await assertRejects(() => refused);
  }
  await store[Symbol.asyncDispose]();
});

/** The sync of the write-ahead log begins and then waits to be failed. */
class BrokenSync {
  readonly files: Files = { ...diskFiles, open: (path) => this.#open(path) };
  readonly #failure = Promise.withResolvers<void>();
  #begun: PromiseWithResolvers<void> | undefined;

  /** Resolves when the next sync has begun. */
  async breakNext(): Promise<void> {
    this.#begun = Promise.withResolvers();
    await this.#begun.promise;
  }

  fail(): void {
    this.#failure.reject(new Error("the disk is broken"));
  }

  #open(path: string): OpenFile | undefined {
    const file = diskFiles.open(path);
    if (file === undefined) return undefined;
    const sync = file.sync.bind(file);
    file.sync = async () => {
      const begun = this.#begun;
      this.#begun = undefined;
      begun?.resolve();
      await (begun === undefined ? sync() : this.#failure.promise);
    };
    return file;
  }
}

/** Runs `attempt` in a new world with the n-th operation failing, for each n until none did. */
async function failEach(mode: FaultMode, attempt: (world: World) => Promise<void>): Promise<void> {
  let n = 0;
  for (let hasFailed = true; hasFailed;) {
    await using temp = await TempDir.make();
    const world = new World(temp.path, new FaultyDisk(++n, mode), mode);
    try {
      await attempt(world);
    } catch (cause) {
      throw new Error(`operation ${n} failed ${mode}`, { cause });
    }
    hasFailed = world.hasFailed;
  }
  assert(n > 4, `only ${n} operations were made to fail`);
}

/** A data dir, and the disk under it that fails. */
class World {
  readonly #dataDir: string;
  readonly #disk: FaultyDisk;
  readonly #mode: FaultMode;
  #store: DiskContent | undefined;

  constructor(dataDir: string, disk: FaultyDisk, mode: FaultMode) {
    this.#dataDir = dataDir;
    this.#disk = disk;
    this.#mode = mode;
  }

  get hasFailed(): boolean {
    return this.#disk.hasFailed;
  }

  /** Nothing fails. */
  async prepare(work: (store: ContentStore) => Promise<void>): Promise<void> {
    await using store = await openDiskContent({ dataDir: this.#dataDir, durability: "relaxed" });
    await work(store);
  }

  async damage(): Promise<void> {
    const path = `${this.#dataDir}/.cas/${HASH.slice(0, 2)}/${HASH}.blob`;
    await Deno.writeFile(path, BLOCK.subarray(1));
  }

  /** Whether `work` succeeded. */
  async run(work: (store: ContentStore) => Promise<void>): Promise<boolean> {
    const { files, openDatabase } = this.#disk;
    const options = { dataDir: this.#dataDir, durability: "strict", files, openDatabase } as const;
    this.#store = await openDiskContent(options);
    await this.#store.blocks.reconciled();
    this.#disk.arm();
    return await work(this.#store).then(() => true, (error) => {
      if (error instanceof InjectedFault) return false;
      throw error;
    });
  }

  /** In the same process if the disk works again, and after a restart. */
  async inspect(check: (store: ContentStore) => Promise<void>): Promise<void> {
    const store = this.#store;
    if (store === undefined) throw new Error("nothing was run");
    if (this.#mode === "once") {
      this.#disk.disarm();
      await check(store);
    }
    await store[Symbol.asyncDispose]();
    await using reopened = await openDiskContent({
      dataDir: this.#dataDir,
      durability: "relaxed",
    });
    await reopened.blocks.reconciled();
    await check(reopened);
    const temps = Array.from(Deno.readDirSync(`${this.#dataDir}/.tmp`), ({ name }) => name);
    assertEquals(temps, []);
  }
}

/** All of the change or nothing; all, when it was acknowledged. */
function assertRecords(store: ContentStore, scenario: RecordScenario, isDone: boolean): void {
  const { records } = store;
  const names = new Map(
    [...scenario.before, ...scenario.after].map((record) => [record.key, record]),
  );
  const found = Array.from(names.values(), (record) => records.find(record)).filter((record) =>
    record !== undefined
  );
  const merged = scenario.after.map((record) => {
    const before = scenario.before.find(({ key }) => key === record.key);
    return before === undefined ? record : mergeRecords(before, record);
  });
  const isNew = isDone || (found[0] && stampOf(found[0])) === (merged[0] && stampOf(merged[0]));
  assertEquals(found, isNew ? merged : [...scenario.before]);
  const live = found.filter(({ isDeleted }) => !isDeleted);
  const blocks = live.flatMap((record) => record.blocks);
  const hashes = blocks.map(({ hash }) => hash).toSorted();
  assertEquals(records.references("", 10).map(({ hash }) => hash), hashes);
  assertEquals(records.stats().live.object, live.length);
  assertEquals(records.digest(undefined, undefined).count, live.length);
}

/** Whole or not there; there, when it was acknowledged. */
async function assertBlock(store: ContentStore, isDone: boolean): Promise<void> {
  const bytes = await store.blocks.read(HASH);
  if (isDone || bytes !== undefined) assertEquals(bytes, BLOCK);
  assertEquals(store.blocks.list("", 10), bytes === undefined ? [] : [HASH]);
  assertEquals(store.blocks.stats().bytes, bytes?.length ?? 0);
}
