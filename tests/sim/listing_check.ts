/**
 * Is a listing one that the clients were promised? Each key in its range must hold what the key may have held at some moment
 * of the listing, going by acknowledged changes; the keys need not be of one moment.
 */

import { BrokenPromise, type Caller, describeEntry, type Entry } from "./history.ts";
import type { KeyAction } from "./object_model.ts";

export interface Listing extends Caller {
  readonly calledAt: number;
  readonly returnedAt: number;
  /** The keys that it covers; all others it may leave out. */
  readonly covers: (key: string) => boolean;
  /** Key → the version's id. */
  readonly found: ReadonlyMap<string, string>;
}

/** Of a version that a key may hold: undefined for nothing. */
interface Change {
  readonly id: string | undefined;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** `entries` by key: whatever was asked of each that may ever have been written. Throws BrokenPromise. */
export function assertListing(
  listing: Listing,
  entries: ReadonlyMap<string, readonly Entry<KeyAction>[]>,
): void {
  for (const key of listing.found.keys()) {
    if (!entries.has(key)) throw brokenListing(listing, key, "nobody ever wrote it");
  }
  for (const [key, asked] of entries) {
    if (!listing.covers(key) && !listing.found.has(key)) continue;
    const possible = possibleIds(changesOf(asked), listing);
    if (possible.has(listing.found.get(key))) continue;
    const names = [...possible].map((id) => id ?? "nothing").join(" or ");
    const told = asked.filter(({ action }) => action.kind !== "read").map(describeEntry);
    throw brokenListing(listing, key, `it may hold ${names}\n${told.join("\n")}`);
  }
}

function changesOf(entries: readonly Entry<KeyAction>[]): Change[] {
  const changes = entries.flatMap(({ action, calledAt, returnedAt = Infinity }): Change[] => {
    if (action.kind === "write") return [{ id: action.id, calledAt, returnedAt }];
    return action.kind === "delete" ? [{ id: undefined, calledAt, returnedAt }] : [];
  });
  return [{ id: undefined, calledAt: -1, returnedAt: 0 }, ...changes];
}

/** What no change replaced that was asked for after its own end and acknowledged before the listing began. */
function possibleIds(
  changes: readonly Change[],
  { calledAt, returnedAt }: Pick<Listing, "calledAt" | "returnedAt">,
): Set<string | undefined> {
  const settled = changes.filter((change) => change.returnedAt < calledAt);
  const lastCalledAt = settled.reduce((last, change) => Math.max(last, change.calledAt), -1);
  return new Set(
    changes
      .filter((change) => change.calledAt < returnedAt && change.returnedAt >= lastCalledAt)
      .map(({ id }) => id),
  );
}

function brokenListing(listing: Listing, key: string, why: string): BrokenPromise {
  const { client, node, calledAt, returnedAt, found } = listing;
  const shows = found.get(key) ?? "nothing";
  return new BrokenPromise(
    `the list of ${client} at ${node} (${calledAt} to ${returnedAt}) shows ${shows} for ${key}: ${why}`,
  );
}
