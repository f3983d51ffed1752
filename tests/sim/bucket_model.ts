/**
 * A bucket that comes and goes, with one key in it, as the one client sees it that uses it over all nodes. For one client only:
 * what racing creations and deletions of a bucket answer isn't promised.
 */

import type { Model, Operation } from "./linearizability.ts";

export type BucketState =
  | "no bucket"
  /** `object` is the id of what its key holds; undefined for nothing. */
  | { readonly object: string | undefined };

export type BucketAction =
  | { readonly kind: "create" }
  | { readonly kind: "remove" }
  /**
   * A removal that had no answer is taken back. While a node makes sure that the bucket is empty, others take it for gone; only an
   * answer says that it is.
   */
  | { readonly kind: "take back" }
  | { readonly kind: "write"; readonly id: string }
  | { readonly kind: "delete" }
  | { readonly kind: "see"; readonly what: BucketSight };

/** What an answer tells: also a refusal does. */
export type BucketSight =
  | "no bucket"
  | "a bucket"
  | "an object"
  | { readonly object: string | undefined };

export const BUCKET_MODEL: Model<BucketState, BucketAction> = {
  initial: "no bucket",
  step: stepBucket,
  keyOf: describeBucket,
  classOf: (action) => action.kind === "write" || action.kind === "see" ? undefined : action.kind,
};

export function describeBucket(state: BucketState): string {
  return state === "no bucket" ? state : `a bucket with ${state.object ?? "nothing"}`;
}

function stepBucket(state: BucketState, action: BucketAction): BucketState | undefined {
  if (action.kind === "see") return isSight(state, action.what) ? state : undefined;
  if (action.kind === "create" || action.kind === "take back") {
    return state === "no bucket" ? { object: undefined } : undefined;
  }
  if (state === "no bucket") return undefined;
  switch (action.kind) {
    case "remove":
      return state.object === undefined ? "no bucket" : undefined;
    case "write":
      return { object: action.id };
    case "delete":
      return { object: undefined };
  }
}

function isSight(state: BucketState, what: BucketSight): boolean {
  if (state === "no bucket" || what === "no bucket") return state === what;
  if (what === "a bucket") return true;
  if (what === "an object") return state.object !== undefined;
  return state.object === what.object;
}

/** Without looks that had no answer: they tell nothing. */
export function withoutBlindLooks<O extends Operation<BucketAction>>(
  operations: readonly O[],
): O[] {
  return operations.filter(({ action, returnedAt }) =>
    action.kind !== "see" || returnedAt !== undefined
  );
}
