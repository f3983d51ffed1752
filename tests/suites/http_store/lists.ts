/** Listings through ListObjects v1 and v2: each is used for the positions that it can express. */

import { compareUtf8 } from "../../../src/storage/names.ts";
import type {
  ListEntry,
  ListPage,
  ListPosition,
  ListQuery,
} from "../../../src/storage/object_store.ts";
import type { S3Connection } from "./connection.ts";
import { childrenOf, decodeName, type Element, findText, parseRoot, textOf } from "./xml.ts";

const UNSEEN_META = { headers: {}, user: {}, tags: {}, acl: "private" } as const;

export class HttpLists {
  readonly #connection: S3Connection;
  /** Continuation tokens of the positions given out. */
  readonly #tokens = new WeakMap<ListPosition, string>();

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  async list(bucket: string, query: ListQuery): Promise<ListPage> {
    const text = await this.#connection.sendForXml({
      method: "GET",
      bucket,
      query: {
        "encoding-type": "url",
        "max-keys": String(query.limit),
        ...(query.prefix !== "" && { prefix: query.prefix }),
        ...(query.delimiter !== "" && { delimiter: query.delimiter }),
        ...this.#startOf(query),
      },
    });
    const root = parseRoot(text, "ListBucketResult");
    const entries = readEntries(bucket, root);
    const isTruncated = textOf(root, "IsTruncated") === "true";
    return { entries, next: isTruncated ? this.#positionAfter(entries, root) : undefined };
  }

  #startOf({ after, delimiter }: ListQuery): Record<string, string> {
    const token = this.#tokens.get(after);
    if (token !== undefined) return { "list-type": "2", "continuation-token": token };
    switch (after.kind) {
      case "start":
        return { "list-type": "2" };
      case "key":
        return { "list-type": "2", "start-after": after.key };
      case "prefix":
        // A marker that names a common prefix stands for all of it; without a delimiter only its last key does.
        return delimiter === ""
          ? { "list-type": "2", "start-after": after.prefix + "\u{10ffff}".repeat(4) }
          : { marker: after.prefix };
    }
  }

  #positionAfter(entries: readonly ListEntry[], root: Element): ListPosition {
    const last = entries.at(-1);
    if (last === undefined) throw new Error("a page without entries has a next one");
    const position: ListPosition = last.kind === "object"
      ? { kind: "key", key: last.object.key }
      : { kind: "prefix", prefix: last.prefix };
    const token = findText(root, "NextContinuationToken");
    if (token !== undefined) this.#tokens.set(position, token);
    return position;
  }
}

/** S3 gives keys and prefixes apart. */
function readEntries(bucket: string, root: Element): ListEntry[] {
  const objects = childrenOf(root, "Contents").map((element): ListEntry => ({
    kind: "object",
    object: {
      bucket,
      key: decodeName(textOf(element, "Key")),
      size: Number(textOf(element, "Size")),
      etag: textOf(element, "ETag").replaceAll('"', ""),
      modifiedMs: Date.parse(textOf(element, "LastModified")),
      meta: UNSEEN_META,
      partCount: undefined,
    },
  }));
  const prefixes = childrenOf(root, "CommonPrefixes").map((element): ListEntry => ({
    kind: "prefix",
    prefix: decodeName(textOf(element, "Prefix")),
  }));
  return [...objects, ...prefixes].sort((a, b) => compareUtf8(nameOf(a), nameOf(b)));
}

function nameOf(entry: ListEntry): string {
  return entry.kind === "object" ? entry.object.key : entry.prefix;
}
