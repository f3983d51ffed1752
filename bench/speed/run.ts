/** Runs scenarios: in each round all that are compared are measured one after the other. */

import { printLine } from "../../src/cli/print.ts";
import type { Bench, Figure } from "./bench.ts";
import { median } from "./median.ts";
import { ratioOf, type Scenario, type Target } from "./scenario.ts";

export interface Result {
  readonly scenario: Scenario;
  readonly basisName: string | undefined;
  /** By name, in the order of measuring. */
  readonly rounds: ReadonlyMap<string, readonly Figure[]>;
  readonly medians: ReadonlyMap<string, Figure>;
  /** By name: why there are no figures. */
  readonly failures: ReadonlyMap<string, string>;
  /** The judged one's to the basis, of the medians. */
  readonly ratio: number | undefined;
  readonly targets: readonly (Target & { readonly isMet: boolean })[];
}

interface Contestant {
  readonly name: string;
  readonly measure: () => Promise<Figure>;
}

/** A contestant that fails is left out of the rounds that follow. */
export async function runScenario(bench: Bench, scenario: Scenario): Promise<Result> {
  const contestants = contestantsOf(bench, scenario);
  const rounds = new Map<string, Figure[]>();
  const failures = new Map<string, string>();
  for (let round = 1; round <= bench.options.rounds; round++) {
    for (const { name, measure } of contestants) {
      if (failures.has(name)) continue;
      try {
        const figure = await measure();
        rounds.set(name, [...rounds.get(name) ?? [], figure]);
        say(`${scenario.name} round ${round}: ${name} ${figure.value.toFixed(1)} ${scenario.unit}`);
      } catch (error) {
        failures.set(name, error instanceof Error ? error.message : String(error));
        say(`${scenario.name} round ${round}: ${name} FAILED: ${failures.get(name)}`);
      }
    }
  }
  return judge(scenario, contestants[0]?.name, rounds, failures);
}

function contestantsOf(bench: Bench, scenario: Scenario): Contestant[] {
  const { basis, judged, isForPeers, measure } = scenario;
  const byName = (name: string) => ({ name, measure: () => measure(bench, name) });
  const others = judged === "zs3" && bench.options.before !== undefined ? ["zs3-before"] : [];
  const peers = isForPeers ? bench.peers.map(({ name }) => name) : [];
  const named = [judged, ...others, ...peers].map(byName);
  if (basis === undefined) return named;
  const first = typeof basis === "string"
    ? byName(basis)
    : { name: basis.name, measure: () => basis.measure(bench) };
  return [first, ...named];
}

function judge(
  scenario: Scenario,
  firstName: string | undefined,
  rounds: ReadonlyMap<string, readonly Figure[]>,
  failures: ReadonlyMap<string, string>,
): Result {
  const basisName = scenario.basis === undefined ? undefined : firstName;
  const whole = [...rounds].filter(([name]) => !failures.has(name));
  const medians = new Map(whole.map(([name, figures]) => [name, medianFigure(figures)]));
  const judged = medians.get(scenario.judged);
  const basis = basisName === undefined ? undefined : medians.get(basisName);
  const ratio = judged === undefined || basis === undefined
    ? undefined
    : ratioOf(scenario.unit, judged.value, basis.value);
  const targets = scenario.targets.map((target) => {
    const value = target.of === "ratio" ? ratio : judged?.[target.of];
    return { ...target, isMet: isMet(target, value) };
  });
  return { scenario, basisName, rounds, medians, failures, ratio, targets };
}

function medianFigure(figures: readonly Figure[]): Figure {
  const of = (field: keyof Figure) => median(figures.map((figure) => figure[field] ?? NaN));
  const value = of("value");
  return figures[0]?.p99Ms === undefined
    ? { value }
    : { value, p50Ms: of("p50Ms"), p99Ms: of("p99Ms") };
}

function isMet({ atLeast = -Infinity, atMost = Infinity }: Target, value: number | undefined) {
  return value !== undefined && value >= atLeast && value <= atMost;
}

/** To stderr: stdout is for the table. */
function say(line: string): void {
  printLine(Deno.stderr, line);
}
