/** `zs3 index`: one line per object, in order, without holding more than a page. */

import type { ObjectInfo, ObjectStore } from "../storage/object_store.ts";
import { allObjects } from "./all_objects.ts";
import { oneLine } from "./one_line.ts";

/** Where content is addressed by its hash: what that is. */
export interface HashSource {
  /** As text without blanks; undefined when it isn't known of this object, whose ETag is printed then. */
  findHash(object: ObjectInfo): string | undefined;
}

/** Prints `bucket/key → etag, size` (or hash in place of ETag) for every object, by bucket name, then by the key's UTF-8 bytes. */
export async function printIndex(
  store: Pick<ObjectStore, "listBuckets" | "list">,
  print: (line: string) => void,
  hashes?: HashSource,
): Promise<void> {
  for (const { name } of await store.listBuckets()) {
    for await (const object of allObjects(store, name)) {
      const hash = hashes?.findHash(object) ?? object.etag;
      print(oneLine(`${name}/${object.key} → ${hash}, ${object.size}`));
    }
  }
}
