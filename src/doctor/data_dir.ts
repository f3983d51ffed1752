/** The data dir: whose it is, whether this user can work in it, and whether a server does. Changes nothing that stays. */

import { dirname, resolve } from "node:path";
import type { Config } from "../config.ts";
import { systemReason } from "../cli/start_error.ts";
import { catalogPath, clusterPath } from "../storage/data_dir.ts";
import { diskFiles, type DiskSpace } from "../storage/files.ts";
import { findFileSystem, IN_MEMORY, judgeFileSystem } from "./file_system.ts";
import { type Finding, joinFindings } from "./finding.ts";
import { judgeSyncs, timeSyncs } from "./sync_speed.ts";

export interface DataDirReport {
  readonly findings: readonly Finding[];
  /** Whether a zs3 has it open. */
  readonly isInUse: boolean;
}

const GiB = 1024 ** 3;
const FREE_ENOUGH = 0.05;
const CLOCK_SLACK_MS = 2_000;

export async function examineDataDir(config: Config): Promise<DataDirReport> {
  const path = resolve(config.dataDir);
  const stat = await statOf(path);
  if (stat instanceof Error) return lacks(`${path} can't be looked at: ${systemReason(stat)}`);
  if (stat !== undefined && !stat.isDirectory) return lacks(`${path} is no folder`);
  const isInUse = stat !== undefined && isLocked(path);
  const folder = stat === undefined ? await nearestFolder(path) : await Deno.realPath(path);
  return {
    findings: [
      joinFindings("data dir", [
        stat === undefined
          ? { state: "ok", text: `${path} will be made at start` }
          : await describe(path, stat, isInUse, config),
      ]),
      judgeSpace(diskFiles.space(folder)),
      ...await probeDisk(folder, config),
      ...(stat === undefined ? [] : [await judgeClockByFiles(path)]),
    ],
    isInUse,
  };
}

function lacks(text: string): DataDirReport {
  return { findings: [{ subject: "data dir", state: "bad", text }], isInUse: false };
}

/** What is at a path: undefined for nothing, an error when that can't be told. */
async function statOf(path: string): Promise<Deno.FileInfo | Error | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Where the data dir will be made. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = dirname(path);; folder = dirname(folder)) {
    const stat = await statOf(folder);
    if (stat !== undefined || folder === dirname(folder)) return folder;
  }
}

async function describe(
  path: string,
  { mode, uid }: Deno.FileInfo,
  isInUse: boolean,
  { cluster }: Config,
): Promise<Omit<Finding, "subject">> {
  const isNodes = await statOf(clusterPath(path)) !== undefined;
  const isStandalone = await statOf(catalogPath(path)) !== undefined;
  const whose = isNodes ? "of a cluster's node" : isStandalone ? "of a standalone server" : "new";
  const text = [
    `${path}, ${whose}`,
    ...(mode === null ? [] : [`mode ${(mode & 0o7777).toString(8).padStart(3, "0")}`]),
    ...(isInUse ? ["locked: a zs3 is running on it"] : []),
  ].join(", ");
  const isOthers = uid !== null && Deno.build.os !== "windows" && uid !== Deno.uid();
  if (cluster !== undefined && isStandalone && !isNodes) {
    return { state: "bad", text: `${text}, but --distributed is given` };
  }
  return isOthers
    ? { state: "note", text: `${text}, of another user (${uid})` }
    : { state: "ok", text };
}

/** A lock that is taken is a server's. Ours is shared, and gone in the same turn. */
function isLocked(dataDir: string): boolean {
  try {
    using file = Deno.openSync(`${dataDir}/.index/lock`, { read: true });
    if (!file.tryLockSync(false)) return true;
    file.unlockSync();
    return false;
  } catch {
    return false; // there is none yet, or the folder says what is wrong
  }
}

export function judgeSpace({ totalBytes, freeBytes, freeFiles }: DiskSpace): Finding {
  const subject = "free space";
  const part = totalBytes === 0 ? 1 : freeBytes / totalBytes;
  const files = freeFiles === Infinity ? "" : `, ${freeFiles} more files`;
  const text = `${gib(freeBytes)} of ${gib(totalBytes)} (${Math.round(part * 100)} %)${files}`;
  const isOut = freeBytes < GiB / 16 || freeFiles < 1000;
  if (isOut) return { subject, state: "bad", text: `${text}: writes are refused, or soon will be` };
  return { subject, state: part < FREE_ENOUGH && freeBytes < 10 * GiB ? "note" : "ok", text };
}

function gib(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GiB`;
}

/** By a file of its own, in the folder or where it will be made. */
async function probeDisk(folder: string, { durability }: Config): Promise<Finding[]> {
  const fileSystem = await findFileSystem(folder);
  const finding = judgeFileSystem(fileSystem);
  let probe: string;
  try {
    probe = await Deno.makeTempFile({ dir: folder, prefix: ".zs3-probe-" });
  } catch (error) {
    const text = `this user can't write to ${folder}: ${systemReason(error)}`;
    return [finding, { subject: "writing", state: "bad", text }];
  }
  try {
    const isInMemory = IN_MEMORY.includes(fileSystem.name ?? "");
    const { isRotating } = fileSystem;
    const medium = { isInMemory, isRotating, isStrict: durability === "strict" };
    return [finding, judgeSyncs(timeSyncs(probe), medium), await judgeFileClock(probe)];
  } catch (error) {
    return [finding, { subject: "writing", state: "bad", text: systemReason(error) }];
  } finally {
    await Deno.remove(probe);
  }
}

/** Edits by hand are noticed by a file's time: a disk with another clock than this machine's is worth knowing. */
async function judgeFileClock(probe: string): Promise<Finding> {
  const { mtime } = await Deno.stat(probe);
  const aheadMs = (mtime?.getTime() ?? Date.now()) - Date.now();
  const isSame = Math.abs(aheadMs) < CLOCK_SLACK_MS;
  return {
    subject: "disk's clock",
    state: isSame ? "ok" : "note",
    text: isSame ? "the same as this machine's" : `${seconds(aheadMs)} off this machine's`,
  };
}

/** What was written before now can't be of later. */
async function judgeClockByFiles(path: string): Promise<Finding> {
  const files = [catalogPath(path), `${catalogPath(path)}-wal`, clusterPath(path)];
  const stats = await Promise.all(files.map(statOf));
  const times = stats.map((stat) =>
    stat === undefined || stat instanceof Error ? 0 : stat.mtime?.getTime() ?? 0
  );
  return judgeClock(Date.now(), Math.max(...times));
}

/** `writtenMs`: when the catalog was written last; 0 for never. */
export function judgeClock(nowMs: number, writtenMs: number): Finding {
  const subject = "clock";
  const now = new Date(nowMs).toISOString();
  if (nowMs < Date.UTC(2026, 0, 1)) {
    return { subject, state: "bad", text: `${now}: before zs3 was made; clients' signatures fail` };
  }
  if (writtenMs > nowMs + CLOCK_SLACK_MS) {
    const text = `${now}: ${seconds(writtenMs - nowMs)} before the catalog was last written`;
    return { subject, state: "bad", text };
  }
  const since = writtenMs === 0 ? "" : ", after the last write";
  return { subject, state: "ok", text: `${now}${since}; no network was asked` };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}
