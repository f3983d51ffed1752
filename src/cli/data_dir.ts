/** The data dir before a store opens it: made when missing, proved writable, and told apart from others. */

import { catalogPath, clusterPath } from "../storage/data_dir.ts";
import { isMissing } from "../storage/files.ts";
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

/** The absolute path of a data dir that a server made. Throws StartError when there is none. */
export async function findDataDir(dataDir: string): Promise<string> {
  const path = await Deno.realPath(dataDir).catch((error) => {
    throw new StartError(`the data dir ${dataDir} can't be read: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (await exists(catalogPath(path)) || await isClusterNodes(path)) return path;
  throw new StartError(`${dataDir} is no data dir: no server has kept anything there`);
}

/** Whether it is a cluster node's: a command that reads one finds out by itself. */
export async function isClusterNodes(dataDir: string): Promise<boolean> {
  return await exists(clusterPath(dataDir));
}

/**
 * The absolute path of a data dir to import from. Throws StartError when no standalone server made it, or one of both folders
 * is in the other. That it is a node's is for the store to say.
 */
export async function findImportSource(from: string, target: string): Promise<string> {
  const source = await Deno.realPath(from).catch((error) => {
    throw new StartError(`the data dir ${from} can't be read: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (isWithin(source, target) || isWithin(target, source)) {
    throw new StartError(`${source} and ${target} must be two folders, neither in the other`);
  }
  if (await isClusterNodes(source) || await exists(catalogPath(source))) return source;
  throw new StartError(`${from} is no data dir of a standalone server: nothing is imported`);
}

/** Whether an absolute path is the folder's, or of something in it. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Whether there is anything at the path, be it a link to nothing. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
