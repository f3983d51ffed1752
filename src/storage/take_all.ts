/** Consuming a body chunk by chunk. */

import type { Body } from "./object_store.ts";

/**
 * As `for await`, but chunks that aren't needed any more when `take` resolves are given back, for their memory to be used again.
 * `givesBack` is asked after each. Throws what the body and `take` throw.
 */
export async function takeAll(
  body: Body,
  take: (chunk: Uint8Array) => Promise<void>,
  givesBack: () => boolean,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  let next = await chunks.next();
  try {
    while (next.done !== true) {
      await take(next.value);
      next = await chunks.next(givesBack() ? next.value : undefined);
    }
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
}
