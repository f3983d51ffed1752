/** What a running program says of itself at /_zs3/metrics. */

import type { Program } from "./program.ts";

/** The value of a sample, `name{label="…"}` as it stands there; NaN when there is none. */
export async function readMetric(program: Pick<Program, "url">, sample: string): Promise<number> {
  const text = await (await fetch(`${program.url}/_zs3/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`${sample} `));
  return line === undefined ? NaN : Number(line.slice(sample.length + 1));
}
