/**
 * Gives back the runtime that is in an executable made by `deno compile` for Linux, as it was before a program was put inside:
 * `deno run -A scripts/build/extract_runtime.ts EXECUTABLE RUNTIME`. For machines that reach such an executable, but not the place
 * from which Deno fetches its runtime.
 *
 * Deno adds the program as an ELF note. Both tables of headers, which grow by it, are written anew behind the end of the file, and
 * the ELF header tells where they are; nothing else changes (measured with Deno 2.9.6).
 */

import { Buffer } from "node:buffer";

/** Offsets in the header of a 64-bit ELF file: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html. */
const HEADER = {
  segmentsAt: 0x20,
  sectionsAt: 0x28,
  segmentCount: 0x38,
  sectionSize: 0x3a,
  sectionCount: 0x3c,
  nameSection: 0x3e,
} as const;

const HEADER_BYTES = 64;
/** What Deno adds: a segment that is loaded, and the note; a section for the note, and one for its name. */
const ADDED = 2;
const MAGIC = [0x7f, 0x45, 0x4c, 0x46, 2, 1]; // "\x7fELF", 64 bits, little-endian

/** Throws an Error for a file that isn't such an executable. */
export function extractRuntime(executable: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (MAGIC.some((byte, at) => executable[at] !== byte)) {
    throw new Error("it is no 64-bit ELF file");
  }
  const view = new DataView(executable.buffer, executable.byteOffset);
  const sectionSize = view.getUint16(HEADER.sectionSize, true);
  const sectionsAt = Number(view.getBigUint64(HEADER.sectionsAt, true));
  const sectionCount = view.getUint16(HEADER.sectionCount, true) - ADDED;
  // The headers before the section of names are in both tables the same.
  const same = view.getUint16(HEADER.nameSection, true) * sectionSize;
  const formerAt = findLast(executable, executable.subarray(sectionsAt, sectionsAt + same));
  if (formerAt === -1) throw new Error("it has no program inside");
  const runtime = executable.slice(0, formerAt + sectionCount * sectionSize);
  const header = new DataView(runtime.buffer);
  header.setBigUint64(HEADER.segmentsAt, BigInt(HEADER_BYTES), true);
  header.setBigUint64(HEADER.sectionsAt, BigInt(formerAt), true);
  header.setUint16(HEADER.segmentCount, view.getUint16(HEADER.segmentCount, true) - ADDED, true);
  header.setUint16(HEADER.sectionCount, sectionCount, true);
  return runtime;
}

/** Where `bytes` are for the last time before they are where `bytes` itself is a part of `all`; -1 when nowhere. */
function findLast(all: Uint8Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>): number {
  const end = bytes.byteOffset - all.byteOffset;
  return Buffer.from(all.buffer, all.byteOffset, end).lastIndexOf(bytes);
}

if (import.meta.main) {
  const [from, to] = Deno.args;
  if (from === undefined || to === undefined) throw new Error("EXECUTABLE and RUNTIME are needed");
  await Deno.writeFile(to, extractRuntime(await Deno.readFile(from)), { mode: 0o755 });
}
