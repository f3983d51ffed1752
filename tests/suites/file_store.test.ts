/** The ObjectStore contract over plain files, in both durabilities. */

import { FileStore } from "../../src/storage/file_store.ts";
import { objectStoreSuite } from "./object_store_suite.ts";

for (const durability of ["strict", "relaxed"] as const) {
  objectStoreSuite(`FileStore, ${durability}`, async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "zs3-suite-" });
    const store = await FileStore.open({
      dataDir,
      durability,
      onFault: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await Deno.remove(dataDir, { recursive: true });
      },
    };
  });
}
