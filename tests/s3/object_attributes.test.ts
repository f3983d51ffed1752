import { assertEquals } from "@std/assert";
import { checksumOf, compositeChecksum } from "../../src/checksum.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { textOf, texts } from "../support/s3_client.ts";
import {
  BUCKET,
  completion,
  createUpload,
  type NamedPart,
  openBucketServer,
  PART_BYTES_MIN,
  uploadInParts,
  uploadPart,
} from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const TARGET = `${PATH}?attributes`;
const body = patternBytes(100);
const ALL = "ETag,Checksum,ObjectParts,StorageClass,ObjectSize";
const BODIES = [patternBytes(PART_BYTES_MIN, 1), patternBytes(3, 2)];

const wanted = (attributes: string, more: Readonly<Record<string, string>> = {}) => ({
  headers: { "x-amz-object-attributes": attributes, ...more },
});

Deno.test("all that is known, for a list in one header", async () => {
  const { send } = await openBucketServer();
  await send("PUT", PATH, { body });
  const { status, text, headers } = await send("GET", TARGET, wanted(ALL));
  assertEquals(status, 200);
  assertEquals(headers.get("last-modified"), "Fri, 02 Jan 2026 03:04:05 GMT");
  assertEquals(textOf(text, "ETag"), md5(body));
  assertEquals(textOf(text, "ChecksumCRC64NVME"), checksumOf("CRC64NVME", body));
  assertEquals(textOf(text, "ChecksumType"), "FULL_OBJECT");
  assertEquals(textOf(text, "StorageClass"), "STANDARD");
  assertEquals(textOf(text, "ObjectSize"), "100");
  assertEquals(texts(text, "PartsCount"), []);
});

Deno.test("only what is asked for", async () => {
  const { send } = await openBucketServer();
  await send("PUT", PATH, { body });
  const { text } = await send("GET", TARGET, wanted("ObjectSize, ETag"));
  const names = Array.from(text.matchAll(/<(\w+)>/g), ([, name]) => name);
  assertEquals(names, ["ETag", "ObjectSize"]);
});

Deno.test("of a checksum of the whole only the number of parts is told", async () => {
  const { send } = await openBucketServer();
  await uploadInParts(send, PATH, BODIES);
  const { text } = await send("GET", TARGET, wanted(ALL));
  assertEquals(textOf(text, "PartsCount"), "2");
  assertEquals(texts(text, "PartNumber"), []);
});

Deno.test("the parts of a composite checksum, page by page", async () => {
  const { send } = await openBucketServer();
  const sums = BODIES.map((part) => checksumOf("SHA256", part));
  const uploadId = await createUpload(send, PATH, { "x-amz-checksum-algorithm": "SHA256" });
  const parts: NamedPart[] = [];
  for (const [index, part] of BODIES.entries()) {
    const headers = { "x-amz-checksum-sha256": sums[index] ?? "" };
    const number = index + 1;
    parts.push({ number, etag: await uploadPart(send, PATH, uploadId, number, part, headers) });
  }
  await send("POST", `${PATH}?uploadId=${uploadId}`, { body: completion(parts) });

  const whole = await send("GET", TARGET, wanted("Checksum,ObjectParts"));
  const composite = compositeChecksum("SHA256", sums).replace("-2", "");
  assertEquals(texts(whole.text, "ChecksumSHA256"), [composite, ...sums]);
  assertEquals(texts(whole.text, "PartNumber"), ["1", "2"]);
  assertEquals(texts(whole.text, "Size"), [String(PART_BYTES_MIN), "3"]);
  assertEquals(textOf(whole.text, "IsTruncated"), "false");

  const first = await send("GET", TARGET, wanted("ObjectParts", { "x-amz-max-parts": "1" }));
  assertEquals(texts(first.text, "PartNumber"), ["1"]);
  assertEquals(textOf(first.text, "NextPartNumberMarker"), "1");
  assertEquals(textOf(first.text, "IsTruncated"), "true");
  const more = { "x-amz-max-parts": "1", "x-amz-part-number-marker": "1" };
  const second = await send("GET", TARGET, wanted("ObjectParts", more));
  assertEquals(texts(second.text, "PartNumber"), ["2"]);
  assertEquals(textOf(second.text, "IsTruncated"), "false");
  assertEquals(textOf(second.text, "PartsCount"), "2");
  const beyond = { "x-amz-part-number-marker": "9" };
  const none = await send("GET", TARGET, wanted("ObjectParts", beyond));
  assertEquals([texts(none.text, "PartNumber"), textOf(none.text, "IsTruncated")], [[], "false"]);
});

Deno.test("requests that make no sense", async () => {
  const { send } = await openBucketServer();
  await send("PUT", PATH, { body });
  const table: readonly (readonly [string, Record<string, string>, string])[] = [
    [TARGET, {}, "InvalidArgument"],
    [TARGET, { "x-amz-object-attributes": "" }, "InvalidArgument"],
    [TARGET, { "x-amz-object-attributes": "Colour" }, "InvalidArgument"],
    [TARGET, { "x-amz-object-attributes": "ETag,," }, "InvalidArgument"],
    [TARGET, { "x-amz-object-attributes": "ETag", "x-amz-max-parts": "x" }, "InvalidArgument"],
    [`${TARGET}&versionId=x`, { "x-amz-object-attributes": "ETag" }, "NoSuchVersion"],
    [`/${BUCKET}/missing?attributes`, { "x-amz-object-attributes": "ETag" }, "NoSuchKey"],
    ["/missing/key?attributes", { "x-amz-object-attributes": "ETag" }, "NoSuchBucket"],
  ];
  for (const [target, headers, code] of table) {
    assertEquals((await send("GET", target, { headers })).code, code, JSON.stringify(headers));
  }
});
