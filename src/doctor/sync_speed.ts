/** How long a small append takes to become durable, and whether that can be true. */

import type { Finding } from "./finding.ts";

const ROUNDS = 40;
/** The first ones have the file made and its blocks found. */
const WARM_UP = 4;
const ALL_MS_MAX = 1_500;
const APPEND_BYTES = 4096;

/** No device answers a flush so soon: a disk with a protected cache takes some 20 µs, the system call alone 1 or 2. */
const NO_DEVICE_MS = 0.01;
/** A disk at 15,000 turns a minute waits 2 ms for half a turn. */
const TURNING_MS = 1;
const SLOW_MS = 50;

/** Milliseconds of each append and fdatasync. Throws what the disk says. Leaves a file for the caller to remove. */
export function timeSyncs(path: string): number[] {
  const bytes = crypto.getRandomValues(new Uint8Array(APPEND_BYTES));
  using file = Deno.openSync(path, { write: true, append: true, create: true });
  const times: number[] = [];
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    const before = performance.now();
    file.writeSync(bytes);
    file.syncDataSync();
    const now = performance.now();
    if (round >= WARM_UP) times.push(now - before);
    if (now - startedAt > ALL_MS_MAX && times.length > 0) break;
  }
  return times;
}

export interface Medium {
  readonly isInMemory: boolean;
  readonly isRotating: boolean | undefined;
  readonly isStrict: boolean;
}

export function judgeSyncs(times: readonly number[], medium: Medium): Finding {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  const median = at(0.5);
  const measured = `4 KiB durable in ${ms(median)} (median of ${times.length}; worst ${ms(at(1))})`;
  const [state, remark] = judge(median, medium);
  return { subject: "fsync", state, text: `${measured}: ${remark}` };
}

function judge(
  median: number,
  { isInMemory, isRotating, isStrict }: Medium,
): [Finding["state"], string] {
  if (isInMemory) return ["note", "nothing here outlives a restart"];
  if (median < NO_DEVICE_MS) {
    const state = isStrict ? "bad" : "note";
    return [state, "no device is that fast, so fsync does nothing here: a power cut loses data"];
  }
  if (isRotating && median < TURNING_MS) {
    return ["note", "faster than a disk turns: a cache answers; is it safe in a power cut?"];
  }
  if (median > SLOW_MS) return ["note", "plausible, but every write waits for it"];
  return ["ok", "plausible"];
}

function ms(value: number): string {
  return value < 1 ? `${Math.round(value * 1000)} µs` : `${value.toFixed(1)} ms`;
}
