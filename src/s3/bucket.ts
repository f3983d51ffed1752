/** Finding the bucket that an operation is about, and naming its owner. */

import type { Caller } from "../auth/keyring.ts";
import { S3Error } from "../errors.ts";
import type { BucketInfo, ObjectStore } from "../storage/object_store.ts";
import { ownerElement } from "./owner.ts";
import type { Xml } from "./xml.ts";

/** Throws NoSuchBucket. */
export async function requireBucket(store: ObjectStore, bucket: string): Promise<BucketInfo> {
  const info = await store.findBucket(bucket);
  if (info === undefined) throw new S3Error("NoSuchBucket", { details: { BucketName: bucket } });
  return info;
}

/** The `<Owner>` of a bucket and of all in it. A stranger isn't told an access key id. */
export function bucketOwner(bucket: BucketInfo, caller: Caller): Xml {
  return ownerElement("Owner", caller.kind === "anonymous" ? undefined : bucket.owner);
}
