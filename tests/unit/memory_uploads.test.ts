import { assertEquals } from "@std/assert";
import { systemRandom } from "../../src/clock.ts";
import { LIMITS } from "../../src/limits.ts";
import { MemoryUploads } from "../../src/storage/memory_uploads.ts";
import type { ObjectInfo } from "../../src/storage/object_store.ts";

Deno.test("a finished upload is remembered for its time and no longer", () => {
  let nowMs = 1000;
  const uploads = new MemoryUploads({ now: () => nowMs }, systemRandom);
  const meta = { headers: {}, user: {}, tags: {}, acl: "private" } as const;
  const target = { bucket: "b", key: "k" };
  const { uploadId } = uploads.create({
    ...target,
    initiator: undefined,
    meta,
    checksum: undefined,
  });
  const object: ObjectInfo = { ...target, size: 0, etag: "e-1", modifiedMs: 0, meta, partCount: 1 };
  uploads.finish(uploadId, object);
  nowMs += LIMITS.completedUploadsRememberedMs;
  assertEquals(uploads.findFinished({ ...target, uploadId }), object);
  assertEquals(uploads.findFinished({ bucket: "b", key: "other", uploadId }), undefined);
  nowMs += 1;
  assertEquals(uploads.findFinished({ ...target, uploadId }), undefined);
});
