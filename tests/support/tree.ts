/** Folder trees as their users have them: thousands of real files, bad names, empty and large ones; and their comparison. */

import { createHash } from "node:crypto";
import { patternBytes } from "./bytes.ts";
import { NASTY_FILE_NAMES } from "./names.ts";

const MiB = 1024 * 1024;

/** Folders with real files, on one machine or another. */
const SOURCES = ["/usr/include", "/usr/share/doc", "/usr/lib/python3", "/usr/share/perl"];
const SOURCE_FILE_BYTES_MAX = 256 * 1024;

export interface TreeOptions {
  /** Number of real files; the rest is made up. */
  readonly realFiles: number;
  readonly largeFileBytes: readonly number[];
  /** Names that this client can't handle, though the server could. */
  readonly without?: RegExp;
}

export const BIG_TREE: TreeOptions = {
  realFiles: 2500,
  largeFileBytes: [8 * MiB, 8 * MiB + 1, 21 * MiB + 12_345],
};
export const SMALL_TREE: TreeOptions = {
  realFiles: 150,
  largeFileBytes: [8 * MiB, 17 * MiB + 1],
};

/** Clients compare times in whole seconds: a file of this very second is newer than its copy made a moment later. */
const AGE_MS = 60_000;

/** Makes `dir` and fills it with files of a minute ago. */
export async function makeTree(dir: string, options: TreeOptions): Promise<void> {
  await copyRealFiles(`${dir}/real`, options.realFiles);
  const names = NASTY_FILE_NAMES.filter((name) => options.without?.test(name) !== true);
  for (const folder of ["names", "names/in a +%41 folder/ünder", "names/%2e"]) {
    await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
    for (const name of names) await Deno.writeTextFile(`${dir}/${folder}/${name}`, name);
  }
  await Deno.mkdir(`${dir}/sizes`);
  for (const [index, size] of [0, 1, 65_535, 65_536, 65_537, ...options.largeFileBytes].entries()) {
    await Deno.writeFile(`${dir}/sizes/${index}.bin`, patternBytes(size, index + 1));
  }
  const deep = `${dir}/deep${"/d".repeat(40)}`;
  await Deno.mkdir(deep, { recursive: true });
  await Deno.writeTextFile(`${deep}/end`, "deep");
  const time = new Date(Date.now() - AGE_MS);
  for await (const path of filesBelow(dir)) await Deno.utime(`${dir}/${path}`, time, time);
}

/** Relative path → size and SHA-256 of every file below `dir`; folders count only by their files. */
export async function readTree(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const path of filesBelow(dir)) {
    const bytes = await Deno.readFile(`${dir}/${path}`);
    const hash = createHash("sha256").update(bytes).digest("hex");
    files.set(path, `${bytes.length} bytes, SHA-256 ${hash}`);
  }
  return files;
}

/** Throws an error that names the first few differences. */
export async function assertSameTree(actualDir: string, expectedDir: string): Promise<void> {
  const [actual, expected] = [await readTree(actualDir), await readTree(expectedDir)];
  const differences: string[] = [];
  for (const [path, content] of expected) {
    const other = actual.get(path);
    if (other === undefined) differences.push(`missing: ${path}`);
    else if (other !== content) differences.push(`${path}: ${other} instead of ${content}`);
  }
  for (const path of actual.keys()) if (!expected.has(path)) differences.push(`extra: ${path}`);
  if (differences.length === 0) return;
  const shown = differences.slice(0, 10).join("\n");
  throw new Error(`${actualDir} has ${differences.length} differences:\n${shown}`);
}

/** As `assertSameTree`, for files that a server may still be laying out: until they are the same, for at most `msMax`. */
export async function assertSameTreeSoon(
  actualDir: string,
  expectedDir: string,
  msMax = 5000,
): Promise<void> {
  for (const deadline = Date.now() + msMax;;) {
    try {
      return await assertSameTree(actualDir, expectedDir);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function copyRealFiles(target: string, count: number): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  let copied = 0;
  for (const source of SOURCES) {
    for await (const path of filesBelow(source)) {
      if (copied >= count) return;
      const { size } = await Deno.stat(`${source}/${path}`);
      if (size > SOURCE_FILE_BYTES_MAX) continue;
      const file = `${target}/${path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeFile(file, await Deno.readFile(`${source}/${path}`));
      copied++;
    }
  }
  if (copied < count) throw new Error(`only ${copied} of ${count} real files found in ${SOURCES}`);
}

/** Relative paths of plain files, in the order of their names; symlinks are passed over. */
/** Relative paths in order; none when there is no such folder. */
export async function* filesBelow(dir: string, below = ""): AsyncGenerator<string> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(`${dir}/${below}`)) entries.push(entry);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isFile, isDirectory } of entries) {
    const path = below === "" ? name : `${below}/${name}`;
    if (isFile) yield path;
    else if (isDirectory) yield* filesBelow(dir, path);
  }
}
