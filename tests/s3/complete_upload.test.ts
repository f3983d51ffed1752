import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { checksumOf, compositeChecksum } from "../../src/checksum.ts";
import { md5, patternBytes } from "../support/bytes.ts";
import { type Message, textOf, texts } from "../support/s3_client.ts";
import {
  BUCKET,
  completion,
  createUpload,
  type NamedPart,
  openBucketServer,
  PART_BYTES_MIN,
  uploadPart,
} from "../support/uploads.ts";

const PATH = `/${BUCKET}/key`;
const FIRST = patternBytes(PART_BYTES_MIN, 1);
const LAST = patternBytes(10, 2);
const WHOLE = new Uint8Array(await new Blob([FIRST, LAST]).arrayBuffer());
const ETAG = `"${
  createHash("md5").update(md5(FIRST), "hex").update(md5(LAST), "hex").digest("hex")
}-2"`;

/** An upload with FIRST as part 1 and LAST as part 2. */
async function openWithParts(
  init: Readonly<Record<string, string>> = {},
  headersOf: (body: Uint8Array) => Readonly<Record<string, string>> = () => ({}),
) {
  const server = await openBucketServer();
  const uploadId = await createUpload(server.send, PATH, init);
  const upload = async (number: number, body: Uint8Array<ArrayBuffer>): Promise<NamedPart> => {
    const etag = await uploadPart(server.send, PATH, uploadId, number, body, headersOf(body));
    return { number, etag };
  };
  const parts: [NamedPart, NamedPart] = [await upload(1, FIRST), await upload(2, LAST)];
  const target = `${PATH}?uploadId=${uploadId}`;
  const complete = (named: readonly NamedPart[] = parts, headers: Message["headers"] = {}) =>
    server.send("POST", target, { body: completion(named), headers });
  return { ...server, uploadId, target, parts, complete };
}

Deno.test("the object is its parts, in order", async () => {
  const { send, complete } = await openWithParts();
  const reply = await complete();
  assertEquals(reply.status, 200);
  assertEquals(reply.headers.get("content-type"), "application/xml");
  assertEquals(textOf(reply.text, "Location"), "http://localhost:9000/bucket/key");
  assertEquals([textOf(reply.text, "Bucket"), textOf(reply.text, "Key")], [BUCKET, "key"]);
  assertEquals(textOf(reply.text, "ETag"), ETAG);
  assertEquals(textOf(reply.text, "ChecksumCRC64NVME"), checksumOf("CRC64NVME", WHOLE));
  assertEquals(textOf(reply.text, "ChecksumType"), "FULL_OBJECT");
  const got = await send("GET", PATH);
  assertEquals(got.headers.get("etag"), ETAG);
  assert(md5(got.bytes) === md5(WHOLE));
});

Deno.test("exactly the listed parts count", async () => {
  const { send, complete, parts } = await openWithParts();
  const reply = await complete(parts.slice(1));
  assertEquals(reply.status, 200);
  assertEquals((await send("GET", PATH)).bytes, LAST);
});

Deno.test("ETags may come without quotes, elements with white space", async () => {
  const { complete, parts } = await openWithParts();
  const plain = parts.map(({ number, etag }) => ({
    number: ` ${number} `,
    etag: `\n${etag.replaceAll('"', "")}\n`,
  }));
  assertEquals(textOf((await complete(plain)).text, "ETag"), ETAG);
});

Deno.test("lists that can't be: the upload stays as it was", async () => {
  const { send, target, parts, complete, uploadId } = await openWithParts();
  const [first, last] = parts;
  const third = { number: 3, etag: await uploadPart(send, PATH, uploadId, 3, LAST) };
  const table: readonly (readonly [readonly NamedPart[], string])[] = [
    [[], "MalformedXML"],
    [[last, first], "InvalidPartOrder"],
    [[first, first], "InvalidPartOrder"],
    [[first, { number: 4, etag: last.etag }], "InvalidPart"],
    [[first, { number: 2, etag: first.etag }], "InvalidPart"],
    [[first, { number: 2, etag: "" }], "InvalidPart"],
    [[first, last, third], "EntityTooSmall"],
    [[{ number: 0, etag: first.etag }], "InvalidArgument"],
    [[{ number: "x", etag: first.etag }], "InvalidArgument"],
    [[{ ...first, more: "<Colour>red</Colour>" }], "MalformedXML"],
    [Array.from({ length: 10_001 }, (_, i) => ({ number: i + 1, etag: "e" })), "InvalidArgument"],
  ];
  for (const [named, code] of table) assertEquals((await complete(named)).code, code);
  for (const body of ["", "<Other/>", "<CompleteMultipartUpload>"]) {
    assertEquals((await send("POST", target, { body })).code, "MalformedXML");
  }
  assertEquals((await send("HEAD", PATH)).status, 404);
  assertEquals((await complete()).status, 200);
});

Deno.test("a repeated Complete is answered like the first, and changes nothing", async () => {
  const { send, complete, clock } = await openWithParts();
  const first = await complete();
  await send("PUT", PATH, { body: "newer" });
  clock.nowMs += 1000;
  const again = await complete();
  assertEquals([again.status, textOf(again.text, "ETag")], [200, textOf(first.text, "ETag")]);
  assertEquals((await send("GET", PATH)).text, "newer");
});

Deno.test("uploads that aren't there", async () => {
  const { send, parts, uploadId } = await openWithParts();
  const body = completion(parts);
  const table = [
    [`${PATH}?uploadId=unknown`, "NoSuchUpload"],
    [`${PATH}?uploadId=`, "NoSuchUpload"],
    [`/${BUCKET}/other?uploadId=${uploadId}`, "NoSuchUpload"],
    [`/missing/key?uploadId=${uploadId}`, "NoSuchBucket"],
  ];
  for (const [target = "", code] of table) {
    assertEquals((await send("POST", target, { body })).code, code, target);
  }
});

Deno.test("conditions are of the object that is there", async () => {
  const { send, complete } = await openWithParts();
  await send("PUT", PATH, { body: "old" });
  assertEquals((await complete(undefined, { "if-none-match": "*" })).code, "PreconditionFailed");
  assertEquals((await complete(undefined, { "if-match": '"x"' })).code, "PreconditionFailed");
  assertEquals((await complete(undefined, { "if-none-match": '"x"' })).code, "NotImplemented");
  assertEquals((await send("GET", PATH)).text, "old");
  const etag = `"${md5(new TextEncoder().encode("old"))}"`;
  assertEquals((await complete(undefined, { "if-match": etag })).status, 200);
});

Deno.test("the size that is claimed must be right", async () => {
  const { complete } = await openWithParts();
  const size = (text: string) => complete(undefined, { "x-amz-mp-object-size": text });
  assertEquals((await size(String(WHOLE.length - 1))).code, "InvalidRequest");
  assertEquals((await size("many")).code, "InvalidRequest");
  assertEquals((await size(String(WHOLE.length))).status, 200);
});

Deno.test("a composite checksum is made of the parts', and may be claimed", async () => {
  const name = "x-amz-checksum-sha256";
  const { complete, parts, send } = await openWithParts(
    { "x-amz-checksum-algorithm": "SHA256" },
    (body) => ({ [name]: checksumOf("SHA256", body) }),
  );
  const sums = [FIRST, LAST].map((body) => checksumOf("SHA256", body));
  const composite = compositeChecksum("SHA256", sums);
  const named = parts.map((part, index) => ({
    ...part,
    more: `<ChecksumSHA256>${sums[index]}</ChecksumSHA256>`,
  }));
  const swapped = named.map((part, index) => ({ ...part, more: named[1 - index]?.more ?? "" }));
  assertEquals((await complete(swapped)).code, "InvalidPart");
  assertEquals((await complete(named, { [name]: sums[0] ?? "" })).code, "BadDigest");
  assertEquals((await complete(named, { [name]: "nonsense" })).code, "InvalidRequest");
  const wrongType = { [name]: composite, "x-amz-checksum-type": "FULL_OBJECT" };
  assertEquals((await complete(named, wrongType)).code, "InvalidRequest");
  const reply = await complete(named, { [name]: composite, "x-amz-checksum-type": "COMPOSITE" });
  assertEquals(textOf(reply.text, "ChecksumSHA256"), composite);
  assertEquals(textOf(reply.text, "ChecksumType"), "COMPOSITE");
  const head = await send("HEAD", PATH, { headers: { "x-amz-checksum-mode": "ENABLED" } });
  assertEquals(head.headers.get(name), composite);
});

Deno.test("a checksum of the whole is joined from the parts', and may be claimed", async () => {
  const name = "x-amz-checksum-crc32";
  const init = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": "FULL_OBJECT" };
  const { complete } = await openWithParts(init);
  const value = checksumOf("CRC32", WHOLE);
  const claim = (text: string) => ({ [name]: text, "x-amz-checksum-type": "FULL_OBJECT" });
  assertEquals((await complete(undefined, claim(checksumOf("CRC32", LAST)))).code, "BadDigest");
  const reply = await complete(undefined, claim(value));
  assertEquals(textOf(reply.text, "ChecksumCRC32"), value);
});

Deno.test("parts with checksums of their own choice leave the object without one", async () => {
  const { complete } = await openWithParts(
    {},
    (body) => ({ "x-amz-checksum-crc32": checksumOf("CRC32", body) }),
  );
  const { status, text } = await complete();
  assertEquals([status, texts(text, "ChecksumType")], [200, []]);
});
