import { assert, assertEquals, assertThrows } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { systemRandom } from "../../src/clock.ts";
import { S3Error } from "../../src/errors.ts";
import {
  isRepeatedCompletion,
  multipartEtag,
  newUploadId,
  planCompletion,
} from "../../src/storage/multipart.ts";
import type { CompleteRequest, PartInfo, UploadInfo } from "../../src/storage/object_store.ts";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const ETAGS = ["900150983cd24fb0d6963f7d28e17f72", "d41d8cd98f00b204e9800998ecf8427e"] as const;

Deno.test("the ETag of parts is the MD5 of their MD5s and their number", () => {
  assertEquals(multipartEtag(ETAGS), "fdf1fdf1567f6942ffe1743f1e72301e-2");
});

Deno.test("upload ids are URL-safe, different, and in the order of their making", () => {
  const ids = [0, 1, 999_999_999_999, 1_800_000_000_000].map((now) =>
    newUploadId(now, systemRandom)
  );
  assertEquals(ids.toSorted(), ids);
  for (const id of ids) assert(/^[A-Za-z0-9_-]{36}$/.test(id), id);
  assert(newUploadId(7, systemRandom) !== newUploadId(7, systemRandom));
});

Deno.test("a list is a repetition when it names the parts that the object was made of", () => {
  const request = requestFor([part(1, 3, 0), part(2, 3, 1)]);
  assert(isRepeatedCompletion(request, multipartEtag(ETAGS)));
  assert(!isRepeatedCompletion(request, multipartEtag([ETAGS[0]])));
  assert(!isRepeatedCompletion(request, multipartEtag(ETAGS.toReversed())));
});

Deno.test("a plan joins the named parts in their order", () => {
  const parts = [part(2, 5 * MiB, 0), part(7, 10, 1)];
  assertEquals(plan(parts, requestFor(parts)), {
    parts,
    size: 5 * MiB + 10,
    etag: multipartEtag(ETAGS),
    checksum: undefined,
    objectParts: [{ number: 2, size: 5 * MiB }, { number: 7, size: 10 }],
  });
});

Deno.test("a checksum that no one asked for is not the object's", () => {
  const parts = [{
    ...part(1, 3, 0),
    checksum: { algorithm: "CRC32", value: "NSRBwg==" } as const,
  }];
  const { checksum, objectParts } = plan(parts, requestFor(parts));
  assertEquals([checksum, objectParts], [undefined, [{ number: 1, size: 3 }]]);
});

Deno.test("the last part may have any size, the others 5 MiB or more", () => {
  const parts = [part(1, 5 * MiB - 1, 0), part(2, 0, 1)];
  const error = assertCode("EntityTooSmall", () => plan(parts, requestFor(parts)));
  assertEquals([error.details.PartNumber, error.details.ProposedSize], ["1", String(5 * MiB - 1)]);
  assertEquals(plan([part(1, 5 * MiB, 0), part(2, 0, 1)], requestFor(parts)).size, 5 * MiB);
});

Deno.test("an object of more than 5 TiB is refused", () => {
  const parts = Array.from({ length: 1025 }, (_, index) => part(index + 1, 5 * GiB, 0));
  assertCode("EntityTooLarge", () => plan(parts, requestFor(parts)));
  assertEquals(plan(parts.slice(1), requestFor(parts.slice(1))).size, 5 * 1024 * GiB);
});

Deno.test("a part without the upload's checksum is refused", () => {
  const kind = { algorithm: "CRC32", type: "COMPOSITE" } as const;
  const bare = [part(1, 3, 0)];
  assertCode("InvalidRequest", () => plan(bare, requestFor(bare), kind));
  const other = [{ ...part(1, 3, 0), checksum: { algorithm: "SHA1", value: "x" } as const }];
  assertCode("InvalidRequest", () => plan(other, requestFor(other), kind));
});

Deno.test("a composite checksum may be claimed with or without its number of parts", () => {
  const algorithm = "SHA256";
  const value = checksumOf(algorithm, new Uint8Array([1]));
  const parts = [{ ...part(1, 1, 0), checksum: { algorithm, value } as const }];
  const kind = { algorithm, type: "COMPOSITE" } as const;
  const made = plan(parts, requestFor(parts), kind).checksum?.value ?? "";
  assert(made.endsWith("-1"));
  for (const claimed of [made, made.slice(0, -2)]) {
    const request = { ...requestFor(parts), checksum: { algorithm, value: claimed } as const };
    assertEquals(plan(parts, request, kind).checksum?.value, made);
  }
  const request = { ...requestFor(parts), checksum: { algorithm, value: made + "1" } as const };
  assertCode("BadDigest", () => plan(parts, request, kind));
});

function plan(
  parts: readonly PartInfo[],
  request: CompleteRequest,
  checksum?: UploadInfo["checksum"],
) {
  const byNumber = new Map(parts.map((part) => [part.number, part]));
  return planCompletion({ checksum }, (number) => byNumber.get(number), request);
}

function part(number: number, size: number, etag: 0 | 1): PartInfo {
  return { number, size, etag: ETAGS[etag], modifiedMs: 0 };
}

function requestFor(parts: readonly PartInfo[]): CompleteRequest {
  return {
    bucket: "b",
    key: "k",
    uploadId: "u",
    parts: parts.map(({ number, etag }) => ({ number, etag })),
  };
}

function assertCode(code: string, run: () => unknown): S3Error {
  const error: S3Error = assertThrows(run, S3Error);
  assertEquals(error.code, code);
  return error;
}
