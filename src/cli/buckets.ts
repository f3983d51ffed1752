/** The buckets that `--buckets` asks for. */

import type { Config } from "../config.ts";
import { S3Error } from "../errors.ts";
import type { ObjectStore } from "../storage/object_store.ts";

/** Makes those that are missing, owned by the administrator; those that are there keep owner and objects, and get the access asked for. */
export async function createBuckets(
  store: Pick<ObjectStore, "createBucket" | "updateBucket">,
  config: Pick<Config, "buckets" | "keyPairs">,
): Promise<void> {
  const owner = config.keyPairs.find((pair) => pair.role === "admin")?.accessKeyId;
  for (const { name, acl } of config.buckets) {
    try {
      await store.createBucket(name, { owner, acl });
    } catch (error) {
      if (!(error instanceof S3Error && error.code === "BucketAlreadyExists")) throw error;
      await store.updateBucket(name, { acl });
    }
  }
}
