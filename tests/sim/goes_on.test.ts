/** With one machine dead or silent at a time the others go on within 2 s, by the clocks of the simulation. */

import { assert } from "@std/assert";
import { runScenario } from "./scenarios.ts";

const GOES_ON_MS_MAX = 2_000;
const SEEDS = 16;

for (let seed = 1; seed <= SEEDS; seed++) {
  Deno.test(`requests over the others go on within 2 s when a node dies, seed ${seed}`, async () => {
    const { tally } = await runScenario("usual", seed, { faults: ["crash"] });
    assert(tally.ok > 0);
    assert(tally.slowestMs <= GOES_ON_MS_MAX, `an answer took ${Math.round(tally.slowestMs)} ms`);
  });
}
