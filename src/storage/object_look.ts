/** What the catalog says of an object at one moment, for those who read beside a server that writes and look again. */

import type { JournalAction, ObjectRow } from "./catalog_rows.ts";
import type { CatalogSession } from "./catalog_session.ts";

export interface ObjectLook {
  readonly row: ObjectRow | undefined;
  /** As in the catalog; undefined for an object that wasn't made of parts. */
  readonly parts: string | undefined;
  /** undefined: nothing is left to be done. */
  readonly entry:
    | { readonly seq: number; readonly action: JournalAction; readonly temp: string | null }
    | undefined;
}

/** To be called with what is read being of one moment: see CatalogView.atOnce. */
export function lookAt(read: CatalogSession, bucket: string, key: string): ObjectLook {
  const row = read.findObject(bucket, key);
  const isJoined = row !== undefined && row.part_count !== null;
  const parts = isJoined ? read.findObjectParts(bucket, key) : undefined;
  return { row, parts, entry: read.findJournal(bucket, key) };
}

/** Whether nobody has changed the object in between. */
export function isSameLook(a: ObjectLook, b: ObjectLook): boolean {
  const names = ["etag", "size", "modified", "mtime", "part_count", "meta"] as const;
  return a.entry?.seq === b.entry?.seq && (a.row === undefined) === (b.row === undefined) &&
    names.every((name) => a.row?.[name] === b.row?.[name]);
}
