import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../src/limits.ts";
import { HotObjects } from "../../src/storage/hot_objects.ts";
import type { ObjectRow } from "../../src/storage/catalog_rows.ts";

function row(key: string): ObjectRow {
  const facts = { etag: "e", size: 1, modified: 1, mtime: 1, part_count: null, meta: "{}" };
  return { bucket: "bkt", key, ...facts };
}

Deno.test("what is kept is found until it is forgotten", () => {
  const hot = new HotObjects();
  const added = hot.add(row("a"));
  assertEquals(hot.find("bkt", "a"), added);
  assertEquals(hot.find("bkt", "b"), undefined);
  hot.forget("bkt", "a");
  assertEquals(hot.find("bkt", "a"), undefined);
});

Deno.test("bytes of an object that has changed meanwhile aren't kept", () => {
  const hot = new HotObjects();
  const older = hot.add(row("a"));
  hot.forget("bkt", "a");
  const newer = hot.add(row("a"));
  hot.keepBytes(older, new Uint8Array(1));
  assertEquals(newer.bytes, undefined);
  hot.keepBytes(newer, new Uint8Array(2));
  assertEquals(hot.find("bkt", "a")?.bytes, new Uint8Array(2));
});

Deno.test("what is used stays, the rest goes; neither number nor bytes grow without end", () => {
  const hot = new HotObjects();
  hot.add(row("used"));
  for (let n = 0; n < 3 * LIMITS.hotObjectsMax; n++) {
    hot.add(row(`n${n}`));
    assert(hot.find("bkt", "used") !== undefined);
  }
  assertEquals(hot.find("bkt", "n0"), undefined);

  const body = new Uint8Array(LIMITS.readWholeBytesMax);
  const bodies = 3 * LIMITS.hotBytesMax / body.length;
  for (let n = 0; n < bodies; n++) hot.keepBytes(hot.add(row(`b${n}`)), body);
  let kept = 0;
  for (let n = 0; n < bodies; n++) kept += hot.find("bkt", `b${n}`)?.bytes?.length ?? 0;
  assert(kept > 0 && kept <= LIMITS.hotBytesMax, `${kept} bytes`);
});
