/** Every object of a bucket, one after the other, without holding more than a page. */

import { LIMITS } from "../limits.ts";
import type { ListPosition, ObjectInfo, ObjectStore } from "../storage/object_store.ts";

/** In the order of the keys' UTF-8 bytes. */
export async function* allObjects(
  store: Pick<ObjectStore, "list">,
  bucket: string,
): AsyncGenerator<ObjectInfo> {
  let after: ListPosition | undefined = { kind: "start" };
  while (after !== undefined) {
    const page = await store.list(bucket, {
      prefix: "",
      delimiter: "",
      after,
      limit: LIMITS.listKeysMax,
    });
    for (const entry of page.entries) if (entry.kind === "object") yield entry.object;
    after = page.next;
  }
}
