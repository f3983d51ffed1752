/** What the records of one disk list: a node's own, or those of a node that isn't running. */

import { listObjects } from "../storage/listing.ts";
import type { RecordStore } from "../storage/content_store.ts";
import type { BucketInfo, ListPage, ListQuery, ObjectInfo } from "../storage/object_store.ts";
import { objectName } from "../storage/record.ts";
import { bucketInfo, objectHash, objectInfo } from "./object_record.ts";

export class LocalListing {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  listBuckets(): Promise<BucketInfo[]> {
    return Promise.resolve(this.#records.listBuckets().map(bucketInfo));
  }

  list(bucket: string, query: ListQuery): Promise<ListPage> {
    return Promise.resolve(listLocally(this.#records, bucket, query));
  }

  /** The hash by which the object's content is addressed; undefined when it isn't here. */
  findHash({ bucket, key }: ObjectInfo): string | undefined {
    const record = this.#records.find(objectName(bucket, key));
    return record && objectHash(record);
  }
}

export function listLocally(records: RecordStore, bucket: string, query: ListQuery): ListPage {
  return listObjects(
    ({ from, to }, limit) =>
      records.scanHeads({
        kind: "object",
        bucket,
        from: from.kind === "from" ? from : { kind: "after", key: from.place.key, sub: "" },
        before: to,
      }, limit).map(objectInfo),
    query,
  );
}
