/** Clusters of other sizes, and the ordeals. */

import { isScenarioName, SCENARIOS } from "./scenarios.ts";
import { testSeeds } from "./seeds.ts";

const SEEDS = 4;

for (const name of Object.keys(SCENARIOS).filter(isScenarioName)) {
  if (name !== "usual") testSeeds(name, 1, SEEDS);
}
