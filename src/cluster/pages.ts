/** Going through all blocks that a disk holds or refers to, however many: page by page, and requests in between. */

import { LIMITS } from "../limits.ts";
import { sleep, type Timers } from "../timers.ts";

/**
 * The pages that `pageAfter` gives, each of what comes after the last hash of the page before. Waits for a turn of the event loop
 * between them.
 */
export async function* pagesOf<T>(
  pageAfter: (after: string, limit: number) => readonly T[],
  hashOf: (item: T) => string,
  timers: Timers,
): AsyncGenerator<readonly T[]> {
  for (let after = "";;) {
    const page = pageAfter(after, LIMITS.repairPage);
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < LIMITS.repairPage) return;
    after = hashOf(last);
    await sleep(timers, 0);
  }
}

/** The same of the hashes that a store of blocks holds. */
export function heldPages(
  blocks: { list(after: string, limit: number): readonly string[] },
  timers: Timers,
): AsyncGenerator<readonly string[]> {
  return pagesOf((after, limit) => blocks.list(after, limit), (hash) => hash, timers);
}
