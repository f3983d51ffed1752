/** What `zs3 check --repair` does to a catalog that disagrees with the files. For a store that nobody else uses meanwhile. */

import { LIMITS } from "../limits.ts";
import type { ObjectRow } from "./catalog_rows.ts";
import { EtagHash } from "./etag_hash.ts";
import type { StoreParts } from "./file_parts.ts";
import type { Files } from "./files.ts";
import { decodeMeta, encodeMeta } from "./object_row.ts";
import type { ListPosition, ObjectStore } from "./object_store.ts";
import type { ObjectTruth } from "./object_truth.ts";
import type { StoreRepair } from "./store_check.ts";

export interface StoreRepairOptions {
  readonly parts: Pick<StoreParts, "catalog" | "files">;
  readonly truth: ObjectTruth;
  readonly store: Pick<ObjectStore, "findBucket" | "list">;
  readonly acceptsDamaged: boolean;
}

export function createStoreRepair(options: StoreRepairOptions): StoreRepair {
  const { parts: { catalog, files }, truth, store, acceptsDamaged } = options;
  return {
    refresh: (bucket, key) => truth.refresh(bucket, key),
    retime: (row, path) => files.setMtime(path, row.mtime),
    async accept(row, path) {
      if (!acceptsDamaged) return false;
      const { size, mtimeMs } = files.stat(path) ?? { size: 0, mtimeMs: 0 };
      const etag = await md5OfFile(files, path);
      if (etag === undefined) return false;
      const accepted = { ...withoutPromises(row), etag, size, mtime: mtimeMs };
      await catalog.transact((change) => change.putObject(accepted, null));
      return true;
    },
    forgetBucket: async (name) => void await store.findBucket(name),
    async adopt(bucket) {
      await catalog.transact((change) => change.doubtDirectories(bucket));
      for (let after: ListPosition | undefined = { kind: "start" }; after !== undefined;) {
        const limit = LIMITS.listKeysMax;
        const page = await store.list(bucket, { prefix: "", delimiter: "", after, limit });
        after = page.next;
      }
    },
  };
}

/** What was said of the bytes as they were goes: their checksum and parts. */
function withoutPromises(row: ObjectRow): ObjectRow {
  const { checksum: _, ...meta } = decodeMeta(row.meta);
  return { ...row, part_count: null, meta: encodeMeta(meta) };
}

async function md5OfFile(files: Pick<Files, "open">, path: string): Promise<string | undefined> {
  using file = files.open(path);
  if (file === undefined) return undefined;
  const hash = new EtagHash(undefined);
  const buffer = new Uint8Array(LIMITS.readBytesAtOnce);
  for (let count = await file.read(buffer); count > 0; count = await file.read(buffer)) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest();
}
