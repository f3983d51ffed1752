/** `zs3 check`: has the store verify itself, shows how far it is, and sums up. */

import type { CheckProblem, CheckSummary, CheckWatch } from "../storage/store_check.ts";
import { count } from "./count.ts";
import { oneLine } from "./one_line.ts";
import type { ProgressBar } from "./progress_bar.ts";

/** What `check` needs of a store. */
export interface CheckableStore {
  /** Reads all that is stored and compares it with what is recorded of it; repairs what it can. Calls `watch` while it works. */
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
    progress: (done, total, subject) => bar.show({ done, total }, oneLine(subject)),
    problem: (problem) => {
      problems++;
      if (problem.isRepaired) repaired++;
      bar.erase();
      print(problemText(problem));
    },
  });
  bar.erase();
  const outcome = problems === 0
    ? "no problems"
    : `${count(problems, "problem")}, ${repaired} repaired`;
  print(`checked ${summaryText(summary)}: ${outcome}`);
  return problems === 0 ? 0 : 1;
}

function problemText({ subject, what, isRepaired }: CheckProblem): string {
  return oneLine(`${subject}: ${what}${isRepaired ? " (repaired)" : ""}`);
}

function summaryText(summary: CheckSummary): string {
  switch (summary.kind) {
    case "files":
      return `${count(summary.objects, "object")} of ${count(summary.bytes, "byte")} in ` +
        count(summary.buckets, "bucket");
    case "content": {
      const elsewhere = summary.blocksElsewhere === 0
        ? ""
        : `, which refer to ${count(summary.blocksElsewhere, "block")} that this node doesn't hold`;
      return `${count(summary.blocks, "block")} of ${count(summary.bytes, "byte")} and ` +
        count(summary.records, "record") + elsewhere;
    }
  }
}
