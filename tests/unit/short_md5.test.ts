/** Beside node:crypto, over the lengths at which padding changes. */

import { createHash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { md5Hex } from "../../src/hashing/short_md5.ts";
import { patternBytes } from "../support/bytes.ts";

Deno.test("short MD5: every length around a block's end, and those left to node:crypto", () => {
  for (const length of [...Array(200).keys(), 1024, 65_535, 65_536, 65_537, 200_000]) {
    const bytes = patternBytes(length);
    assertEquals(md5Hex(bytes), createHash("md5").update(bytes).digest("hex"), `length ${length}`);
  }
});
