/** `zs3 index`: one line per object, in order, without holding more than a page. */

import { LIMITS } from "../limits.ts";
import type { ListPosition, ObjectInfo, ObjectStore } from "../storage/object_store.ts";
import { oneLine } from "./one_line.ts";

type ListableStore = Pick<ObjectStore, "listBuckets" | "list">;

/** Prints `bucket/key → etag, size` for every object, by bucket name, then by the key's UTF-8 bytes. */
export async function printIndex(
  store: ListableStore,
  print: (line: string) => void,
): Promise<void> {
  for (const { name } of await store.listBuckets()) {
    for await (const object of objectsOf(store, name)) {
      print(oneLine(`${name}/${object.key} → ${object.etag}, ${object.size}`));
    }
  }
}

async function* objectsOf(
  store: ListableStore,
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
