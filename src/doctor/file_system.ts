/** What a folder lies on: the kind of file system, and what that means for data. */

import { statfsSync } from "node:fs";
import type { Finding } from "./finding.ts";

export interface FileSystem {
  /** As Linux names it; undefined when it isn't known. */
  readonly name: string | undefined;
  /** undefined: not known, as without the right to read /proc. */
  readonly options: string | undefined;
  /** Whether it keeps a journal of its own; undefined: not known. */
  readonly isJournaled: boolean | undefined;
  /** Whether the disk under it has to turn; undefined: not known. */
  readonly isRotating: boolean | undefined;
}

/** statfs(2), "type". ext2, ext3 and ext4 share one. */
const MAGIC: Readonly<Record<number, string>> = {
  0xef53: "ext",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x2fc12fc1: "zfs",
  0xf2f52010: "f2fs",
  0xca451a4e: "bcachefs",
  0x01021994: "tmpfs",
  0x858458f6: "ramfs",
  0x794c7630: "overlay",
  0x6969: "nfs",
  0xff534d42: "cifs",
  0xfe534d42: "smb2",
  0x01021997: "9p",
  0x65735546: "fuse",
  0x00c36400: "ceph",
  0x4d44: "vfat",
  0x2011bab0: "exfat",
  0x7366746e: "ntfs3",
  0xf15f: "ecryptfs",
};

/** File systems that keep files in memory. */
export const IN_MEMORY: readonly string[] = ["tmpfs", "ramfs"];
const NETWORK = ["nfs", "nfs4", "cifs", "smb2", "smb3", "9p", "ceph", "virtiofs"];
const WITHOUT_JOURNAL = ["vfat", "exfat", "ext2", "msdos"];
/** They write changes beside what they replace, or log them. */
const SAFE_BY_DESIGN = ["xfs", "btrfs", "zfs", "f2fs", "bcachefs", "ext3", "apfs", "ntfs3"];

/** Looks at the folder, and at /proc as far as that is allowed. */
export async function findFileSystem(folder: string): Promise<FileSystem> {
  const mount = await findMount(folder);
  if (mount !== undefined) return mount;
  const name = Deno.build.os === "linux" ? MAGIC[statfsSync(folder).type] : undefined;
  return { name, options: undefined, isJournaled: journalOf(name), isRotating: undefined };
}

export function judgeFileSystem(fileSystem: FileSystem): Finding {
  const subject = "file system";
  const { name, options, isJournaled, isRotating } = fileSystem;
  if (name === undefined) return { subject, state: "ok", text: `not known on ${Deno.build.os}` };
  const disk = isRotating === undefined
    ? ""
    : isRotating
    ? ", on a turning disk"
    : ", no turning disk";
  const text = `${name}${options === undefined ? "" : ` (${options})`}${disk}`;
  if (IN_MEMORY.includes(name)) {
    return { subject, state: "bad", text: `${text}: memory, all is lost at a restart` };
  }
  if (name === "overlay") {
    return { subject, state: "note", text: `${text}: goes with its container, use a volume` };
  }
  if (NETWORK.includes(name) || name.startsWith("fuse")) {
    return {
      subject,
      state: "note",
      text: `${text}: what is durable, and whether locks hold, is another program's word`,
    };
  }
  if (isNobarrier(options)) {
    return { subject, state: "bad", text: `${text}: without barriers a power cut breaks promises` };
  }
  if (isJournaled === false) {
    return { subject, state: "note", text: `${text}: no journal, expect fsck after a power cut` };
  }
  return { subject, state: "ok", text: isJournaled ? `${text}, journaled` : text };
}

function isNobarrier(options: string | undefined): boolean {
  return options?.split(",").some((option) => option === "nobarrier" || option === "barrier=0") ??
    false;
}

function journalOf(name: string | undefined): boolean | undefined {
  if (name === undefined) return undefined;
  if (SAFE_BY_DESIGN.includes(name)) return true;
  return WITHOUT_JOURNAL.includes(name) ? false : undefined;
}

export interface Mount {
  readonly device: string;
  readonly point: string;
  readonly name: string;
  readonly source: string;
  readonly options: string;
}

/** undefined where there is no /proc, or no right to read it. */
async function findMount(folder: string): Promise<FileSystem | undefined> {
  const table = await readSystemFile("/proc/self/mountinfo");
  const mount = table === undefined ? undefined : findMountOf(table, folder);
  if (mount === undefined) return undefined;
  const { name, options, source, device } = mount;
  const isJournaled = name === "ext4"
    ? await hasJournal(source.replace(/^.*\//, ""))
    : journalOf(name);
  // Virtual disks say that they turn when nobody has told them what they lie on.
  const isVirtual = /^\/dev\/x?vd/.test(source);
  return {
    name,
    options,
    isJournaled,
    isRotating: isVirtual ? undefined : await isTurning(device),
  };
}

/** The mount under which a path lies: the deepest, and of several at one place the last. proc_pid_mountinfo(5). */
export function findMountOf(table: string, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of table.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const [, , device = "", , point = "", options = ""] = left.split(" ").map(unescapeMount);
    const [name = "", source = "", superOptions = ""] = right.split(" ").map(unescapeMount);
    if (name === "" || !isWithin(point, path) || point.length < (found?.point.length ?? 0)) {
      continue;
    }
    const own = superOptions.split(",").filter((option) =>
      /^(no)?barrier|^data=|^sync$/.test(option)
    );
    found = { device, point, name, source, options: [options, ...own].join(",") };
  }
  return found;
}

/** A blank is written as \040. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}

function isWithin(folder: string, path: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

async function hasJournal(device: string): Promise<boolean | undefined> {
  try {
    for await (const { name } of Deno.readDir("/proc/fs/jbd2")) {
      if (name.replace(/-\d+$/, "") === device) return true;
    }
    return false;
  } catch (error) {
    // Without the folder no file system of this machine has a journal of ext4's.
    return error instanceof Deno.errors.NotFound ? false : undefined;
  }
}

/** A partition has its disk's queue one folder up. */
async function isTurning(device: string): Promise<boolean | undefined> {
  for (const queue of ["queue", "../queue"]) {
    const text = await readSystemFile(`/sys/dev/block/${device}/${queue}/rotational`);
    if (text !== undefined) return text.trim() === "1";
  }
  return undefined;
}

/** undefined when it isn't there or may not be read: /proc and /sys need all rights of Deno's. */
export async function readSystemFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}
