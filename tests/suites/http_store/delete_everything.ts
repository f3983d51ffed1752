/** Leaves a server that several tests share as it was found. */

import type { ObjectStore } from "../../../src/storage/object_store.ts";

/** Deletes all buckets with at most 1000 objects each. */
export async function deleteEverything(store: ObjectStore): Promise<void> {
  for (const { name } of await store.listBuckets()) {
    const { entries } = await store.list(name, {
      prefix: "",
      delimiter: "",
      after: { kind: "start" },
      limit: 1000,
    });
    for (const entry of entries) {
      if (entry.kind === "object") await store.delete({ bucket: name, key: entry.object.key });
    }
    await store.deleteBucket(name);
  }
}
