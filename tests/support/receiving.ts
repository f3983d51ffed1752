/** What a server is just receiving, seen from outside. */

const SECONDS_MAX = 30;

/** Waits until so many bodies, all of them too large to be kept in memory, are being received. */
export async function untilReceiving(dataDir: string, count: number): Promise<void> {
  let names: Deno.DirEntry[] = [];
  for (const deadline = Date.now() + SECONDS_MAX * 1000; Date.now() < deadline;) {
    names = await Array.fromAsync(Deno.readDir(`${dataDir}/.tmp`));
    if (names.length === count) return;
  }
  throw new Error(`${names.length} bodies in .tmp, not ${count}, after ${SECONDS_MAX} s`);
}
