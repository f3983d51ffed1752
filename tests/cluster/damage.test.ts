/** Blobs that rot on one node's disk: whoever asks gets the right bytes, and the blob is made good. */

import { assertEquals } from "@std/assert";
import {
  assertBytes,
  at,
  BUCKET,
  createBucket,
  put,
  readBytes,
} from "../suites/object_store/support.ts";
import { patternBytes } from "../support/bytes.ts";
import { flipByte } from "../support/flip_byte.ts";
import { clusterTest, eventually } from "./cluster_test.ts";

const MiB = 1024 * 1024;

const DAMAGES: readonly [string, (path: string) => Promise<void>][] = [
  ["flipped", (path) => flipByte(path, 12_345)],
  ["truncated", (path) => Deno.truncate(path, 1_000)],
  ["emptied", (path) => Deno.truncate(path, 0)],
  ["removed", (path) => Deno.remove(path)],
];

clusterTest("a damaged blob is never served, and healed by being read", {}, async (cluster) => {
  await createBucket(cluster.store(1), BUCKET);
  const content = patternBytes(3 * MiB + 5);
  await put(cluster.store(1), "a", content);
  await cluster.whole();
  const hashes = await cluster.blocks(2);
  assertEquals(hashes.length, 4);
  for (const [what, damage] of DAMAGES) {
    for (const hash of hashes) await damage(cluster.blockPath(2, hash));
    assertBytes(await readBytes(cluster.store(2), at("a")), content, what);
    await eventually(`the ${what} blobs are healed`, async () => {
      for (const hash of hashes) {
        assertBytes(
          await Deno.readFile(cluster.blockPath(2, hash)),
          await Deno.readFile(cluster.blockPath(1, hash)),
          what,
        );
      }
    });
  }
});

clusterTest("damage is found before it is believed to be stored already", {}, async (cluster) => {
  await createBucket(cluster.store(1), BUCKET);
  const content = patternBytes(100_000);
  await put(cluster.store(1), "a", content);
  await cluster.whole();
  const [hash = ""] = await cluster.blocks(2);
  await flipByte(cluster.blockPath(2, hash), 5);
  await put(cluster.store(3), "b", content);
  assertBytes(await Deno.readFile(cluster.blockPath(2, hash)), content);
});
