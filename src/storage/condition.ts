/** The one reading of a write condition. Doing check and write as one step is for each store. */

import { S3Error } from "../errors.ts";
import type { ObjectInfo, WriteCondition } from "./object_store.ts";

/** Throws PreconditionFailed or NoSuchKey unless `current`, the object now at the key, meets the condition. */
export function checkCondition(
  current: Pick<ObjectInfo, "etag" | "size" | "modifiedMs"> | undefined,
  condition: WriteCondition = {},
): void {
  if (condition.ifAbsent === true && current !== undefined) {
    throw preconditionFailed("If-None-Match");
  }
  const { ifMatch, ifMatchSize, ifMatchModifiedMs } = condition;
  if (ifMatch === undefined && ifMatchSize === undefined && ifMatchModifiedMs === undefined) return;
  if (current === undefined) throw new S3Error("NoSuchKey");
  if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== current.etag) {
    throw preconditionFailed("If-Match");
  }
  if (ifMatchSize !== undefined && ifMatchSize !== current.size) {
    throw preconditionFailed("x-amz-if-match-size");
  }
  // A client can only know the time as headers show it, in whole seconds.
  if (
    ifMatchModifiedMs !== undefined && seconds(ifMatchModifiedMs) !== seconds(current.modifiedMs)
  ) {
    throw preconditionFailed("x-amz-if-match-last-modified-time");
  }
}

/** What a store that applies no conditions does with one: throws NotImplemented for anything that is demanded. */
export function refuseCondition(condition: WriteCondition = {}): void {
  const { ifAbsent, ...others } = condition;
  const isDemanding = ifAbsent === true ||
    Object.values(others).some((value) => value !== undefined);
  if (isDemanding) throw conditionsRefused();
}

export function conditionsRefused(): S3Error {
  return new S3Error("NotImplemented", {
    message: "Conditional writes are not implemented in distributed mode.",
  });
}

function preconditionFailed(header: string): S3Error {
  return new S3Error("PreconditionFailed", { details: { Condition: header } });
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
