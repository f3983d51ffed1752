import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import {
  type ChecksumAlgorithm,
  checksumHeaderName,
  checksumOf,
  combineFullObject,
  compositeChecksum,
  defaultChecksumType,
  findAlgorithm,
  findAlgorithmOfHeader,
  isChecksumTypeAllowed,
  openDigest,
  parseChecksumValue,
} from "../../src/checksum.ts";
import { S3Error } from "../../src/errors.ts";

const ALGORITHMS: readonly ChecksumAlgorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];
const CRCS: readonly ChecksumAlgorithm[] = ["CRC32", "CRC32C", "CRC64NVME"];

// Check values of the CRC catalogue (https://reveng.sourceforge.io/crc-catalogue/all.htm) and of FIPS 180, as base64.
const KNOWN = [
  ["CRC32", "123456789", "cbf43926"],
  ["CRC32", "", "00000000"],
  ["CRC32C", "123456789", "e3069283"],
  ["CRC32C", "", "00000000"],
  ["CRC64NVME", "123456789", "ae8b14860a799888"],
  ["CRC64NVME", "", "0000000000000000"],
  ["SHA1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ["SHA256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
] as const;

for (const [algorithm, text, hex] of KNOWN) {
  Deno.test(`${algorithm} of "${text}"`, () => {
    const value = checksumOf(algorithm, new TextEncoder().encode(text));
    assertEquals(Uint8Array.fromBase64(value).toHex(), hex);
  });
}

const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

for (const algorithm of ALGORITHMS) {
  Deno.test(`${algorithm} digests fed in turns don't mix`, () => {
    fc.assert(fc.property(pieces, pieces, (left, right) => {
      const [a, b] = [openDigest(algorithm), openDigest(algorithm)];
      for (let at = 0; at < Math.max(left.length, right.length); at++) {
        a.update(left[at] ?? new Uint8Array(0));
        b.update(right[at] ?? new Uint8Array(0));
      }
      assertEquals(a.base64(), checksumOf(algorithm, joined(left)));
      assertEquals(b.base64(), checksumOf(algorithm, joined(right)));
    }));
  });
}

for (const algorithm of CRCS) {
  Deno.test(`${algorithm} of joined pieces follows from theirs`, () => {
    fc.assert(fc.property(pieces, (chunks) => {
      const parts = chunks.map((chunk) => ({
        value: checksumOf(algorithm, chunk),
        size: chunk.length,
      }));
      assertEquals(combineFullObject(algorithm, parts), checksumOf(algorithm, joined(chunks)));
    }));
  });
}

Deno.test("hashes can't be combined", () => {
  assertThrows(() => combineFullObject("SHA256", []), RangeError);
});

Deno.test("a composite checksum is that of the raw checksums in a row", () => {
  const values = ["AQIDBA==", "BQYHCA=="];
  const raw = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  assertEquals(compositeChecksum("CRC32", values), `${checksumOf("CRC32", raw)}-2`);
  assertEquals(compositeChecksum("SHA1", values), `${checksumOf("SHA1", raw)}-2`);
});

Deno.test("names lead to algorithms and back", () => {
  for (const algorithm of ALGORITHMS) {
    assertEquals(findAlgorithmOfHeader(checksumHeaderName(algorithm)), algorithm);
    assertEquals(findAlgorithm(algorithm.toLowerCase()), algorithm);
  }
  assertEquals(checksumHeaderName("CRC64NVME"), "x-amz-checksum-crc64nvme");
  assertEquals(findAlgorithmOfHeader("x-amz-checksum-type"), undefined);
  assertEquals(findAlgorithm("toString"), undefined);
});

Deno.test("values must be base64 of the right length", () => {
  for (const algorithm of ALGORITHMS) {
    const value = checksumOf(algorithm, new Uint8Array(1));
    assertEquals(parseChecksumValue(algorithm, value), value);
  }
  const wrong = [
    "",
    "AAAAAA",
    "AAAAAA=",
    "AAAAAB==",
    "AAAAAAA=",
    "AAAA",
    "AA AAAA==",
    "!AAAAA==",
    "AAAAAA==-1",
  ];
  for (const value of wrong) {
    const error = assertThrows(() => parseChecksumValue("CRC32", value), S3Error);
    assertEquals([value, error.code], [value, "InvalidRequest"]);
  }
});

Deno.test("types that multipart uploads may have", () => {
  const table = ALGORITHMS.map((algorithm) => [
    algorithm,
    defaultChecksumType(algorithm),
    isChecksumTypeAllowed(algorithm, "COMPOSITE"),
    isChecksumTypeAllowed(algorithm, "FULL_OBJECT"),
  ]);
  assertEquals(table, [
    ["CRC32", "COMPOSITE", true, true],
    ["CRC32C", "COMPOSITE", true, true],
    ["CRC64NVME", "FULL_OBJECT", false, true],
    ["SHA1", "COMPOSITE", true, false],
    ["SHA256", "COMPOSITE", true, false],
  ]);
});
