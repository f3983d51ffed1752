/** zs3 itself as one node of a cluster on a host of a test's network: its disk stays when it is killed and started again. */

import { HostProgram } from "./host_program.ts";
import type { Host, Network } from "./namespaces.ts";

const MAIN = new URL("../../main.ts", import.meta.url).href;
const READY_LINE = /^zs3 ready (\S+)\n/m;

export const NODE_PORT = 9000;

export interface ClusterProgramOptions {
  readonly network: Network;
  readonly host: Host;
  readonly dataDir: string;
  /** Besides --distributed, --host, --port and --data-dir. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly clockOffsetMs?: number;
  /** In place of the line that says that it has joined. */
  readonly readyLine?: RegExp;
}

/** Resolves when it has said that it is ready. Throws with what it said when it ends instead. */
export function startClusterProgram(options: ClusterProgramOptions): Promise<HostProgram> {
  const { dataDir, flags = [], ...rest } = options;
  const words = [
    "--distributed",
    `--host=${options.host.address}`,
    `--port=${NODE_PORT}`,
    `--data-dir=${dataDir}`,
    ...flags,
  ];
  return HostProgram.start({ readyLine: READY_LINE, ...rest, script: MAIN, words });
}
