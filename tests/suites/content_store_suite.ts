/** The contract of ContentStore as tests, for every implementation unchanged. One file below for each side of it. */

import { blockTests } from "./content_store/blocks.ts";
import { feedTests } from "./content_store/feed.ts";
import { manyTests } from "./content_store/many.ts";
import { modelTests } from "./content_store/model.ts";
import { recordTests } from "./content_store/records.ts";
import { referenceTests } from "./content_store/references.ts";
import { scanTests } from "./content_store/scans.ts";
import { type ContentFixture, Suite } from "./content_store/support.ts";

export type { ContentFixture };

/** Registers the tests. `openStore` gives each its own store, empty; what it gives is disposed at the test's end. */
export function contentStoreSuite(name: string, openStore: () => Promise<ContentFixture>): void {
  const suite = new Suite(name, openStore);
  recordTests(suite);
  scanTests(suite);
  feedTests(suite);
  referenceTests(suite);
  modelTests(suite);
  manyTests(suite);
  blockTests(suite);
}
