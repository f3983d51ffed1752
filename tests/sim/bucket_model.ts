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

/** In place of the id of a write that nobody saw. */
const UNSEEN = "unseen";

export const BUCKET_MODEL: Model<BucketState, BucketAction> = {
  initial: "no bucket",
  step: stepBucket,
  keyOf: describeBucket,
  classOf: (action) => {
    if (action.kind === "see") return undefined;
    return action.kind === "write" && action.id !== UNSEEN ? undefined : action.kind;
  },
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

/**
 * The history without what can't change the judgement and makes it hard: looks without an answer tell nothing, and of writes
 * without one that nobody saw it doesn't matter which took effect.
 */
export function withoutBlind<O extends Operation<BucketAction>>(operations: readonly O[]): O[] {
  const seen = new Set(
    operations.flatMap(({ action }) =>
      action.kind === "see" && typeof action.what === "object" ? [action.what.object] : []
    ),
  );
  return operations.flatMap((operation) => {
    const { action, returnedAt } = operation;
    if (returnedAt !== undefined) return [operation];
    if (action.kind === "see") return [];
    const isUnseen = action.kind === "write" && !seen.has(action.id);
    return [isUnseen ? { ...operation, action: { kind: "write", id: UNSEEN } } : operation];
  });
}
