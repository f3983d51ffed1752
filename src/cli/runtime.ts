/** The Deno that runs the program: the sources and `zs3.js` may be given to any. */

import { StartError } from "./start_error.ts";

/** The first with all that is used; later ones are taken to have it. */
const OLDEST = [2, 9] as const;

/** Throws StartError for a Deno that is too old. */
export function checkRuntime(version: string = Deno.version.deno): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new StartError(`Deno ${OLDEST.join(".")} or later is needed, and this is Deno ${version}`);
}
