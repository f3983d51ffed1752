/** The data dir before a store opens it: made when missing, proved writable. */

import { StartError, systemReason } from "./start_error.ts";

/** Throws StartError when the folder can't be made or written to. Leaves nothing in it. */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: dataDir, prefix: ".zs3-probe-" }));
  } catch (error) {
    throw new StartError(`the data dir ${dataDir} is not writable: ${systemReason(error)}`, {
      cause: error,
    });
  }
}
