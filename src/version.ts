/** What this program is. */

/** What the Server header, nodes and metrics say. */
export const VERSION = "0.1.0";

/** The commit that it was built from, put here by `scripts/build/stage.ts`. "" for a program that runs from its sources. */
export const COMMIT: string = "";

/** What `--version` prints. */
export function versionText(): string {
  return COMMIT === "" ? `zs3 ${VERSION}` : `zs3 ${VERSION} (${COMMIT})`;
}
