/** The ObjectStore contract over memory, also where conditions are refused as in distributed mode. */

import { MemoryStore, type MemoryStoreOptions } from "../../src/storage/memory_store.ts";
import { objectStoreSuite, type StoreFixture } from "./object_store_suite.ts";

objectStoreSuite("MemoryStore", () => openStore({}));

objectStoreSuite(
  "MemoryStore without conditions",
  () => openStore({ conditionalWrites: "refused" }),
  {
    lacks: { conditions: "as a cluster, which has no one order of the writes of a key" },
  },
);

function openStore(options: MemoryStoreOptions): Promise<StoreFixture> {
  const store = new MemoryStore(options);
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
}
