/**
 * The folder of a backup: what is being made lies beside it under another name, and takes its place when it is whole. Only what
 * was made here, and not used since, is ever replaced or removed.
 */

import { isMissing } from "../storage/files.ts";
import { exists, isWithin } from "./data_dir.ts";
import { StartError, systemReason } from "./start_error.ts";

/** In each backup: what it is of, and the state of its database, so that it is seen when a server has used it since. */
interface Mark {
  readonly format: 1;
  readonly of: string;
  readonly made: string;
  readonly database: { readonly name: string; readonly size: number; readonly mtimeMs: number };
}

const MARK = ".index/backup.json";
const UNFINISHED = ".zs3-unfinished-backup";

export class BackupFolder {
  /** Absolute paths: where the backup will be, and where it is made. */
  readonly path: string;
  readonly partial: string;
  /** Whether there is an earlier one, which this one will replace. */
  readonly hasPrevious: boolean;

  private constructor(path: string, hasPrevious: boolean) {
    this.path = path;
    this.partial = `${path}.partial`;
    this.hasPrevious = hasPrevious;
  }

  /** Makes the folder in which the backup is made. Throws StartError when something else is in the way. */
  static async open(to: string, dataDir: string): Promise<BackupFolder> {
    const path = await absolute(to);
    if (isWithin(dataDir, path) || isWithin(path, dataDir)) {
      throw new StartError(`${path} and ${dataDir} must be two folders, neither in the other`);
    }
    await finishReplacing(path);
    const hasPrevious = await findReplaceable(path);
    const folder = new BackupFolder(path, hasPrevious);
    await removeUnfinished(folder.partial);
    await Deno.mkdir(folder.partial, { recursive: true });
    await Deno.writeTextFile(`${folder.partial}/${UNFINISHED}`, "");
    for (const name of [".index", ".tmp"]) await Deno.mkdir(`${folder.partial}/${name}`);
    return folder;
  }

  /** Call it when all is there: the backup takes its place, and that of an earlier one. */
  async finish(dataDir: string, databaseName: string): Promise<void> {
    const database = await stateOf(this.partial, databaseName);
    const made = new Date().toISOString();
    const mark: Mark = { format: 1, of: dataDir, made, database };
    await Deno.writeTextFile(`${this.partial}/${MARK}`, `${JSON.stringify(mark, undefined, 2)}\n`);
    await Deno.remove(`${this.partial}/${UNFINISHED}`);
    for (const path of [`${this.partial}/${MARK}`, `${this.partial}/.index`, this.partial]) {
      await sync(path);
    }
    if (this.hasPrevious) await Deno.rename(this.path, oldOf(this.path));
    await Deno.rename(this.partial, this.path);
    await sync(parentOf(this.path));
    if (this.hasPrevious) await Deno.remove(oldOf(this.path), { recursive: true });
  }

  /** Leaves nothing of a backup that can't be finished. */
  async discard(): Promise<void> {
    await removeUnfinished(this.partial);
  }
}

async function absolute(to: string): Promise<string> {
  const path = to.replace(/(?<=.)\/+$/, "");
  const slash = path.lastIndexOf("/");
  const [parent, name] = slash < 0
    ? [".", path]
    : [path.slice(0, slash) || "/", path.slice(slash + 1)];
  if (["", ".", ".."].includes(name)) throw new StartError(`--to=${to} names no folder`);
  try {
    await Deno.mkdir(parent, { recursive: true });
    return `${(await Deno.realPath(parent)).replace(/\/$/, "")}/${name}`;
  } catch (cause) {
    throw new StartError(`${parent} can't hold a backup: ${systemReason(cause)}`, { cause });
  }
}

/** A run was ended between taking the old one away and putting the new one in its place, or removing the old one. */
async function finishReplacing(path: string): Promise<void> {
  const old = oldOf(path);
  if (await readMark(old) === undefined) return;
  if (await exists(path)) await Deno.remove(old, { recursive: true });
  else await Deno.rename(old, path);
}

/** Whether there is an earlier backup. Throws StartError when there is something that is none, or no longer. */
async function findReplaceable(path: string): Promise<boolean> {
  if (!await exists(path) || await isEmpty(path)) return false;
  const mark = await readMark(path);
  if (mark === undefined) {
    throw new StartError(
      `${path} is no backup: give a folder that isn't there, or an earlier backup`,
    );
  }
  const { name, size, mtimeMs } = mark.database;
  const now = await stateOf(path, name).catch(() => undefined);
  // A copy may have kept no more than whole seconds.
  const isSameTime = now?.mtimeMs === mtimeMs ||
    now?.mtimeMs === Math.floor(mtimeMs / 1000) * 1000;
  const isUsed = now?.size !== size || !isSameTime || await exists(`${path}/.index/${name}-wal`);
  if (!isUsed) return true;
  throw new StartError(
    `${path} was a backup, and a server has used it since: it isn't replaced. Give another folder`,
  );
}

async function removeUnfinished(partial: string): Promise<void> {
  if (!await exists(partial)) return;
  if (!await exists(`${partial}/${UNFINISHED}`) && await readMark(partial) === undefined) {
    throw new StartError(`${partial} is in the way: it is no unfinished backup`);
  }
  await Deno.remove(partial, { recursive: true });
}

async function readMark(path: string): Promise<Mark | undefined> {
  try {
    const mark = JSON.parse(await Deno.readTextFile(`${path}/${MARK}`));
    return mark?.format === 1 ? mark : undefined;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function stateOf(path: string, name: string): Promise<Mark["database"]> {
  const { size, mtime } = await Deno.stat(`${path}/.index/${name}`);
  return { name, size, mtimeMs: mtime?.getTime() ?? 0 };
}

async function isEmpty(path: string): Promise<boolean> {
  for await (const _ of Deno.readDir(path)) return false;
  return true;
}

async function sync(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

function oldOf(path: string): string {
  return `${path}.old`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
