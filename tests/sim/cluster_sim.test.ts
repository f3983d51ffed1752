/**
 * Three nodes under faults of every kind: the same 200 seeds each time, so that a change is what makes them fail, and a few new
 * ones, so that they don't stay all that was ever tried.
 */

import { testSeeds } from "./seeds.ts";

const SEEDS = 200;
const SEEDS_A_TEST = 25;
const NEW_SEEDS = 5;

for (let first = 1; first <= SEEDS; first += SEEDS_A_TEST) testSeeds("usual", first, SEEDS_A_TEST);

// The name of the test has them.
for (const seed of crypto.getRandomValues(new Uint32Array(NEW_SEEDS))) {
  testSeeds("usual", seed + 1, 1);
}
