import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  foldListing,
  type KeyPlace,
  listObjects,
  listUploads,
  markerPosition,
  type Scan,
  type ScanRange,
  type UploadPlace,
} from "../../src/storage/listing.ts";
import { compareUtf8 } from "../../src/storage/names.ts";
import type {
  ListPosition,
  ListQuery,
  ObjectInfo,
  UploadInfo,
  UploadQuery,
} from "../../src/storage/object_store.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "b", "/", "-", "\0", "é", "\uffff", "\u{10ffff}"),
  maxLength: 5,
});
const keys = fc.uniqueArray(text.filter((key) => key !== ""), { maxLength: 25 });
const delimiter = fc.constantFrom("", "/", "a", "-/", "\u{10ffff}");
const prefix = fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 3, arbitrary: text });

const RUNS = { numRuns: 500 };

Deno.test("pages of every size give what one fold over all keys gives", () => {
  fc.assert(
    fc.property(keys, prefix, delimiter, (keys, prefix, delimiter) => {
      const expected = expectedNames(keys, prefix, delimiter);
      for (let limit = 1; limit <= expected.length + 1; limit++) {
        assertEquals(namesByPage(keys, { prefix, delimiter, limit }), expected, `limit ${limit}`);
      }
    }),
    RUNS,
  );
});

Deno.test("a page starts behind any position, also one that no longer exists", () => {
  fc.assert(
    fc.property(
      keys,
      prefix,
      delimiter,
      text,
      fc.boolean(),
      (keys, prefix, delimiter, name, isKey) => {
        const after: ListPosition = isKey
          ? { kind: "key", key: name }
          : { kind: "prefix", prefix: name };
        const rest = keys.filter((key) =>
          compareUtf8(key, name) > 0 && (isKey || !key.startsWith(name))
        );
        const page = listObjects(scanKeys(keys), { prefix, delimiter, after, limit: 1000 });
        assertEquals(page.entries.map(nameOf), expectedNames(rest, prefix, delimiter));
        assertEquals(page.next, undefined);
      },
    ),
    RUNS,
  );
});

Deno.test("a limit of 0 gives an empty page that isn't truncated", () => {
  const query: ListQuery = { prefix: "", delimiter: "", after: { kind: "start" }, limit: 0 };
  assertEquals(listObjects(scanKeys(["a"]), query), { entries: [], next: undefined });
});

Deno.test("a common prefix is skipped by a seek, however many keys it has", () => {
  const keys = ["a/", "b/", "c/"].flatMap((folder) =>
    Array.from({ length: 5000 }, (_, index) => folder + String(index).padStart(4, "0"))
  );
  let rows = 0;
  const counting: Scan<KeyPlace, ObjectInfo> = (range, limit) => {
    const found = scanKeys(keys)(range, limit);
    rows += found.length;
    return found;
  };
  const page = listObjects(counting, {
    prefix: "",
    delimiter: "/",
    after: { kind: "start" },
    limit: 1000,
  });
  assertEquals(page.entries.map(nameOf), ["a/", "b/", "c/"]);
  assert(rows <= 64, `read ${rows} rows`);
});

Deno.test("a flat page is read in one scan, and never past the prefix", () => {
  const keys = ["a", "b1", "b2", "c"];
  const ranges: ScanRange<KeyPlace>[] = [];
  const recording: Scan<KeyPlace, ObjectInfo> = (range, limit) => {
    ranges.push(range);
    return scanKeys(keys)(range, limit);
  };
  listObjects(recording, { prefix: "b", delimiter: "", after: { kind: "start" }, limit: 2 });
  assertEquals(ranges, [{ from: { kind: "from", key: "b" }, to: "c" }]);
});

Deno.test("a marker is a common prefix exactly when a page could have ended with it", () => {
  const table:
    readonly (readonly [marker: string, prefix: string, delimiter: string, kind: string])[] = [
      ["a/", "", "/", "prefix"],
      ["a/b", "", "/", "key"],
      ["a/b/", "a/", "/", "prefix"],
      ["a/b/", "", "/", "key"],
      ["a/", "", "", "key"],
      ["a/", "b", "/", "key"],
      ["/", "", "/", "prefix"],
      ["a/", "a/", "/", "key"],
    ];
  for (const [marker, prefix, delimiter, kind] of table) {
    assertEquals(
      markerPosition(marker, { prefix, delimiter }).kind,
      kind,
      JSON.stringify([marker, prefix]),
    );
  }
});

Deno.test("several rows of one key are told apart, page by page", () => {
  const upload = fc.record({ key: text, uploadId: fc.constantFrom("1", "2", "3") });
  const uploads = fc.uniqueArray(upload, {
    selector: (u) => `${u.key}#${u.uploadId}`,
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      uploads,
      prefix,
      delimiter,
      fc.integer({ min: 1, max: 8 }),
      (uploads, prefix, delimiter, limit) => {
        const names: string[] = [];
        let after: UploadQuery["after"];
        for (let isTruncated = true; isTruncated;) {
          const page = listUploads(scanUploads(uploads), { prefix, delimiter, after, limit });
          isTruncated = page.isTruncated;
          const last = page.entries.at(-1);
          assert(!isTruncated || (last !== undefined && page.entries.length === limit));
          // As the S3 protocol passes it on: markers are the last entry's key and id, or the prefix alone.
          if (last?.kind === "upload") {
            after = {
              key: last.upload.key,
              uploadId: last.upload.uploadId,
            };
          }
          if (last?.kind === "prefix") after = { key: last.prefix };
          names.push(
            ...page.entries.map((entry) =>
              entry.kind === "prefix"
                ? entry.prefix
                : `${entry.upload.key}#${entry.upload.uploadId}`
            ),
          );
        }
        assertEquals(names, expectedUploads(uploads, prefix, delimiter));
      },
    ),
    RUNS,
  );
});

Deno.test("uploads after a key without id are those of greater keys", () => {
  const uploads = [{ key: "a", uploadId: "1" }, { key: "a", uploadId: "2" }, {
    key: "a\0",
    uploadId: "1",
  }];
  const page = listUploads(scanUploads(uploads), {
    prefix: "",
    delimiter: "",
    after: { key: "a" },
    limit: 10,
  });
  assertEquals(page.entries.map((entry) => entry.kind === "upload" && entry.upload.key), ["a\0"]);
});

Deno.test("a scan is never asked for less than one row", () => {
  let least = Infinity;
  const scan: Scan<KeyPlace, KeyPlace> = (range, limit) => {
    least = Math.min(least, limit);
    return inRange(
      ["a/1", "b/1", "c/1", "d"].map((key) => ({ key })),
      range,
      (a, b) => compareUtf8(a.key, b.key),
    ).slice(0, limit);
  };
  foldListing(scan, { prefix: "", delimiter: "/", from: { kind: "from", key: "" }, limit: 1 });
  assert(least >= 1 && least < Infinity);
});

/** The model: filter, cut, drop repetitions. */
function expectedNames(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const names = keys.filter((key) => key.startsWith(prefix)).sort(compareUtf8).map((key) => {
    const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    return at < 0 ? key : key.slice(0, at + delimiter.length) + "…";
  });
  return [...new Set(names)].map((name) => name.replace("…", ""));
}

function expectedUploads(
  uploads: readonly UploadPlace[],
  prefix: string,
  delimiter: string,
): string[] {
  const names = uploads.filter(({ key }) => key.startsWith(prefix)).sort(comparePlaces).map(
    ({ key, uploadId }) => {
      const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      return at < 0 ? `${key}#${uploadId}` : key.slice(0, at + delimiter.length);
    },
  );
  return [...new Set(names)];
}

function namesByPage(keys: readonly string[], query: Omit<ListQuery, "after">): string[] {
  const names: string[] = [];
  let after: ListPosition | undefined = { kind: "start" };
  while (after !== undefined) {
    const page = listObjects(scanKeys(keys), { ...query, after });
    assert(page.entries.length <= query.limit);
    assert(page.next === undefined || page.entries.length === query.limit);
    names.push(...page.entries.map(nameOf));
    after = page.next;
  }
  return names;
}

function nameOf(entry: ReturnType<typeof listObjects>["entries"][number]): string {
  return entry.kind === "object" ? entry.object.key : entry.prefix;
}

function scanKeys(keys: readonly string[]): Scan<KeyPlace, ObjectInfo> {
  const rows = [...keys].sort(compareUtf8).map(objectOf);
  return (range, limit) =>
    inRange(rows, range, (a, b) => compareUtf8(a.key, b.key)).slice(0, limit);
}

function scanUploads(uploads: readonly UploadPlace[]): Scan<UploadPlace, UploadInfo> {
  const rows = [...uploads].sort(comparePlaces).map(uploadOf);
  return (range, limit) => inRange(rows, range, comparePlaces).slice(0, limit);
}

function inRange<Place extends KeyPlace, Row extends Place>(
  sorted: readonly Row[],
  { from, to }: ScanRange<Place>,
  compare: (a: Place, b: Place) => number,
): readonly Row[] {
  return sorted.filter((row) =>
    (from.kind === "from" ? compareUtf8(row.key, from.key) >= 0 : compare(row, from.place) > 0) &&
    (to === undefined || compareUtf8(row.key, to) < 0)
  );
}

function comparePlaces(a: UploadPlace, b: UploadPlace): number {
  return compareUtf8(a.key, b.key) || compareUtf8(a.uploadId, b.uploadId);
}

const meta = { headers: {}, user: {}, tags: {}, acl: "private" } as const;

function objectOf(key: string): ObjectInfo {
  return { bucket: "b", key, size: 0, etag: "", modifiedMs: 0, meta, partCount: undefined };
}

function uploadOf({ key, uploadId }: UploadPlace): UploadInfo {
  return {
    bucket: "b",
    key,
    uploadId,
    initiator: undefined,
    meta,
    checksum: undefined,
    initiatedMs: 0,
  };
}
