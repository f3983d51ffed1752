/** The OpenRC script: its syntax, and the command that it describes by hand. OpenRC itself isn't needed. */

import { runByHand } from "./by_hand.ts";
import { INSTALLED, type StandIn } from "./stand_in.ts";
import { runTool } from "./tool.ts";

const SCRIPT = new URL("zs3.openrc", import.meta.url).pathname;
const SETTINGS = new URL("zs3.confd", import.meta.url).pathname;

export async function lintOpenrc(): Promise<void> {
  // OpenRC reads the variables that seem to be unused.
  for (const file of [SCRIPT, SETTINGS]) {
    await runTool("shellcheck", ["--shell=dash", "--exclude=SC2034", file]);
  }
}

/** Both files as OpenRC reads them, then what is to be run and the functions with words that only OpenRC has. */
const PRINT_COMMAND = `
  RC_SVCNAME=zs3
  . "$1"; . "$2"
  checkpath() { :; }; need() { :; }; use() { :; }; after() { :; }; ebegin() { :; }; eend() { return "$1"; }
  supervise-daemon() { echo "$*" >&2; }
  depend; start_pre; reload || exit 1
  echo "$command $command_args"
`;

export async function runOpenrcByHand(standIn: StandIn): Promise<void> {
  const data = await Deno.makeTempDir();
  const environment = { ZS3_DATA_DIR: `${data}/data` };
  try {
    const said = await runTool("bash", ["-euc", PRINT_COMMAND, "-", SETTINGS, SCRIPT], {
      environment,
    });
    const [line = ""] = said.split("\n");
    if (!line.startsWith(INSTALLED)) throw new Error(`it would run ${line}`);
    if (!said.includes("--signal HUP")) throw new Error("reload sends no SIGHUP");
    await runByHand({
      command: line.trim().replace(INSTALLED, standIn.program).split(/\s+/),
      environment: environment,
    });
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}
