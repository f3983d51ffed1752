/** Results as a table of at most 120 columns, and as JSON that the next run can be compared with. */

import type { Bench } from "./bench.ts";
import type { Machine } from "./machine.ts";
import type { Result } from "./run.ts";
import { ratioOf, type Target, type Unit } from "./scenario.ts";

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (result: Result) => string;
}

/** What follows the numbers in the table. */
const SHORT_UNITS = {
  "req/s": "/s",
  "pages/s": "/s",
  "MB/s": " MB/s",
  "ms": " ms",
  "MB": " MB",
} satisfies Record<Unit, string>;

export function tableLines(
  { options, peers }: Bench,
  machine: Machine,
  results: readonly Result[],
): string[] {
  const before = options.before === undefined ? [] : ["zs3-before"];
  const columns = columnsOf([...before, ...peers.map(({ name }) => name)]);
  const line = (cellOf: (column: Column) => string) =>
    columns.map((column, index) =>
      index === 0 ? cellOf(column).padEnd(column.width) : cellOf(column).padStart(column.width)
    ).join(" ").trimEnd();
  const { cpu, cores, fileSystem, deno, commit } = machine;
  const keys = options.isLarge ? `; large buckets of ${options.keys} keys` : "";
  return [
    `${cpu}, ${cores} cores, ${fileSystem}, Deno ${deno}, commit ${commit}; ` +
    `medians of ${options.rounds} × ${options.seconds} s${keys}`,
    line(({ title }) => title),
    ...results.map((result) => line(({ cell }) => cell(result))),
  ];
}

export function toJson(bench: Bench, machine: Machine, results: readonly Result[]): string {
  const { rounds, seconds, isLarge, keys, only } = bench.options;
  const whole = {
    bench: "speed",
    machine,
    // How servers were started, and where this is written, are paths of one machine.
    options: {
      rounds,
      seconds,
      peers: bench.peers.map((peer) => peer.name),
      ...(isLarge && { keys }),
      only: only.source,
    },
    results: results.map(({ scenario, basisName, ratio, targets, rounds, medians, failures }) => ({
      name: scenario.name,
      title: scenario.title.trim(),
      connections: scenario.connections,
      unit: scenario.unit,
      judged: scenario.judged,
      basis: basisName,
      ratio,
      targets,
      isMet: targets.length === 0 ? undefined : targets.every(({ isMet }) => isMet),
      medians: Object.fromEntries(medians),
      rounds: Object.fromEntries(rounds),
      failures: Object.fromEntries(failures),
    })),
  };
  return JSON.stringify(whole, rounded, 2) + "\n";
}

/** Behind the targets, what each other server is to the judged one: above 1 that is so many times as fast, or small. */
function columnsOf(others: readonly string[]): Column[] {
  return [
    { title: "operation", width: 31, cell: ({ scenario }) => scenario.title },
    { title: "c", width: 2, cell: ({ scenario }) => String(scenario.connections) },
    { title: "zs3", width: 10, cell: (result) => valueOf(result, result.scenario.judged) },
    { title: "p99 ms", width: 6, cell: p99Of },
    { title: "basis", width: 18, cell: basisOf },
    { title: "ratio", width: 5, cell: ({ ratio }) => ratio?.toFixed(2) ?? "" },
    { title: "target", width: 12, cell: ({ targets }) => targets.map(targetText).join(" ") },
    { title: "met", width: 3, cell: metOf },
    ...others.map((name) => ({
      title: name === "zs3-before" ? "before" : name.slice(0, 8),
      width: 8,
      cell: (result: Result) => comparedWith(result, name),
    })),
  ];
}

function valueOf({ scenario, medians, failures }: Result, name: string): string {
  const value = medians.get(name)?.value;
  if (value === undefined) return failures.has(name) ? "FAILED" : "";
  return `${value.toFixed(value < 10 ? 1 : 0)}${SHORT_UNITS[scenario.unit]}`;
}

function p99Of({ scenario, medians }: Result): string {
  return medians.get(scenario.judged)?.p99Ms?.toFixed(1) ?? "";
}

function basisOf(result: Result): string {
  const { basisName } = result;
  return basisName === undefined ? "" : `${basisName} ${valueOf(result, basisName)}`;
}

function metOf({ targets }: Result): string {
  if (targets.length === 0) return "";
  return targets.every(({ isMet }) => isMet) ? "yes" : "NO";
}

/** How many times as fast as the other one the judged one is. */
function comparedWith({ scenario, medians, failures }: Result, name: string): string {
  const [judged, other] = [medians.get(scenario.judged)?.value, medians.get(name)?.value];
  if (failures.has(name)) return "fails";
  if (judged === undefined || other === undefined || scenario.judged !== "zs3") return "";
  return `×${ratioOf(scenario.unit, judged, other).toFixed(2)}`;
}

function targetText({ of, atLeast, atMost }: Target): string {
  const text = atLeast === undefined ? `≤${atMost}` : `≥${Number(atLeast.toFixed(2))}`;
  return of === "p99Ms" ? `p99${text}` : text;
}

/** No more digits than mean anything. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}
