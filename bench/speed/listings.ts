/** Measures of LIST pages. Buckets are made by dropping empty files into the data dir before the server starts. */

import { printLine } from "../../src/cli/print.ts";
import type { Bench, Measure } from "./bench.ts";
import { Connection } from "./connection.ts";
import { pathOf, putObjects } from "./objects.ts";
import { rateOf, runTimed } from "./request_loads.ts";
import type { Draft } from "./requests.ts";
import { BUCKET, type Subject } from "./subject.ts";

export interface Shape {
  readonly bucket: string;
  readonly keys: (largeKeys: number) => number;
  readonly folders: number;
  readonly delimiter: "" | "/";
}

export const SMALL: Shape = { bucket: "small", keys: () => 10_000, folders: 1, delimiter: "" };
export const FLAT: Shape = { bucket: "flat", keys: (large) => large, folders: 1, delimiter: "" };
export const DEEP: Shape = { bucket: "deep", keys: (large) => large, folders: 1000, delimiter: "" };
export const FOLDERS: Shape = { ...DEEP, delimiter: "/" };

const PAGE = 1000;
/** The folder of the keys that are put. */
const LISTED = "listed";

/** Pages per second, of all pages in turn. Servers whose data dir isn't made of plain files have the keys put. */
export function listPages(shape: Shape, connections: number): Measure {
  return async (bench, name) => {
    const isFiles = name.startsWith("zs3");
    const subject = isFiles
      ? await bench.use(name, await listedFolder(bench, name))
      : await useWithKeys(bench, name, shape);
    const bucket = isFiles ? shape.bucket : BUCKET;
    const drafts = pageDrafts(shape, shape.keys(bench.options.keys), bucket);
    return rateOf(await runTimed(bench, drafts, connections, subject));
  };
}

/** A folder with a data dir whose buckets zs3 has listed to their ends; all of them in a run with large buckets. */
export async function listedFolder(bench: Bench, name: string): Promise<string> {
  const dir = `${bench.dir}/lists-of-${name}`;
  const { isLarge, keys } = bench.options;
  await bench.once(dir, async () => {
    await Deno.mkdir(dir);
    const shapes = isLarge ? [SMALL, FLAT, DEEP] : [SMALL];
    for (const shape of shapes) dropFiles(`${dir}/data/${shape.bucket}`, shape, keys);
    const subject = await bench.use(name, dir);
    const start = performance.now();
    for (const shape of shapes) await listAll(subject, shape, keys);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    printLine(Deno.stderr, `${name} took in all dropped files in ${seconds} s`);
  });
  return dir;
}

async function useWithKeys(bench: Bench, name: string, shape: Shape): Promise<Subject> {
  const subject = await bench.use(name);
  const objects = { folder: LISTED, count: shape.keys(bench.options.keys), sizeBytes: 0 };
  await bench.once(`objects ${LISTED} in ${name}`, () => putObjects(objects, subject));
  return subject;
}

function dropFiles(path: string, shape: Shape, largeKeys: number): void {
  const count = shape.keys(largeKeys);
  const perFolder = Math.ceil(count / shape.folders);
  for (let n = 0; n < count; n++) {
    const file = `${path}/${keyOf(shape, n, count)}`;
    if (n % perFolder === 0) Deno.mkdirSync(file.replace(/[^/]*$/, ""), { recursive: true });
    Deno.openSync(file, { write: true, createNew: true }).close();
  }
}

async function listAll(subject: Subject, shape: Shape, largeKeys: number): Promise<void> {
  using connection = await Connection.open(subject);
  const drafts = pageDrafts({ ...shape, delimiter: "" }, shape.keys(largeKeys), shape.bucket);
  for (const draft of drafts) await connection.ask(draft);
}

/** All full pages, by the key before each; with a delimiter there is one: of the folders. */
function pageDrafts(shape: Shape, count: number, bucket: string): Draft[] {
  const pages = shape.delimiter === "" ? Math.max(1, Math.floor(count / PAGE)) : 1;
  const delimiter = shape.delimiter === "" ? [] : [["delimiter", shape.delimiter] as const];
  const prefix = bucket === BUCKET ? `${LISTED}/` : "";
  const keyBefore = (n: number) =>
    bucket === BUCKET
      ? pathOf({ folder: LISTED }, n).slice(BUCKET.length + 2)
      : keyOf(shape, n, count);
  return Array.from({ length: pages }, (_, page) => ({
    method: "GET",
    path: `/${bucket}`,
    query: [
      ["list-type", "2"],
      ["prefix", prefix],
      ...delimiter,
      ...(page === 0 ? [] : [["start-after", keyBefore(page * PAGE - 1)] as const]),
    ],
  }));
}

/** In the order of listings. */
function keyOf({ folders }: Shape, n: number, count: number): string {
  const name = String(n).padStart(8, "0");
  const perFolder = Math.ceil(count / folders);
  return folders === 1 ? name : `${String(Math.floor(n / perFolder)).padStart(4, "0")}/${name}`;
}
