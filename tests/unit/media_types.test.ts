import { assertEquals } from "@std/assert";
import { typeByExtension } from "@std/media-types";
import { findMediaType } from "../../src/storage/media_types.ts";

for (
  const extension of ["json", "HTML", "jpg", "tar", "gz", "mp4", "ts", "wasm", "woff2", "xlsx"]
) {
  Deno.test(`media types: ${extension} is what mime-db says`, () => {
    assertEquals(findMediaType(extension), typeByExtension(extension));
  });
}

for (const extension of ["", "nothing", "json ", "constructor", "application/json"]) {
  Deno.test(`media types: nobody knows ${JSON.stringify(extension)}`, () => {
    assertEquals(findMediaType(extension), undefined);
  });
}

Deno.test("media types: the whole table agrees with mime-db", async () => {
  const source = await Deno.readTextFile(
    new URL("../../src/storage/media_types.ts", import.meta.url),
  );
  const lines = source.split("\n").filter((line) => /^\w+\/\S+ /.test(line));
  const pairs = lines.flatMap((line) => {
    const [type, ...extensions] = line.split(" ");
    return extensions.map((extension) => [extension, type]);
  });
  assertEquals(pairs.length > 300, true);
  assertEquals(pairs.map(([extension = ""]) => [extension, typeByExtension(extension)]), pairs);
  assertEquals(pairs.map(([extension = ""]) => [extension, findMediaType(extension)]), pairs);
});
