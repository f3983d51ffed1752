import { assertEquals } from "@std/assert";
import { decodeMeta, encodeMeta } from "../../src/storage/object_row.ts";
import type { Checksum, ObjectMeta } from "../../src/storage/object_store.ts";

const PLAIN: ObjectMeta = { headers: {}, user: {}, tags: {}, acl: "private" };
const CHECKSUM: Checksum = { algorithm: "CRC32", type: "FULL_OBJECT", value: "AAAAAA==" };

const METAS: readonly ObjectMeta[] = [
  PLAIN,
  { ...PLAIN, checksum: CHECKSUM },
  { ...PLAIN, headers: { "content-type": "text/plain" } },
  { ...PLAIN, headers: { "content-type": "text/plain" }, checksum: CHECKSUM },
  { ...PLAIN, headers: { "content-type": "text/plain" }, checksum: { ...CHECKSUM, value: "B" } },
  { ...PLAIN, user: { c: "{" }, tags: { c: "{}" }, acl: "public-read" },
  { ...PLAIN, user: { c: '"c":{' }, tags: { '"c":{': ',"c":{"x":1}}' }, checksum: CHECKSUM },
  { ...PLAIN, user: { '"c":{': '"c":{' } },
];

Deno.test("metadata comes back as it was stored, whatever was decoded before", () => {
  for (const first of METAS) {
    for (const second of METAS) {
      assertEquals(decodeMeta(encodeMeta(first)), first);
      assertEquals(decodeMeta(encodeMeta(second)), second);
    }
  }
});
