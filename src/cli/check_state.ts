/** How far a check is, in a small file: an interrupted one goes on from there. */

import type { CheckPoint, CheckProblem } from "../storage/check.ts";

/** Of the state and of the report. Raise it when an older state must not be gone on with. */
export const CHECK_FORMAT = 1;

export interface CheckState {
  readonly format: typeof CHECK_FORMAT;
  readonly isRepair: boolean;
  readonly startedMs: number;
  point: CheckPoint | undefined;
  problemCount: number;
  repairedCount: number;
  /** LIMITS.checkProblemsKept at most. */
  readonly problems: CheckProblem[];
}

export class CheckStateFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** undefined when there is none, or none that this program wrote. */
  find(): CheckState | undefined {
    try {
      const state = JSON.parse(Deno.readTextFileSync(this.#path));
      return state?.format === CHECK_FORMAT ? state : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Whole or not at all. */
  save(state: CheckState): void {
    const temp = `${this.#path}.new`;
    Deno.writeTextFileSync(temp, JSON.stringify(state));
    Deno.renameSync(temp, this.#path);
  }

  remove(): void {
    try {
      Deno.removeSync(this.#path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}
