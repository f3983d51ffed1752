/** The data dir before a store opens it: made when missing, proved writable. */

import { StartError, systemReason } from "./start_error.ts";

/** Returns its absolute path. Throws StartError when it can't be made or written to. Leaves nothing in it. */
export async function prepareDataDir(dataDir: string): Promise<string> {
  try {
    await Deno.mkdir(dataDir, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: dataDir, prefix: ".zs3-probe-" }));
    return await Deno.realPath(dataDir);
  } catch (error) {
    throw new StartError(`the data dir ${dataDir} is not writable: ${systemReason(error)}`, {
      cause: error,
    });
  }
}
