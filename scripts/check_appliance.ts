/** Checks what is in `scripts/appliance/`, as far as this machine allows: a line for each check, 1 when one failed. */

import { printLine } from "../src/cli/print.ts";
import {
  buildImage,
  checkCompose,
  checkDockerfile,
  lintDockerfile,
  runContainerByHand,
} from "./appliance/check_container.ts";
import { lintOpenrc, runOpenrcByHand } from "./appliance/check_openrc.ts";
import { bootUnit, runUnitByHand, verifyUnit } from "./appliance/check_systemd.ts";
import { StandIn } from "./appliance/stand_in.ts";
import { Skipped } from "./appliance/tool.ts";

/** What it says is shown. */
type Check = (standIn: StandIn) => Promise<string | void>;

const CHECKS: Readonly<Record<string, Check>> = {
  "systemd unit: systemd-analyze": verifyUnit,
  "systemd unit: its command by hand": runUnitByHand,
  "systemd unit: under systemd": bootUnit,
  "OpenRC script: shellcheck": lintOpenrc,
  "OpenRC script: its command by hand": runOpenrcByHand,
  "Dockerfile: hadolint": lintDockerfile,
  "Dockerfile: user, volume, sources": checkDockerfile,
  "Dockerfile: its command by hand": runContainerByHand,
  "Dockerfile: built": buildImage,
  "compose file: docker-compose": checkCompose,
};

async function main(): Promise<number> {
  await using standIn = await StandIn.make();
  let failures = 0;
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      const said = await check(standIn) ?? "";
      printLine(Deno.stdout, `ok       ${name}${said === "" ? "" : ` (${said})`}`);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof Skipped) printLine(Deno.stdout, `SKIPPED  ${name}: ${message}`);
      else {
        failures++;
        printLine(Deno.stdout, `FAILED   ${name}: ${message}`);
      }
    }
  }
  return failures === 0 ? 0 : 1;
}

Deno.exit(await main());
