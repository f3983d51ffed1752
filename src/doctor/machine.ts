/** The machine and what the server needs of it besides a disk: versions, port, certificate, open files, memory. */

import { systemReason } from "../cli/start_error.ts";
import { readTls } from "../cli/tls_files.ts";
import type { Config } from "../config.ts";
import { VERSION } from "../version.ts";
import { readSystemFile } from "./file_system.ts";
import type { Finding } from "./finding.ts";

const MiB = 1024 ** 2;
const DAY_MS = 86_400_000;
/** For the catalog, and for objects that are read and written at a time. */
const FILES_BESIDE_CONNECTIONS = 512;
const MEMORY_BYTES_ENOUGH = 256 * MiB;

export function describeVersions(): Finding {
  const { os, arch } = Deno.build;
  const text =
    `${VERSION}, Deno ${Deno.version.deno} (V8 ${Deno.version.v8}), ${os} ${Deno.osRelease()} ${arch}`;
  return { subject: "zs3", state: "ok", text };
}

/** Opens the port for a moment. `isInUse`: a zs3 runs on the data dir, which may be who has it. */
export function examinePort({ host, port }: Config, isInUse: boolean): Finding {
  const subject = "port";
  if (port === 0) return { subject, state: "ok", text: "0: any free one" };
  const place = `${port} on ${host}`;
  try {
    Deno.listen({ hostname: host, port }).close();
    return { subject, state: "ok", text: `${place} is free` };
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      return isInUse
        ? { subject, state: "ok", text: `${place} is taken, as by the zs3 that is running` }
        : { subject, state: "bad", text: `${place} is taken by another program` };
    }
    return { subject, state: "bad", text: `${place} can't be opened: ${systemReason(error)}` };
  }
}

/** Nothing when no TLS is asked for. */
export async function examineTls({ tls }: Config): Promise<Finding[]> {
  if (tls === undefined) return [];
  const subject = "certificate";
  try {
    const { cert } = await readTls(tls);
    const { X509Certificate } = await import("node:crypto");
    return [judgeExpiry(Date.parse(new X509Certificate(cert).validTo), Date.now())];
  } catch (error) {
    return [{ subject, state: "bad", text: systemReason(error) }];
  }
}

export function judgeExpiry(validToMs: number, nowMs: number): Finding {
  const subject = "certificate";
  const days = Math.floor((validToMs - nowMs) / DAY_MS);
  const date = new Date(validToMs).toISOString().slice(0, 10);
  if (days < 0) return { subject, state: "bad", text: `valid until ${date}: it has expired` };
  return { subject, state: days < 14 ? "note" : "ok", text: `valid until ${date}, ${days} days` };
}

/** As the system says it, or whether as many can be opened as are needed. */
export async function examineOpenFiles({ connectionLimits }: Config): Promise<Finding> {
  const { connectionsMax } = connectionLimits;
  const enough = connectionsMax + FILES_BESIDE_CONNECTIONS;
  const limits = await readSystemFile("/proc/self/limits");
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits ?? "") ?? [];
  if (soft !== undefined) return judgeOpenFiles(Number(soft), String(soft), connectionsMax);
  const count = await countOpenable(enough);
  return judgeOpenFiles(
    count,
    count < enough ? String(count) : `at least ${count}`,
    connectionsMax,
  );
}

export function judgeOpenFiles(count: number, text: string, connectionsMax: number): Finding {
  const subject = "open files";
  if (count < 256) return { subject, state: "bad", text: `${text}: raise the limit (ulimit -n)` };
  const isEnough = count >= connectionsMax + FILES_BESIDE_CONNECTIONS;
  const advice = `too few for --max-connections=${connectionsMax}: raise the limit, or lower that`;
  return isEnough
    ? { subject, state: "ok", text }
    : { subject, state: "note", text: `${text}: ${advice}` };
}

async function countOpenable(enough: number): Promise<number> {
  const probe = await Deno.makeTempFile();
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < enough) files.push(Deno.openSync(probe));
  } catch {
    // that was the last one
  } finally {
    for (const file of files) file.close();
    await Deno.remove(probe);
  }
  return files.length;
}

export function examineMemory(): Finding {
  const { total, available } = Deno.systemMemoryInfo();
  const text = `${mib(available)} of ${mib(total)} available`;
  return {
    subject: "memory",
    state: available < MEMORY_BYTES_ENOUGH ? "note" : "ok",
    text,
  };
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MiB)} MiB`;
}

/** Who can use the server, in as far as that is a risk. */
export function describeKeys({ keyPairs, usesDefaultKeys, tls }: Config): Finding {
  const subject = "keys";
  const count = `${keyPairs.length} key ${keyPairs.length === 1 ? "pair" : "pairs"}`;
  const scheme = tls === undefined ? "http" : "https";
  return usesDefaultKeys
    ? { subject, state: "note", text: `the default pair minioadmin/minioadmin, ${scheme}` }
    : { subject, state: "ok", text: `${count}, ${scheme}` };
}

/** A file with secrets that others may read. */
export async function examineConfigFile(path: string | undefined): Promise<Finding[]> {
  if (path === undefined) return [];
  const { mode } = await Deno.stat(path);
  const isOpen = mode !== null && Deno.build.os !== "windows" && (mode & 0o004) !== 0;
  const text = isOpen ? `${path} can be read by everybody: chmod 640` : path;
  return [{ subject: "config file", state: isOpen ? "note" : "ok", text }];
}
