/** The ObjectStore contract over HTTP against a real cluster of three nodes, each call to the next one. */

import { deleteEverything } from "../suites/http_store/delete_everything.ts";
import { HTTP_STORE_LACKS, HttpStore } from "../suites/http_store.ts";
import { objectStoreSuite } from "../suites/object_store_suite.ts";
import { LocalCluster } from "../support/local_cluster.ts";
import { takingTurns } from "../support/taking_turns.ts";

const CREDENTIALS = { accessKey: "minioadmin", secretKey: "minioadmin", region: "eu-central-1" };

let cluster: LocalCluster | undefined;

// One cluster for all tests: each leaves it without buckets.
Deno.test.beforeAll(async () => {
  cluster = await LocalCluster.start({ nodes: 3, flags: [`--region=${CREDENTIALS.region}`] });
});

Deno.test.afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

objectStoreSuite("HTTP to three nodes", () => {
  if (cluster === undefined) throw new Error("the cluster isn't running");
  const stores = cluster.programs.map(({ url }) => new HttpStore(url, CREDENTIALS));
  const store = takingTurns(stores);
  return Promise.resolve({
    store,
    async [Symbol.asyncDispose]() {
      await deleteEverything(store);
      await Promise.all(stores.map((each) => each[Symbol.asyncDispose]()));
    },
  });
}, {
  lacks: {
    ...HTTP_STORE_LACKS,
    conditions: "a cluster has no one order of all writes of a key",
  },
  isServerShared: true,
});
