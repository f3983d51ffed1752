/** Names for requests, by which a client's complaint finds its line in the log. */

import type { Random } from "./clock.ts";

/**
 * A function that gives a new id, 16 hex digits in upper case, at each call: half tells the process, half counts. Drawing all of
 * it at random would cost a small request several percent of its time.
 */
export function createRequestIds(random: Random): () => string {
  const view = new DataView(random.bytes(8).slice().buffer);
  const process = formatHalf(view.getUint32(0));
  let count = view.getUint32(4);
  return () => {
    count = (count + 1) >>> 0;
    return process + formatHalf(count);
  };
}

function formatHalf(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}
