/** The ContentStore contract on a disk, in both durabilities. */

import { openDiskContent } from "../../src/storage/disk_content.ts";
import { contentStoreSuite } from "./content_store_suite.ts";

for (const durability of ["strict", "relaxed"] as const) {
  contentStoreSuite(`DiskContent, ${durability}`, async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "zs3-suite-" });
    const onFault = (what: string, error: unknown) => {
      throw new Error(what, { cause: error });
    };
    const open = () => openDiskContent({ dataDir, durability, onFault });
    const pathOf = (hash: string) => `${dataDir}/.cas/${hash.slice(0, 2)}/${hash}.blob`;
    let store = await open();
    return {
      get store() {
        return store;
      },
      async reopen() {
        await store[Symbol.asyncDispose]();
        store = await open();
      },
      damageBlock(hash) {
        const bytes = Deno.readFileSync(pathOf(hash));
        const middle = bytes.length >>> 1;
        bytes.set([(bytes[middle] ?? 0) ^ 1], middle);
        Deno.writeFileSync(pathOf(hash), bytes);
      },
      loseBlock: (hash) => Deno.removeSync(pathOf(hash)),
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await Deno.remove(dataDir, { recursive: true });
      },
    };
  });
}
