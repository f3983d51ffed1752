/** The ObjectStore contract over HTTP against the running program: every request of it goes all the way to the disk. */

import type { ObjectStore } from "../../src/storage/object_store.ts";
import { HTTP_STORE_LACKS, HttpStore } from "../suites/http_store.ts";
import { objectStoreSuite } from "../suites/object_store_suite.ts";
import { Program } from "../support/program.ts";

const CREDENTIALS = { accessKey: "minioadmin", secretKey: "minioadmin", region: "eu-central-1" };

let program: Program | undefined;

// One program for all tests: each leaves it without buckets.
Deno.test.beforeAll(async () => {
  program = await Program.start({ flags: [`--region=${CREDENTIALS.region}`] });
});

Deno.test.afterAll(async () => {
  await program?.[Symbol.asyncDispose]();
});

objectStoreSuite("HTTP to the program", () => {
  if (program === undefined) throw new Error("the program isn't running");
  const store = new HttpStore(program.url, CREDENTIALS);
  return Promise.resolve({
    store,
    async [Symbol.asyncDispose]() {
      await deleteEverything(store);
      await store[Symbol.asyncDispose]();
    },
  });
}, { lacks: HTTP_STORE_LACKS, isServerShared: true });

async function deleteEverything(store: ObjectStore): Promise<void> {
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
