/** Blocks that nothing refers to vanish from all disks after their grace, and no others; equal ones are stored once. */

import { assertEquals } from "@std/assert";
import {
  assertBytes,
  at,
  BUCKET,
  createBucket,
  createUpload,
  put,
  putPart,
  readBytes,
} from "../suites/object_store/support.ts";
import { blake3Hex } from "../../src/blake3.ts";
import { patternBytes } from "../support/bytes.ts";
import { clusterTest, eventually } from "./cluster_test.ts";
import { wait } from "./under_workload.ts";

const MiB = 1024 * 1024;
const GRACE_MS = 3_000;

clusterTest(
  "garbage goes; what is live, or of an upload under way, stays",
  { flags: [`--gc-grace=${GRACE_MS / 1000}s`] },
  async (cluster) => {
    await createBucket(cluster.store(1), BUCKET);
    const [live, deleted, replaced, part, shared] = [1, 2, 3, 4, 5].map((seed) =>
      patternBytes(50_000, seed)
    ) as [Bytes, Bytes, Bytes, Bytes, Bytes];
    await put(cluster.store(1), "live", live);
    await put(cluster.store(2), "deleted", deleted);
    await put(cluster.store(3), "replaced", replaced);
    await put(cluster.store(1), "replaced", "now small");
    await put(cluster.store(1), "first", shared);
    await put(cluster.store(2), "second", shared);
    const upload = await createUpload(cluster.store(1), "upload");
    const { etag } = await putPart(cluster.store(2), upload, 1, part);
    await cluster.store(3).delete(at("deleted"));
    await cluster.store(3).delete(at("first"));
    const kept = [live, part, shared].map(blake3Hex).toSorted();
    await eventually("only what is referred to is left", async () => {
      for (const number of cluster.numbers) assertEquals(await cluster.blocks(number), kept);
    });
    // Nothing else goes, however long one waits.
    await wait(2 * GRACE_MS);
    for (const number of cluster.numbers) assertEquals(await cluster.blocks(number), kept);
    const target = { ...at("upload"), uploadId: upload.uploadId };
    await cluster.store(3).completeUpload({ ...target, parts: [{ number: 1, etag }] });
    assertBytes(await readBytes(cluster.store(1), at("upload")), part);
    assertBytes(await readBytes(cluster.store(1), at("second")), shared);
    // What was garbage already may be written again at any time.
    await put(cluster.store(2), "again", deleted);
    assertBytes(await readBytes(cluster.store(3), at("again")), deleted);
    for (const number of cluster.numbers) {
      assertEquals(Number((await cluster.status(number)).counters["blocks_collected"]) > 0, true);
    }
  },
);

clusterTest("equal content is stored once on each node, whatever its keys", {}, async (cluster) => {
  await createBucket(cluster.store(1), BUCKET);
  const content = patternBytes(2 * MiB);
  for (const number of cluster.numbers) {
    await put(cluster.store(number), `one-${number}`, content);
    await put(cluster.store(number), `two-${number}`, content);
  }
  await cluster.whole();
  const hashes = [content.subarray(0, MiB), content.subarray(MiB)].map(blake3Hex).toSorted();
  for (const number of cluster.numbers) {
    assertEquals(await cluster.blocks(number), hashes);
    const { dedupSavedBytes, counters } = await cluster.status(number);
    assertEquals(dedupSavedBytes, 5 * 2 * MiB);
    assertEquals((counters["blocks_pushed"] ?? 0) <= 2 * 2, true, "equal blocks were sent again");
  }
});

type Bytes = Uint8Array<ArrayBuffer>;
