/** A look ahead at a write's condition, so that a body that can't be stored isn't received first. */

import { S3Error } from "../errors.ts";
import { checkCondition } from "../storage/condition.ts";
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

async function findObject(store: ObjectStore, target: Target): Promise<ObjectInfo | undefined> {
  try {
    return await store.head(target);
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchKey") return undefined;
    throw error;
  }
}
