/** Bodies that no one should hold in memory at once. */

import { assertEquals } from "@std/assert";
import {
  assertBytes,
  at,
  bytesOf,
  md5Of,
  MiB,
  pattern,
  put,
  readBytes,
  type Suite,
} from "./support.ts";

export function largeTests(suite: Suite): void {
  suite.testInBucket("20 MiB in odd chunks, and any part of it", async (store) => {
    const body = pattern(20 * MiB);
    const info = await put(store, "large", oddChunks(body), { sizeHint: body.length });
    assertEquals([info.size, info.etag], [body.length, md5Of(body)]);
    using object = await store.open(at("large"));
    assertBytes(await bytesOf(object), body);
    for (const start of [0, 1, 65_535, 8 * MiB - 1, body.length - 3]) {
      for (const length of [1, 3, 100_000, 5 * MiB]) {
        const end = Math.min(body.length, start + length) - 1;
        const part = await readBytes(store, at("large"), { start, end });
        assertBytes(part, body.subarray(start, end + 1), `${start}-${end}`);
      }
    }
  });

  suite.testInBucket("a large body read halfway is let go", async (store) => {
    await put(store, "large", pattern(8 * MiB));
    using object = await store.open(at("large"));
    const body = object.body();
    if (!(body instanceof ReadableStream)) return;
    const reader = body.getReader();
    await reader.read();
    await reader.cancel();
    await store.delete(at("large"));
  });
}

function oddChunks(body: Uint8Array): Uint8Array[] {
  const sizes = [1, 7, 4096, 65_537, 1_000_003];
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < body.length;) {
    const size = sizes[chunks.length % sizes.length] ?? 1;
    chunks.push(body.subarray(start, start + size));
    start += size;
  }
  return chunks;
}
