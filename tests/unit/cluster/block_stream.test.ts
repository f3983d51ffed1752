/** Ranges over blocks. */

import { assertEquals, assertRejects } from "@std/assert";
import { piecesOf, readBlocks } from "../../../src/cluster/block_stream.ts";
import type { BlockRef } from "../../../src/storage/record.ts";
import { withSeed } from "../../support/seed.ts";

Deno.test("stream: any range gives just its bytes, and fetches only its blocks", async () => {
  await withSeed(import.meta.url, async (random) => {
    for (let round = 0; round < 200; round++) {
      const sizes = Array.from({ length: 1 + random.below(5) }, () => 1 + random.below(9));
      const blocks = sizes.map((size, index) => ({ hash: String(index), size }));
      const contents = sizes.map((size) => random.bytes(size));
      const whole = contents.flatMap((bytes) => [...bytes]);
      const start = random.below(whole.length);
      const end = start + random.below(whole.length - start);
      const fetched: string[] = [];
      const fetch = ({ hash }: BlockRef) => {
        fetched.push(hash);
        return Promise.resolve(Uint8Array.from(contents[Number(hash)] ?? []));
      };
      const got: number[] = [];
      for await (const chunk of readBlocks(blocks, { fetch }, { start, end })) got.push(...chunk);
      assertEquals(got, whole.slice(start, end + 1));
      assertEquals(fetched, piecesOf(blocks, { start, end }).map(({ block }) => block.hash));
    }
  });
});

Deno.test("stream: holds two blocks at most", async () => {
  const blocks = Array.from({ length: 10 }, (_, i) => ({ hash: String(i), size: 1 }));
  let fetched = 0;
  const stream = readBlocks(blocks, { fetch: () => Promise.resolve(Uint8Array.of(fetched++)) });
  const reader = stream.getReader();
  await reader.read();
  assertEquals(fetched, 2);
  await reader.cancel();
  assertEquals(fetched, 2);
});

Deno.test("stream: a block that can't be had ends it with the error, and no rejection is left over", async () => {
  const blocks = [{ hash: "a", size: 1 }, { hash: "b", size: 1 }];
  const fetch = ({ hash }: BlockRef) =>
    hash === "a" ? Promise.resolve(Uint8Array.of(1)) : Promise.reject(new Error("gone"));
  const read = async () => {
    for await (const _ of readBlocks(blocks, { fetch }));
  };
  await assertRejects(read, Error, "gone");
  // A reader who leaves before it is told.
  await readBlocks(blocks.slice(1), { fetch }).cancel();
});
