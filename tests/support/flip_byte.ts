/** A file that rots. */

/** As a failing disk does: size and time stay as they were. */
export async function flipByte(path: string, offset: number): Promise<void> {
  const { atime, mtime } = await Deno.stat(path);
  const bytes = await Deno.readFile(path);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
  await Deno.writeFile(path, bytes);
  await Deno.utime(path, atime ?? 0, mtime ?? 0);
}
