/** The ObjectStore contract over HTTP against the running program: every request of it goes all the way to the disk. */

import { deleteEverything } from "../suites/http_store/delete_everything.ts";
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
