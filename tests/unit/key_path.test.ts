import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  directoryToPrefix,
  keyToAliasPath,
  keyToPath,
  pathToKey,
} from "../../src/storage/key_path.ts";
import { isKey, utf8Length } from "../../src/storage/names.ts";

/** Pieces from which keys meet every rule of the mapping, and its borders, often. */
const piece = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      "a",
      "b",
      "/",
      "//",
      ".",
      "..",
      "%",
      "~",
      "%~",
      "%~_",
      "%~+",
      "%~=",
      "%25",
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("\0", "\n", "\x1f", "\x7f", "é", "€", "\u{1f600}", "\uffff"),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom("x", "%", "\x01", "é", "\u{1f600}"),
      fc.integer({ min: 45, max: 300 }),
    )
      .map(([unit, count]) => unit.repeat(count)),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
);
const key = fc.array(piece, { minLength: 1, maxLength: 10 }).map((pieces) => pieces.join(""))
  .filter(isKey);
/** Paths that look as if the mapping had made them. */
const path = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(""));

const RUNS = { numRuns: 1000 };

Deno.test("ordinary keys are their own paths", () => {
  const ordinary = [
    "a",
    "a/b.txt",
    ".hidden",
    "...",
    "a b",
    "a%b",
    "a%~b",
    "~%",
    "x".repeat(255),
    "Grüße/日本/\u{1f600}",
    "a\\b",
    "a:b*?",
  ];
  for (const key of ordinary) {
    assertEquals(keyToPath(key), key);
    assertEquals(pathToKey(key), { key, place: "plain" });
  }
});

Deno.test("the forms of the escape", () => {
  const table: readonly (readonly [key: string, path: string, alias: string])[] = [
    ["a", "a", "%~=a"],
    ["a/b", "a/b", "a/%~=b"],
    ["dir/", "dir/%~", "dir/%~="],
    ["/a", "%~/a", "%~/%~=a"],
    ["/", "%~/%~", "%~/%~="],
    ["a//b", "a/%~/b", "a/%~/%~=b"],
    ["./a", "%~_./a", "%~_./%~=a"],
    [".", "%~_.", "%~=."],
    ["%~", "%~_%25~", "%~=%25~"],
    ["%~=a", "%~_%25~=a", "%~=%25~=a"],
    ["a\n%", "%~_a%0A%25", "%~=a%0A%25"],
    [
      "x".repeat(256),
      `%~+${"x".repeat(200)}/${"x".repeat(56)}`,
      `%~+${"x".repeat(200)}/%~=${"x".repeat(56)}`,
    ],
    ["x".repeat(255), "x".repeat(255), `%~+${"x".repeat(200)}/%~=${"x".repeat(55)}`],
    ["x".repeat(252), "x".repeat(252), `%~=${"x".repeat(252)}`],
    [
      "\u{1f600}".repeat(64) + "/b",
      `%~+${"\u{1f600}".repeat(50)}/${"\u{1f600}".repeat(14)}/b`,
      `%~+${"\u{1f600}".repeat(50)}/${"\u{1f600}".repeat(14)}/%~=b`,
    ],
  ];
  for (const [key, path, alias] of table) {
    assertEquals(keyToPath(key), path);
    assertEquals(keyToAliasPath(key), alias);
    assertEquals(pathToKey(path), { key, place: "plain" });
    assertEquals(pathToKey(alias), { key, place: "alias" });
  }
});

Deno.test("paths that are no key's", () => {
  const foreign = [
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "./a",
    "..",
    "../a",
    "a/..",
    "%~_..",
    "%~_a",
    "%~_%25",
    "%~_%0a",
    "%~_%FF",
    "%~x",
    "%~=a/b",
    "%~+x",
    "%~+x/y",
    `%~+${"x".repeat(200)}`,
    `%~+${"x".repeat(200)}/y`,
    `%~+${"x".repeat(200)}/%~`,
    "a\nb",
    "%~=%0a",
    "%~=%~",
    "x".repeat(256),
    `${"x/".repeat(512)}x`,
  ];
  for (const path of foreign) assertEquals(pathToKey(path), undefined, JSON.stringify(path));
});

Deno.test("folders and what the keys below them start with", () => {
  const long = "x".repeat(200);
  const table: readonly (readonly [path: string, prefix: string | undefined])[] = [
    ["", ""],
    ["a", "a/"],
    ["a/b", "a/b/"],
    ["a/%~", "a//"],
    ["%~", "/"],
    ["%~_.", "./"],
    [`%~+${long}`, long],
    [`a/%~+${long}/%~+${long}`, `a/${long}${long}`],
    [`%~+${long}/${"y".repeat(60)}`, `${long}${"y".repeat(60)}/`],
    ["x/".repeat(511) + "x", "x/".repeat(512)],
    ["x/".repeat(512) + "x", undefined],
    ["%~+x", undefined],
    [`%~+${long}/y`, undefined],
    ["%~=a", undefined],
    ["%~x", undefined],
    ["%~_a", undefined],
    ["..", undefined],
    [".", undefined],
    ["a/", undefined],
    ["a\nb", undefined],
  ];
  for (const [path, prefix] of table) assertEquals(directoryToPrefix(path), prefix, path);
});

Deno.test("every key comes back from its path and from its alias", () => {
  fc.assert(
    fc.property(key, (key) => {
      assertEquals(pathToKey(keyToPath(key)), { key, place: "plain" });
      assertEquals(pathToKey(keyToAliasPath(key)), { key, place: "alias" });
    }),
    RUNS,
  );
});

Deno.test("every path of a key is one that a file system holds", () => {
  fc.assert(
    fc.property(key, (key) => {
      for (const path of [keyToPath(key), keyToAliasPath(key)]) {
        assert(utf8Length(path) <= 3587, "longer than promised");
        for (const component of path.split("/")) {
          assert(component !== "" && component !== "." && component !== "..");
          assert(utf8Length(component) <= 255 && component.isWellFormed());
          // deno-lint-ignore no-control-regex -- control characters are what it looks for
          assert(!/[\0-\x1f\x7f]/.test(component));
        }
      }
    }),
    RUNS,
  );
});

Deno.test("a path is either canonical or nobody's", () => {
  fc.assert(
    fc.property(path, (path) => {
      const placed = pathToKey(path);
      if (placed === undefined) return;
      const canonical = placed.place === "plain"
        ? keyToPath(placed.key)
        : keyToAliasPath(placed.key);
      assertEquals(canonical, path);
    }),
    RUNS,
  );
});

Deno.test("the folders above a key's file name what the key starts with", () => {
  fc.assert(
    fc.property(key, (key) => {
      for (const path of [keyToPath(key), keyToAliasPath(key)]) {
        for (const folder of foldersAbove(path)) {
          const prefix = directoryToPrefix(folder);
          assert(prefix !== undefined && key.startsWith(prefix), folder);
        }
      }
    }),
    RUNS,
  );
});

Deno.test("all keys that start with an uncut folder's prefix lie below it", () => {
  fc.assert(
    fc.property(key, key, (above, rest) => {
      const key = `${above}/${rest}`;
      fc.pre(isKey(key));
      for (const folder of ["", ...foldersAbove(keyToPath(`${above}/x`))]) {
        const prefix = directoryToPrefix(folder);
        const isCut = folder.split("/").at(-1)?.startsWith("%~+");
        if (prefix === undefined || isCut) continue;
        for (const path of [keyToPath(key), keyToAliasPath(key)]) {
          assert(folder === "" || path.startsWith(folder + "/"), folder);
        }
      }
    }),
    RUNS,
  );
});

Deno.test("the longest path", () => {
  const key = "\x01/".repeat(512);
  assertEquals(utf8Length(key), 1024);
  assertEquals(utf8Length(keyToAliasPath(key)), 3587);
});

function foldersAbove(path: string): string[] {
  const components = path.split("/").slice(0, -1);
  return components.map((_, index) => components.slice(0, index + 1).join("/"));
}
