/** A look ahead at a write's condition: whether there can be one, and whether it holds, before a body is received for nothing. */

import { S3Error } from "../errors.ts";
import { checkCondition, conditionsRefused } from "../storage/condition.ts";
import type { ObjectInfo, ObjectStore, Target, WriteCondition } from "../storage/object_store.ts";

/**
 * Throws what the condition throws on the object as it is now. No promise for later: the store checks again, in one step with
 * the write. Costs nothing without a condition.
 */
export async function checkConditionEarly(
  store: ObjectStore,
  target: Target,
  condition: WriteCondition | undefined,
): Promise<void> {
  if (condition === undefined) return;
  checkCondition(await findObject(store, target), condition);
}

const CONDITION_HEADERS = [
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "x-amz-if-match-size",
  "x-amz-if-match-last-modified-time",
];

/**
 * Throws NotImplemented for a write with a condition where the store applies none. Comes before all else that a handler judges,
 * so that a client gets the same answer whatever the condition, the object and the rest of the request are.
 */
export function refuseUnappliedHeaders(
  store: Pick<ObjectStore, "conditionalWrites">,
  headers: ReadonlyMap<string, string>,
): void {
  refuseUnapplied(store, CONDITION_HEADERS.some((name) => headers.has(name)));
}

/** The same where the condition isn't in headers. */
export function refuseUnapplied(
  store: Pick<ObjectStore, "conditionalWrites">,
  isConditional: boolean,
): void {
  if (isConditional && store.conditionalWrites === "refused") throw conditionsRefused();
}

async function findObject(store: ObjectStore, target: Target): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(target);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
    throw error;
  }
}
