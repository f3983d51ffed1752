/** What figures are compared with besides servers: what one core, the disk and Deno itself do. Measured in the same rounds. */

import { createHash } from "node:crypto";
import type { Bench, Figure } from "./bench.ts";
import { syncDisks } from "./disk.ts";
import { makeBody } from "./objects.ts";
import { median } from "./median.ts";

const MB = 1e6;
const CHUNK_BYTES = 256 * 1024;
const HASH_MS = 400;
const COPIES = 3;

/** MB/s of one core. */
export function hashRate(algorithm: "md5" | "sha256") {
  return (bench: Bench): Promise<Figure> => {
    bench.pauseAll();
    const chunk = new Uint8Array(CHUNK_BYTES);
    const hash = createHash(algorithm);
    const start = performance.now();
    let bytes = 0;
    for (; performance.now() - start < HASH_MS; bytes += chunk.length) hash.update(chunk);
    hash.digest();
    return Promise.resolve({ value: bytes / MB / (performance.now() - start) * 1000 });
  };
}

/** Milliseconds until a copy of a file of that size is on the disk. */
export function copiedFile(sizeBytes: number) {
  return async (bench: Bench): Promise<Figure> => {
    bench.pauseAll();
    const [source, target] = [`${bench.dir}/copy-source`, `${bench.dir}/copy-target`];
    await bench.once(source, () => Deno.writeFile(source, makeBody(sizeBytes)));
    await syncDisks();
    const times: number[] = [];
    for (let n = 0; n < COPIES; n++) {
      const start = performance.now();
      await Deno.copyFile(source, target);
      using file = await Deno.open(target, { write: true });
      await file.sync();
      times.push(performance.now() - start);
      await Deno.remove(target);
    }
    return { value: median(times) };
  };
}

/** Milliseconds in which Deno starts, does nothing, and ends. */
export async function emptyProgram(bench: Bench): Promise<Figure> {
  bench.pauseAll();
  const start = performance.now();
  await new Deno.Command(Deno.execPath(), { args: ["eval", "0"] }).output();
  return { value: performance.now() - start };
}
