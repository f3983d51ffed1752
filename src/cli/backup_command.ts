/** `zs3 backup`: has the data copied, shows how far it is, and sums up. */

import type { BackupSummary, BackupWatch } from "../storage/backup.ts";
import { count } from "./count.ts";
import { oneLine } from "./one_line.ts";
import type { ProgressBar } from "./progress_bar.ts";

export interface BackupCommandOptions {
  readonly bar: ProgressBar;
  readonly print: (line: string) => void;
  /** Aborted when the backup is to end without having been made. */
  readonly stop: AbortSignal;
  /** Where the backup is when it is made. */
  readonly to: string;
}

/** `make` rejects with what `watch` throws. Returns the exit code: 0 when all is in the backup, 1 when something isn't. */
export async function makeBackup(
  make: (watch: BackupWatch) => Promise<BackupSummary>,
  { bar, print, stop, to }: BackupCommandOptions,
): Promise<number> {
  let problems = 0;
  const summary = await make({
    progress: (done, total, subject) => bar.show({ done, total }, oneLine(subject)),
    problem: (subject, what) => {
      problems++;
      bar.erase();
      print(oneLine(`${subject}: ${what}`));
    },
    pace: () => {
      stop.throwIfAborted();
      return Promise.resolve();
    },
  });
  bar.erase();
  const outcome = problems === 0 ? "" : `, without ${count(problems, "object")}`;
  print(`${to} has ${summaryText(summary)}${outcome}`);
  return problems === 0 ? 0 : 1;
}

function summaryText(summary: BackupSummary): string {
  const { linked, copied } = summary;
  const files = ` (${count(copied, "file")} copied, ${linked} shared)`;
  switch (summary.kind) {
    case "files":
      return `${count(summary.objects, "object")} of ${count(summary.bytes, "byte")} in ` +
        count(summary.buckets, "bucket") + files;
    case "content":
      return `${count(summary.blocks, "block")} of ${count(summary.bytes, "byte")}${files}`;
  }
}
