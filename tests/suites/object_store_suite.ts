/** The contract of ObjectStore as tests, for every implementation unchanged. One file below for each side of it. */

import { bucketTests } from "./object_store/buckets.ts";
import { copyTests } from "./object_store/copies.ts";
import { concurrencyTests } from "./object_store/concurrency.ts";
import { uploadTests } from "./object_store/uploads.ts";
import { completionTests } from "./object_store/completions.ts";
import { largeTests } from "./object_store/large.ts";
import { modelTests } from "./object_store/model.ts";
import { conditionTests } from "./object_store/conditions.ts";
import { keyTests } from "./object_store/keys.ts";
import { listTests } from "./object_store/lists.ts";
import { objectTests } from "./object_store/objects.ts";
import { type StoreFixture, Suite, type SuiteOptions } from "./object_store/support.ts";

export type { StoreFixture, SuiteOptions };

/** Registers the tests. `openStore` gives each its own store without buckets; what it gives is disposed at the test's end. */
export function objectStoreSuite(
  name: string,
  openStore: () => Promise<StoreFixture>,
  options: SuiteOptions = {},
): void {
  const suite = new Suite(name, openStore, options);
  bucketTests(suite);
  objectTests(suite);
  keyTests(suite);
  listTests(suite);
  conditionTests(suite);
  copyTests(suite);
  uploadTests(suite);
  completionTests(suite);
  concurrencyTests(suite);
  largeTests(suite);
  modelTests(suite);
}
