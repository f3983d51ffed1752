/**
 * What a cluster node's own disk does, without a network: records applied and found, pages of listings, digests, blocks.
 *
 *   deno run -A bench/content_store.ts [--records=100000] [--blocks=200] [--dir=/tmp] [--durability=strict]
 */

import { parseArgs } from "@std/cli/parse-args";
import { blake3Hex } from "../src/blake3.ts";
import { type DiskContent, openDiskContent } from "../src/storage/disk_content.ts";
import { objectName, type Record } from "../src/storage/record.ts";
import { eachLimited } from "../src/storage/turns.ts";
import { patternBytes } from "../tests/support/bytes.ts";
import { SeededRandom } from "../tests/support/seed.ts";

interface Row {
  readonly what: string;
  readonly count: number;
  readonly perSecond: number;
  /** Of one, as its caller sees it. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

const options = parseArgs(Deno.args, {
  default: { records: 100_000, blocks: 200, dir: "/tmp", durability: "strict" },
  string: ["dir", "durability"],
});
const random = new SeededRandom(1);
const INLINE = patternBytes(1024);
const BLOCK_BYTES = 1024 * 1024;
const PAGE = 1000;

const dataDir = await Deno.makeTempDir({ dir: options.dir, prefix: "zs3-bench-" });
try {
  await using store = await openDiskContent({
    dataDir,
    durability: options.durability === "relaxed" ? "relaxed" : "strict",
  });
  const rows = [
    await measureApplies(store, 16),
    await measureApplies(store, 64),
    await fill(store),
    ...measureReads(store),
    ...await measureBlocks(store),
  ];
  // deno-lint-ignore no-console -- a benchmark prints its result
  console.table(rows);
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

async function measureApplies(store: DiskContent, atOnce: number): Promise<Row> {
  const records = Array.from({ length: 20_000 }, (_, n) => newRecord(`apply-${atOnce}/${n}`, n));
  return await measure(
    `apply, 1 KiB inline, ${atOnce} at once`,
    records,
    atOnce,
    (record) => store.records.apply([record]),
  );
}

/** In batches, as a node that joins takes them over. */
async function fill(store: DiskContent): Promise<Row> {
  const all = Array.from({ length: options.records }, (_, n) => newRecord(randomKey(), n));
  const batches = Array.from(
    { length: Math.ceil(all.length / 500) },
    (_, n) => all.slice(n * 500, n * 500 + 500),
  );
  return await measure(
    "apply 500 in random order",
    batches,
    4,
    (batch) => store.records.apply(batch),
  );
}

function measureReads({ records }: DiskContent): Row[] {
  const keys = Array.from({ length: 10_000 }, randomKey);
  const pages = keys.slice(0, 300);
  const range = (key: string) =>
    ({ kind: "object", bucket: "bench", from: { kind: "from", key }, before: undefined }) as const;
  const bounds = pages.map((key) => [objectName("bench", key), objectName("bench", randomKey())]);
  const { lastSeq } = records;
  return [
    measureSync("find", keys, (key) => records.find(objectName("bench", key))),
    measureSync(`scan of ${PAGE}`, pages, (key) => records.scan(range(key), PAGE)),
    measureSync(`scan of ${PAGE} heads`, pages, (key) => records.scanHeads(range(key), PAGE)),
    measureSync(
      `${PAGE} changes`,
      pages,
      () => records.changesAfter(random.below(lastSeq - PAGE), PAGE),
    ),
    measureSync(`${PAGE} names`, bounds, ([after]) => records.names(after, undefined, PAGE)),
    measureSync("digest of all", pages, () => records.digest(undefined, undefined)),
    measureSync("digest of a range", bounds, ([after, until]) => records.digest(after, until)),
    measureSync("split into 16", pages, () => records.split(undefined, undefined, 16)),
    measureSync("stats", pages, () => records.stats()),
  ];
}

async function measureBlocks({ blocks }: DiskContent): Promise<Row[]> {
  const rows: Row[] = [];
  const all: string[] = [];
  for (const atOnce of [1, 4, 16]) {
    const contents = Array.from({ length: options.blocks }, (_, n) => {
      const bytes = patternBytes(BLOCK_BYTES, 1 + all.length + n);
      return { hash: blake3Hex(bytes), bytes };
    });
    all.push(...contents.map(({ hash }) => hash));
    rows.push(
      await measure(
        `write 1 MiB blocks, ${atOnce} at once`,
        contents,
        atOnce,
        ({ hash, bytes }) => blocks.write(hash, bytes),
      ),
    );
    if (atOnce !== 16) continue;
    rows.push(
      await measure(
        "write blocks that are held",
        contents,
        4,
        ({ hash, bytes }) => blocks.write(hash, bytes),
      ),
    );
  }
  rows.push(
    await measure("read 1 MiB blocks, 4 at once", all, 4, async (hash) => {
      await blocks.read(hash);
    }),
    measureSync("has", all, (hash) => blocks.has(hash)),
  );
  return rows;
}

async function measure<T>(
  what: string,
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<Row> {
  const times: number[] = [];
  const start = performance.now();
  await eachLimited(items, atOnce, async (item) => {
    const begin = performance.now();
    await work(item);
    times.push(performance.now() - begin);
  });
  return toRow(what, times, performance.now() - start);
}

function measureSync<T>(what: string, items: readonly T[], work: (item: T) => unknown): Row {
  const start = performance.now();
  const times = items.map((item) => {
    const begin = performance.now();
    work(item);
    return performance.now() - begin;
  });
  return toRow(what, times, performance.now() - start);
}

function toRow(what: string, times: readonly number[], totalMs: number): Row {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor(share * sorted.length)] ?? 0).toFixed(4));
  return {
    what,
    count: times.length,
    perSecond: Math.round(times.length / totalMs * 1000),
    medianMs: at(0.5),
    p99Ms: at(0.99),
  };
}

function newRecord(key: string, n: number): Record {
  return {
    ...objectName("bench", key),
    version: n.toString(16).padStart(18, "0") + "ab".repeat(20),
    isDeleted: false,
    data: {
      size: INLINE.length,
      etag: "0123456789abcdef0123456789abcdef",
      modified: 1_700_000_000_000 + n,
      meta: { headers: { "content-type": "application/octet-stream" }, user: {}, tags: {} },
    },
    patches: {},
    blocks: [],
    inline: INLINE,
  };
}

function randomKey(): string {
  return `folder-${random.below(100)}/object-${random.below(10_000_000).toString(36)}.bin`;
}
