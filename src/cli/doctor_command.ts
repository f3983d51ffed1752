/** `zs3 doctor`: a short report about machine and data dir, for a person and for a bug. Asks no network, starts no program, keeps no file. */

import type { Loaded } from "../config/load.ts";
import { examineDataDir } from "../doctor/data_dir.ts";
import { type Finding, findingLine } from "../doctor/finding.ts";
import {
  describeKeys,
  describeVersions,
  examineConfigFile,
  examineMemory,
  examineOpenFiles,
  examinePort,
  examineTls,
} from "../doctor/machine.ts";
import { oneLine } from "./one_line.ts";

/** Returns the exit code: 0 when a server would start and keep its promises, else 1. */
export async function examine(
  { config, settings }: Loaded,
  print: (line: string) => void,
): Promise<number> {
  print("zs3 doctor");
  const { findings, isInUse } = await examineDataDir(config);
  const all: Finding[] = [
    describeVersions(),
    ...findings,
    examinePort(config, isInUse),
    ...await examineTls(config),
    describeKeys(config),
    ...await examineConfigFile(settings.value("config")),
    await examineOpenFiles(config),
    examineMemory(),
  ];
  for (const finding of all) print(oneLine(findingLine(finding)));
  const bad = all.filter(({ state }) => state === "bad").length;
  print(
    bad === 0 ? "nothing is wrong" : bad === 1 ? "1 thing is wrong" : `${bad} things are wrong`,
  );
  return bad === 0 ? 0 : 1;
}
