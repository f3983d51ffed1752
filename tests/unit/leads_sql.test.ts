import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { CATALOG_MIGRATIONS } from "../../src/storage/catalog_schema.ts";
import type { ListedRow } from "../../src/storage/catalog_rows.ts";
import { CatalogSession } from "../../src/storage/catalog_session.ts";
import { type Database, migrate, openDatabase } from "../../src/storage/database.ts";
import { textRange } from "../../src/storage/directory_scan.ts";
import { findFold } from "../../src/storage/leads_sql.ts";
import { foldObjects, foldRows, type KeyPlace, type Scan } from "../../src/storage/listing.ts";
import type { ListPosition } from "../../src/storage/object_store.ts";
import { Statements } from "../../src/storage/statements.ts";

const RUNS = { numRuns: 500 };

const unit = fc.constantFrom("a", "b", "/", "-", "\0", "\x01", "\x02", "é", "\ud7ff", "\u{10ffff}");
const text = fc.string({ unit, maxLength: 5 });
const keys = fc.uniqueArray(text.filter((key) => key !== ""), { maxLength: 60 });
const delimiter = fc.constantFrom("/", "a", "-/", "é", "\x01", "\x02", "\ud7ff", "\u{10ffff}");
const prefix = fc.oneof({ weight: 2, arbitrary: fc.constant("") }, { weight: 3, arbitrary: text });
const after: fc.Arbitrary<ListPosition> = fc.oneof(
  fc.constant({ kind: "start" as const }),
  text.map((key) => ({ kind: "key" as const, key })),
  text.map((prefix) => ({ kind: "prefix" as const, prefix })),
);

Deno.test("a page folded by SQL is the page folded row by row", () => {
  using world = new World();
  fc.assert(
    fc.property(
      keys,
      prefix,
      delimiter,
      after,
      fc.integer({ min: 1, max: 70 }),
      (keys, prefix, delimiter, after, limit) => {
        world.hold(keys);
        const query = { prefix, delimiter, after, limit };
        const scanLeads = world.leads(query);
        const expected = foldObjects({ scan: world.scan, scanLeads: undefined }, query);
        assertEquals(foldObjects({ scan: world.scan, scanLeads }, query), expected);
        // And with nothing but SQL's own folding.
        if (scanLeads === undefined) return;
        assertEquals(foldObjects({ scan: scanLeads, scanLeads }, query), expected);
      },
    ),
    RUNS,
  );
});

Deno.test("folders fold as keys do", () => {
  using world = new World();
  const paths = ["a", "a/b", "a/b/c", "a-", "b/c", "\u{10ffff}/c"];
  world.holdFolders(["", ...paths]);
  const fold = { prefix: "", delimiter: "/", delimiterEnd: "0" };
  const everything = { from: "", isFromIncluded: true, before: undefined };
  const found = world.session.scanDirectoryLeads("bucket", everything, fold, 10);
  assertEquals(
    found.map((row) => [row.bucket, row.prefix, row.path, row.mtime]),
    ["", "a-/", "a/", "b/c/", "\u{10ffff}/c/"].map((
      prefix,
    ) => ["bucket", prefix, prefix.slice(0, -1), null]),
  );
});

Deno.test("common prefixes are read in a few statements, however many keys they have", () => {
  using world = new World();
  const folders = Array.from({ length: 300 }, (_, n) => String(n).padStart(3, "0"));
  world.hold(folders.flatMap((folder) => ["a", "b", "c", "d"].map((name) => `${folder}/${name}`)));
  let statements = 0;
  const counted =
    (scan: Scan<KeyPlace, Row> | undefined): Scan<KeyPlace, Row> => (range, limit) => {
      statements++;
      return scan?.(range, limit) ?? [];
    };
  const query = {
    prefix: "",
    delimiter: "/",
    from: { kind: "from" as const, key: "" },
    limit: 1000,
  };
  const { entries } = foldRows(
    { scan: counted(world.scan), scanLeads: counted(world.leads(query)) },
    query,
  );
  assertEquals(
    entries.map((entry) => entry.kind === "prefix" && [entry.prefix, entry.first.key]),
    folders.map((folder) => [`${folder}/`, `${folder}/a`]),
  );
  assert(statements <= 6, `${statements} statements`);
});

interface Row extends KeyPlace {
  readonly row: ListedRow;
}

class World implements Disposable {
  readonly session: CatalogSession;
  readonly #database: Database = openDatabase(":memory:");

  constructor() {
    migrate(this.#database, CATALOG_MIGRATIONS, "the catalog");
    this.session = new CatalogSession(new Statements(this.#database));
  }

  /** These keys and no others; in other buckets there are other keys. */
  hold(keys: readonly string[]): void {
    this.#database.exec("DELETE FROM objects");
    for (
      const [bucket, held] of [["bucke", ["a"]], ["bucket", keys], ["buckets", ["b"]]] as const
    ) {
      for (const key of held) {
        const row = { bucket, key, etag: null, size: 1, modified: 2, mtime: 3, meta: "{}" };
        this.session.putObject({ ...row, part_count: null }, null);
      }
    }
  }

  holdFolders(paths: readonly string[]): void {
    for (const path of paths) {
      this.session.addDirectory("bucket", path === "" ? "" : `${path}/`, path);
    }
  }

  readonly scan: Scan<KeyPlace, Row> = (range, limit) =>
    this.session.scanListed("bucket", textRange(range), limit).map(placed);

  leads(query: { prefix: string; delimiter: string }): Scan<KeyPlace, Row> | undefined {
    const fold = findFold(query);
    if (fold === undefined) return undefined;
    return (range, limit) =>
      this.session.scanListedLeads("bucket", textRange(range), fold, limit).map(placed);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function placed(row: ListedRow): Row {
  return { key: row[0], row };
}
