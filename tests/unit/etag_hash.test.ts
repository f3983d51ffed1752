import { createHash } from "node:crypto";
import { assertEquals, assertNotEquals } from "@std/assert";
import { EtagHash } from "../../src/storage/etag_hash.ts";
import { multipartEtag } from "../../src/storage/multipart.ts";

const BYTES = crypto.getRandomValues(new Uint8Array(1000));

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function etagOf(partSizes: readonly number[] | undefined, chunkSize: number): string {
  const hash = new EtagHash(partSizes);
  for (let at = 0; at < BYTES.length; at += chunkSize) {
    hash.update(BYTES.subarray(at, at + chunkSize));
  }
  return hash.digest();
}

Deno.test("an ETag doesn't depend on how the bytes are cut", () => {
  const tables: readonly (readonly number[] | undefined)[] = [
    undefined,
    [1000],
    [300, 300, 400],
    [
      999,
      1,
    ],
    [1000, 0],
    [0, 1000],
  ];
  for (const sizes of tables) {
    let at = 0;
    const expected = sizes === undefined
      ? md5(BYTES)
      : multipartEtag(sizes.map((size) => md5(BYTES.subarray(at, at += size))));
    for (const chunkSize of [1, 7, 300, 1000]) {
      assertEquals(etagOf(sizes, chunkSize), expected, `${sizes} by ${chunkSize}`);
    }
  }
});

Deno.test("no bytes at all have an ETag", () => {
  assertEquals(new EtagHash(undefined).digest(), md5(new Uint8Array()));
  assertEquals(new EtagHash([0]).digest(), multipartEtag([md5(new Uint8Array())]));
});

Deno.test("bytes cut into other parts have another ETag", () => {
  for (const sizes of [[400, 600], [500, 400, 100], [500, 500, 0]]) {
    assertNotEquals(etagOf(sizes, 100), etagOf([500, 500], 100));
  }
});
