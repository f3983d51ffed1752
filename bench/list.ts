/**
 * What a LIST page of 1000 costs in a large bucket against a small one: flat, in folders, and with a delimiter. The large
 * buckets are made by hand, as files dropped into the data dir, so it also shows what taking them in costs.
 *
 *   deno run -A bench/list.ts [--keys=1000000] [--pages=200]
 */

import { parseArgs } from "@std/cli/parse-args";
import { LIMITS } from "../src/limits.ts";
import { FileStore } from "../src/storage/file_store.ts";
import type { ListPosition } from "../src/storage/object_store.ts";
import { median } from "./speed/median.ts";

interface Shape {
  readonly bucket: string;
  readonly keys: number;
  readonly folders: number;
  readonly delimiter: string;
}

interface Row {
  readonly bucket: string;
  readonly keys: number;
  readonly folders: number;
  readonly delimiter: string;
  /** Until the first page after the files were dropped in, and all of them listed once. */
  readonly firstPageMs: number;
  readonly takeInMs: number;
  /** Of a page whose files haven't been compared with the catalog for a while, and of one whose files have. */
  readonly coldPageMs: number;
  readonly hotPageMs: number;
  /** Of the cold page's time in the small flat bucket. */
  readonly coldRatio: number;
  readonly hotRatio: number;
}

const options = parseArgs(Deno.args, { default: { keys: 1_000_000, pages: 200 } });
const SHAPES: readonly Shape[] = [
  { bucket: "small-flat", keys: 10_000, folders: 1, delimiter: "" },
  { bucket: "large-flat", keys: options.keys, folders: 1, delimiter: "" },
  { bucket: "large-deep", keys: options.keys, folders: 1000, delimiter: "" },
  { bucket: "large-deep", keys: options.keys, folders: 1000, delimiter: "/" },
];

/** The store's clock: put forward, all that was checked lately is due again; stopped, it never is. */
let clockMs = Date.now();
const clock = { now: () => clockMs };

const dataDir = await Deno.makeTempDir({ prefix: "zs3-bench-" });
try {
  const rows = await measureAll();
  // deno-lint-ignore no-console -- a benchmark prints its result
  console.table(rows);
  // deno-lint-ignore no-console -- as above
  console.log(JSON.stringify({ bench: "list", pages: options.pages, rows }));
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

async function measureAll(): Promise<Row[]> {
  const rows: Row[] = [];
  await using store = await FileStore.open({ dataDir, durability: "strict", clock });
  for (const shape of SHAPES) {
    await dropFiles(shape);
    const started = performance.now();
    await listPages(store, shape, 1);
    const firstPageMs = performance.now() - started;
    await listPages(store, shape, Infinity);
    const takeInMs = performance.now() - started;
    const coldPageMs = median(await listPages(store, shape, options.pages, LIMITS.fileRecheckMs));
    const hotPageMs = median(await listPages(store, { ...shape, keys: 5000 }, options.pages));
    const first = rows[0] ?? { coldPageMs, hotPageMs };
    const ratios = {
      coldRatio: coldPageMs / first.coldPageMs,
      hotRatio: hotPageMs / first.hotPageMs,
    };
    rows.push({ ...shape, firstPageMs, takeInMs, coldPageMs, hotPageMs, ...ratios });
  }
  return rows;
}

async function dropFiles({ bucket, keys, folders }: Shape): Promise<void> {
  const path = `${dataDir}/${bucket}`;
  try {
    await Deno.mkdir(path);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  for (let folder = 0; folder < folders; folder++) {
    const name = folders === 1 ? path : `${path}/${String(folder).padStart(4, "0")}`;
    Deno.mkdirSync(name, { recursive: true });
    for (let n = folder; n < keys; n += folders) {
      Deno.openSync(`${name}/${String(n).padStart(8, "0")}`, { write: true, createNew: true })
        .close();
    }
  }
}

/** Milliseconds that each page took, round and round; the clock goes on by `passMs` before each. */
async function listPages(
  store: FileStore,
  { bucket, delimiter, keys }: Shape,
  pagesMax: number,
  passMs = 0,
): Promise<number[]> {
  const times: number[] = [];
  let after: ListPosition | undefined = { kind: "start" };
  for (let listed = 0; times.length < pagesMax; listed += 1000) {
    clockMs += passMs;
    const started = performance.now();
    const page = await store.list(bucket, { prefix: "", delimiter, after, limit: 1000 });
    times.push(performance.now() - started);
    after = page.next;
    if (after === undefined && pagesMax === Infinity) break;
    if (after === undefined || listed >= keys) [after, listed] = [{ kind: "start" }, 0];
  }
  return times;
}
