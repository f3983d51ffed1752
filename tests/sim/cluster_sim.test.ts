/**
 * Three nodes under faults of every kind: the same 200 seeds each time, so that a change is what makes them fail.
 * `ZS3_TEST_NEW_SEEDS=20` adds that many new ones; `deno task sim` runs thousands.
 */

import { environmentNumber } from "../support/seed.ts";
import { testSeeds } from "./seeds.ts";

const SEEDS = 200;
const SEEDS_A_TEST = 25;
const NEW_SEEDS = environmentNumber("ZS3_TEST_NEW_SEEDS");

for (let first = 1; first <= SEEDS; first += SEEDS_A_TEST) testSeeds("usual", first, SEEDS_A_TEST);

// The name of the test has them.
for (const seed of crypto.getRandomValues(new Uint32Array(NEW_SEEDS))) {
  testSeeds("usual", seed + 1, 1);
}
