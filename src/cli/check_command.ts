/**
 * `zs3 check`: has the data verify itself, no faster than it may; shows how far it is, sums up, and writes down where an
 * interrupted check goes on.
 */

import type { Clock } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import type { CheckPoint, CheckProblem, CheckSummary, CheckWatch } from "../storage/check.ts";
import { CHECK_FORMAT, type CheckState, type CheckStateFile } from "./check_state.ts";
import { count } from "./count.ts";
import { oneLine } from "./one_line.ts";
import type { ProgressBar } from "./progress_bar.ts";
import type { ReadPace } from "./read_pace.ts";

/** What there is to check. */
export interface Checkable {
  /** Calls `watch` while it works, and rejects with what that throws. Goes on from a point that an earlier run's `watch` was told. */
  check(watch: CheckWatch, from: CheckPoint | undefined): Promise<CheckSummary>;
}

export interface CheckOptions {
  readonly bar: ProgressBar;
  readonly print: (line: string) => void;
  readonly pace: ReadPace;
  readonly clock: Clock;
  readonly state: CheckStateFile;
  /** Aborted when the check is to stop where it is. */
  readonly stop: AbortSignal;
  readonly dataDir: string;
  readonly isRepair: boolean;
  readonly isRestart: boolean;
  /** Whether the report is all that is printed. */
  readonly isJson: boolean;
  /** Where else the report goes, if anywhere. */
  readonly writeReport?: ((text: string) => Promise<void>) | undefined;
}

/** What `--json` and `--report` give. Names and meanings stay; more may be added. */
export interface CheckReport {
  readonly format: typeof CHECK_FORMAT;
  readonly dataDir: string;
  /** ISO 8601. */
  readonly started: string;
  readonly ended: string;
  readonly isRepair: boolean;
  /** False when it was interrupted: then there is no summary. */
  readonly isComplete: boolean;
  /** Complete, and without problems. */
  readonly isSound: boolean;
  readonly summary: CheckSummary | undefined;
  readonly problemCount: number;
  readonly repairedCount: number;
  /** The first LIMITS.checkProblemsKept of them. */
  readonly problems: readonly CheckProblem[];
}

/** Prints each problem and a summary; returns the exit code: 0 when all is well, 1 when there were problems, or it was interrupted. */
export async function checkStore(store: Checkable, options: CheckOptions): Promise<number> {
  return await new Check(store, options).run();
}

class Check {
  readonly #store: Checkable;
  readonly #options: CheckOptions;
  #state: CheckState;
  #savedAtMs = -Infinity;

  constructor(store: Checkable, options: CheckOptions) {
    this.#store = store;
    this.#options = options;
    this.#state = {
      format: CHECK_FORMAT,
      isRepair: options.isRepair,
      startedMs: options.clock.now(),
      point: undefined,
      problemCount: 0,
      repairedCount: 0,
      problems: [],
    };
  }

  async run(): Promise<number> {
    const { state, stop } = this.#options;
    this.#takeUp();
    let summary: CheckSummary | undefined;
    try {
      summary = await this.#store.check(this.#watch(), this.#state.point);
      state.remove();
    } catch (error) {
      if (!stop.aborted || error !== stop.reason) throw error;
      state.save(this.#state);
    }
    this.#options.bar.erase();
    return await this.#end(summary);
  }

  /** Goes on where an interrupted check of the same kind was. */
  #takeUp(): void {
    const { state, isRestart, isRepair, isJson, print } = this.#options;
    const found = isRestart ? undefined : state.find();
    if (found?.point === undefined || found.isRepair !== isRepair) return;
    this.#state = found;
    if (isJson) return;
    const since = new Date(found.startedMs).toISOString();
    print(`going on with the check that began at ${since} (--restart begins anew)`);
    for (const problem of found.problems) print(problemText(problem));
  }

  #watch(): CheckWatch {
    const { bar, print, isJson, pace, stop } = this.#options;
    return {
      progress: (done, total, subject) => {
        stop.throwIfAborted();
        if (!isJson) bar.show({ done, total }, oneLine(subject));
      },
      problem: (problem) => {
        this.#note(problem);
        if (isJson) return;
        bar.erase();
        print(problemText(problem));
      },
      pace: async (bytes) => {
        await pace.spend(bytes, stop);
        stop.throwIfAborted();
      },
      passed: (point) => this.#passed(point),
    };
  }

  #note(problem: CheckProblem): void {
    const state = this.#state;
    state.problemCount++;
    if (problem.isRepaired) state.repairedCount++;
    if (state.problems.length < LIMITS.checkProblemsKept) state.problems.push(problem);
  }

  #passed(point: CheckPoint): void {
    const { clock, state } = this.#options;
    this.#state.point = point;
    const now = clock.now();
    if (now - this.#savedAtMs < LIMITS.checkSaveIntervalMs) return;
    this.#savedAtMs = now;
    state.save(this.#state);
  }

  async #end(summary: CheckSummary | undefined): Promise<number> {
    const { clock, dataDir, isJson, print, writeReport } = this.#options;
    const { startedMs, isRepair, problemCount, repairedCount, problems } = this.#state;
    const isSound = summary !== undefined && problemCount === 0;
    const report: CheckReport = {
      format: CHECK_FORMAT,
      dataDir,
      started: new Date(startedMs).toISOString(),
      ended: new Date(clock.now()).toISOString(),
      isRepair,
      isComplete: summary !== undefined,
      isSound,
      summary,
      problemCount,
      repairedCount,
      problems,
    };
    const text = JSON.stringify(report, undefined, 2);
    await writeReport?.(`${text}\n`);
    print(isJson ? text : this.#outcome(summary));
    return isSound ? 0 : 1;
  }

  #outcome(summary: CheckSummary | undefined): string {
    const { problemCount, repairedCount } = this.#state;
    const problems = problemCount === 0
      ? "no problems"
      : `${count(problemCount, "problem")}, ${repairedCount} repaired`;
    return summary === undefined
      ? `interrupted, ${problems} so far: the next check goes on here`
      : `checked ${summaryText(summary)}: ${problems}`;
  }
}

function problemText({ subject, what, isRepaired }: CheckProblem): string {
  return oneLine(`${subject}: ${what}${isRepaired ? " (repaired)" : ""}`);
}

function summaryText(summary: CheckSummary): string {
  switch (summary.kind) {
    case "files": {
      const unrecorded = summary.unrecorded === 0
        ? ""
        : `, and ${count(summary.unrecorded, "file")} put there by hand`;
      return `${count(summary.objects, "object")} of ${count(summary.bytes, "byte")} in ` +
        count(summary.buckets, "bucket") + unrecorded;
    }
    case "content": {
      const elsewhere = summary.blocksElsewhere === 0
        ? ""
        : `, which refer to ${count(summary.blocksElsewhere, "block")} that this node doesn't hold`;
      return `${count(summary.blocks, "block")} of ${count(summary.bytes, "byte")} and ` +
        count(summary.records, "record") + elsewhere;
    }
  }
}
