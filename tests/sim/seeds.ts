/** Runs a scenario with many seeds as one test, and says how to see a failure again. */

import { runScenario, type ScenarioName } from "./scenarios.ts";

/** With `count` seeds from `first` on. A failure names the command that replays it. */
export function testSeeds(name: ScenarioName, first: number, count: number): void {
  const seeds = count === 1 ? `seed ${first}` : `seeds ${first} to ${first + count - 1}`;
  Deno.test(`simulator: ${name}, ${seeds}`, async () => {
    for (let seed = first; seed < first + count; seed++) {
      await runScenario(name, seed).catch((cause: unknown) => {
        const command = `deno task sim --scenario="${name}" --seed=${seed} --count=1`;
        throw new Error(`replay it with: ${command}`, { cause });
      });
    }
  });
}
