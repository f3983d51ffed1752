/** `zs3 check`: has the store verify itself, shows how far it is, and sums up. */

import type { CheckProblem, CheckSummary, CheckWatch } from "../storage/store_check.ts";
import { count } from "./count.ts";
import { oneLine } from "./one_line.ts";
import type { ProgressBar } from "./progress_bar.ts";

/** What `check` needs of a store. */
export interface CheckableStore {
  /**
   * Reads every object and compares its bytes with the recorded hash; records found wrong are repaired from the files,
   * which are the truth about bytes. Calls `watch` while it works.
   */
  check(watch: CheckWatch): Promise<CheckSummary>;
}

/** Prints each problem and a summary with `print`; returns the exit code: 0 when all is well, 1 when there were problems. */
export async function checkStore(
  store: CheckableStore,
  bar: ProgressBar,
  print: (line: string) => void,
): Promise<number> {
  let problems = 0;
  let repaired = 0;
  const summary = await store.check({
    progress: (done, total, object) => bar.show({ done, total }, oneLine(object)),
    problem: (problem) => {
      problems++;
      if (problem.isRepaired) repaired++;
      bar.erase();
      print(problemText(problem));
    },
  });
  bar.erase();
  print(
    `checked ${count(summary.objects, "object")} of ${count(summary.bytes, "byte")} in ` +
      `${count(summary.buckets, "bucket")}: ` +
      (problems === 0 ? "no problems" : `${count(problems, "problem")}, ${repaired} repaired`),
  );
  return problems === 0 ? 0 : 1;
}

function problemText({ bucket, key, what, isRepaired }: CheckProblem): string {
  const object = key === undefined ? bucket : `${bucket}/${key}`;
  return `${oneLine(object)}: ${what}${isRepaired ? " (repaired)" : ""}`;
}
