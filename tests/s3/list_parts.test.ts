import { assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { textOf, texts } from "../support/s3_client.ts";
import { BUCKET, createUpload, openBucketServer, uploadPart } from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const NUMBERS = [1, 2, 5, 9, 10];

async function openWithParts(init: Readonly<Record<string, string>> = {}) {
  const server = await openBucketServer();
  const uploadId = await createUpload(server.send, PATH, init);
  for (const number of NUMBERS) {
    await uploadPart(server.send, PATH, uploadId, number, patternBytes(number, number));
  }
  return { ...server, target: `${PATH}?uploadId=${uploadId}`, uploadId };
}

Deno.test("parts are told in order, with all that is known of them", async () => {
  const { send, target, uploadId } = await openWithParts();
  const { status, text } = await send("GET", target);
  assertEquals(status, 200);
  assertEquals(textOf(text, "Bucket"), BUCKET);
  assertEquals(textOf(text, "Key"), "key");
  assertEquals(textOf(text, "UploadId"), uploadId);
  assertEquals(texts(text, "ID"), ["ADMINKEY", "ADMINKEY"]);
  assertEquals(textOf(text, "StorageClass"), "STANDARD");
  assertEquals(textOf(text, "IsTruncated"), "false");
  assertEquals(textOf(text, "MaxParts"), "1000");
  assertEquals(texts(text, "PartNumber"), NUMBERS.map(String));
  assertEquals(texts(text, "Size"), NUMBERS.map(String));
  assertEquals(texts(text, "ETag"), NUMBERS.map((n) => `"${md5(patternBytes(n, n))}"`));
  assertEquals(texts(text, "LastModified"), NUMBERS.map(() => "2026-01-02T03:04:05.000Z"));
  assertEquals(texts(text, "ChecksumAlgorithm"), []);
});

Deno.test("pages of any size lead to every part once", async () => {
  const { send, target } = await openWithParts();
  for (const size of [1, 2, 3, 4, 5, 6, 5000]) {
    const found: string[] = [];
    let marker: string | undefined = "0";
    for (let page = 0; marker !== undefined; page++) {
      const { text } = await send(
        "GET",
        `${target}&max-parts=${size}&part-number-marker=${marker}`,
      );
      assertEquals(textOf(text, "PartNumberMarker"), marker);
      assertEquals(textOf(text, "MaxParts"), String(Math.min(size, 1000)));
      found.push(...texts(text, "PartNumber"));
      // Some paginators follow the next marker wherever there is one, others only look at IsTruncated.
      marker = texts(text, "NextPartNumberMarker")[0];
      assertEquals(textOf(text, "IsTruncated"), String(marker !== undefined));
      assertEquals(page < NUMBERS.length, true, "pages without end");
    }
    assertEquals(found, NUMBERS.map(String), `pages of ${size}`);
  }
});

Deno.test("an empty page ends, and a marker beyond the last part gives one", async () => {
  const { send, target } = await openWithParts();
  for (const query of ["max-parts=0", "part-number-marker=10", "part-number-marker=99999"]) {
    const { text } = await send("GET", `${target}&${query}`);
    assertEquals([texts(text, "PartNumber"), textOf(text, "IsTruncated")], [[], "false"], query);
  }
});

Deno.test("checksums of the parts and the kind of the whole", async () => {
  const { send, target } = await openWithParts({ "x-amz-checksum-algorithm": "CRC64NVME" });
  const { text } = await send("GET", target);
  assertEquals(textOf(text, "ChecksumAlgorithm"), "CRC64NVME");
  assertEquals(textOf(text, "ChecksumType"), "FULL_OBJECT");
  const expected = NUMBERS.map((n) => checksumOf("CRC64NVME", patternBytes(n, n)));
  assertEquals(texts(text, "ChecksumCRC64NVME"), expected);
});

Deno.test("what can't be listed", async () => {
  const { send, target, uploadId } = await openWithParts();
  const table = [
    [`${target}&max-parts=-1`, "InvalidArgument"],
    [`${target}&max-parts=x`, "InvalidArgument"],
    [`${target}&part-number-marker=9999999999`, "InvalidArgument"],
    [`${PATH}?uploadId=unknown`, "NoSuchUpload"],
    [`/${BUCKET}/other?uploadId=${uploadId}`, "NoSuchUpload"],
    [`/missing/key?uploadId=${uploadId}`, "NoSuchBucket"],
  ];
  for (const [wrong = "", code] of table) {
    assertEquals((await send("GET", wrong)).code, code, wrong);
  }
});
