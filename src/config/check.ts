/** What is said of `zs3 check`. */

import type { Command } from "./arguments.ts";
import type { FlagName } from "./flags.ts";
import type { Settings } from "./settings.ts";
import { UsageError } from "./usage_error.ts";

export interface CheckConfig {
  /** Whether to repair what can be, which nobody may do beside a running server. */
  readonly isRepair: boolean;
  /** Whether damaged bytes are to count as the object from now on. Only with `isRepair`. */
  readonly acceptsDamaged: boolean;
  /** Of what is stored; Infinity for as fast as it goes. */
  readonly bytesPerSecondMax: number;
  /** Whether to begin anew although an earlier check was interrupted. */
  readonly isRestart: boolean;
  /** Where to keep how far it is; undefined: in the data dir. */
  readonly stateFile: string | undefined;
  readonly reportFile: string | undefined;
  /** Whether stdout gets the report and nothing else. */
  readonly isJson: boolean;
}

const FLAGS_OF_CHECK: readonly FlagName[] = [
  "repair",
  "accept-damaged",
  "check-rate",
  "check-state",
  "restart",
  "report",
  "json",
];

const MB = 1_000_000;

/** Throws UsageError, also when a flag of `check` stands beside another command. */
export function parseCheck(command: Command, settings: Settings): CheckConfig {
  for (const name of command === "check" ? [] : FLAGS_OF_CHECK) {
    if (settings.findOrigin(name) === undefined) continue;
    throw new UsageError(`--${name} belongs to check, not to ${command}`);
  }
  const isRepair = settings.value("repair") ?? false;
  const acceptsDamaged = settings.value("accept-damaged") ?? false;
  if (acceptsDamaged && !isRepair) throw new UsageError("--accept-damaged goes with --repair");
  const rate = settings.value("check-rate");
  return {
    isRepair,
    acceptsDamaged,
    bytesPerSecondMax: rate === undefined ? Infinity : rate * MB,
    isRestart: settings.value("restart") ?? false,
    stateFile: settings.value("check-state"),
    reportFile: settings.value("report"),
    isJson: settings.value("json") ?? false,
  };
}

/** The folder that `backup` makes, as given; undefined for every other command. */
export function parseBackup(
  command: Command,
  to: string | undefined,
  dataDir: string,
): string | undefined {
  if (command !== "backup" && to !== undefined) {
    throw new UsageError(`--to belongs to backup, not to ${command}`);
  }
  if (command === "backup" && to === undefined) {
    throw new UsageError("backup needs --to: the folder that becomes the backup");
  }
  if (to === dataDir) throw new UsageError("--to and --data-dir must be two folders");
  return to;
}
