/** One request of a client, and what it learns from the answer: a value, a refusal that tells something, or nothing at all. */

import { S3Error, type S3ErrorCode } from "../../src/errors.ts";
import type { ObjectStore } from "../../src/storage/object_store.ts";
import { type Timers, within } from "../../src/timers.ts";
import { ConnectionLost, type Door } from "./door.ts";

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** Refused for what the cluster holds: as good as a read of it. */
  | { readonly kind: "refused"; readonly code: S3ErrorCode }
  /** No answer, or one that promises nothing: it may have been carried out, or still be. */
  | { readonly kind: "unknown" };

/** How many requests ended how: a run in which nothing was answered proves nothing. */
export class Tally {
  ok = 0;
  refused = 0;
  unavailable = 0;
  lost = 0;
  /** The longest that an "ok" took. */
  slowestMs = 0;
}

/** What nodes answer that can't serve a request just now. */
const PROMISES_NOTHING: ReadonlySet<S3ErrorCode> = new Set(["ServiceUnavailable", "SlowDown"]);

export interface Patience {
  /** The client's own. */
  readonly timers: Timers;
  readonly msMax: number;
  readonly tally: Tally;
}

/** Throws what isn't meant for clients to see: a fault of the node. */
export async function ask<T>(
  door: Door,
  { timers, msMax, tally }: Patience,
  work: (store: ObjectStore) => Promise<T>,
): Promise<Answer<T>> {
  const startMs = timers.elapsed();
  try {
    const late = () => new ConnectionLost(`${door.node} didn't answer in ${msMax} ms`);
    const value = await within(timers, msMax, door.request(work), late);
    tally.ok++;
    tally.slowestMs = Math.max(tally.slowestMs, timers.elapsed() - startMs);
    return { kind: "ok", value };
  } catch (error) {
    return answerOf(error, tally);
  }
}

function answerOf(error: unknown, tally: Tally): Answer<never> {
  if (error instanceof ConnectionLost) {
    tally.lost++;
    return { kind: "unknown" };
  }
  if (!(error instanceof S3Error)) throw error;
  if (PROMISES_NOTHING.has(error.code)) {
    tally.unavailable++;
    return { kind: "unknown" };
  }
  tally.refused++;
  return { kind: "refused", code: error.code };
}
