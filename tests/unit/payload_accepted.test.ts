/** Bodies in all five modes, as clients send them: what is read. */

import { assertEquals } from "@std/assert";
import { openPayload } from "../../src/auth/payload.ts";
import { authenticate } from "../../src/auth/sigv4.ts";
import {
  authorization,
  EXAMPLE_TIMESTAMP,
  exampleWorld,
  incomingRequest,
  sha256Hex,
} from "./auth_support.ts";
import {
  bytesOf,
  CRC32,
  crc32Of,
  decoded,
  outcome,
  readText,
  type Sent,
  SIGNED_CHUNKS,
  SIGNED_TRAILER,
  signedFrames,
  streamOf,
  UNSIGNED_TRAILER,
  unsignedFrames,
} from "./payload_support.ts";

const AS = "a".repeat(64 * 1024);
const SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
const SEED_WITH_TRAILER = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
const EXAMPLES = [
  {
    name: "in chunks",
    mode: SIGNED_CHUNKS,
    seed: SEED,
    signed:
      "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
    headers: { "content-length": "66824" },
    chunks: [
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
    trailer: "",
    checksum: undefined,
  },
  {
    name: "with a trailer",
    mode: SIGNED_TRAILER,
    seed: SEED_WITH_TRAILER,
    signed:
      "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
    headers: { "transfer-encoding": "chunked", "x-amz-trailer": "x-amz-checksum-crc32c" },
    chunks: [
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
    trailer: "x-amz-checksum-crc32c:sOO8/Q==\r\n" +
      "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
    checksum: { algorithm: "CRC32C", value: "sOO8/Q==" },
  },
] as const;

for (const example of EXAMPLES) {
  Deno.test(`AWS's example of an upload verifies: ${example.name}`, async () => {
    const [first, second, last] = example.chunks;
    const wire = `10000;chunk-signature=${first}\r\n${AS}\r\n` +
      `400;chunk-signature=${second}\r\n${AS.slice(0, 1024)}\r\n` +
      `0;chunk-signature=${last}\r\n${example.trailer}\r\n`;
    const headers = {
      host: "s3.amazonaws.com",
      "content-encoding": "aws-chunked",
      "x-amz-content-sha256": example.mode,
      "x-amz-date": EXAMPLE_TIMESTAMP,
      "x-amz-decoded-content-length": "66560",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      authorization: authorization(example.signed, example.seed),
      ...example.headers,
    };
    const request = incomingRequest({
      method: "PUT",
      target: "/examplebucket/chunkObject.txt",
      headers,
      body: streamOf([bytesOf(wire)]),
    });
    const payload = openPayload(request, authenticate(request, exampleWorld()));
    assertEquals([payload.length, payload.contentEncoding], [66560, undefined]);
    assertEquals(payload.checksum(), undefined);
    assertEquals(await readText(payload), AS + AS.slice(0, 1024));
    assertEquals(payload.checksum(), example.checksum);
  });
}

const LONG = "b".repeat(8192);
const TRAILER = { name: CRC32, value: crc32Of(LONG + "end") };
const LONG_AND_END = decoded(LONG.length + 3, { "x-amz-trailer": CRC32 });

/** What clients send, each to be read as `text`. */
const ACCEPTED: readonly (Sent & { readonly name: string; readonly text: string })[] = [
  { name: "no mode", text: "hello", body: "hello" },
  { name: "no mode, anonymous", text: "hello", body: "hello", anonymous: true },
  { name: "unsigned", text: "hello", body: "hello", mode: "UNSIGNED-PAYLOAD" },
  { name: "a hash", text: "hello", body: "hello", mode: sha256Hex("hello") },
  {
    name: "a hash in upper case",
    text: "hello",
    body: "hello",
    mode: sha256Hex("hello").toUpperCase(),
  },
  {
    name: "an anonymous hash",
    text: "hello",
    body: "hello",
    mode: sha256Hex("hello"),
    anonymous: true,
  },
  { name: "an empty body", text: "", body: "", mode: sha256Hex("") },
  {
    name: "HTTP chunks without a length",
    text: "hello",
    body: "hello",
    headers: { "content-length": "", "transfer-encoding": "chunked" },
  },
  {
    name: "a decoded length beside a body that isn't framed",
    text: "hello",
    body: "hello",
    mode: "UNSIGNED-PAYLOAD",
    headers: decoded(5),
  },
  {
    name: "signed chunks",
    text: LONG + "end",
    body: signedFrames([LONG, "end"]),
    mode: SIGNED_CHUNKS,
    headers: decoded(LONG.length + 3),
  },
  {
    name: "signed chunks of nothing",
    text: "",
    body: signedFrames([]),
    mode: SIGNED_CHUNKS,
    headers: decoded(0),
  },
  {
    name: "signed chunks with a trailer",
    text: LONG + "end",
    body: signedFrames([LONG, "end"], TRAILER),
    mode: SIGNED_TRAILER,
    headers: LONG_AND_END,
  },
  {
    name: "the trailer as minio-go writes it",
    text: LONG + "end",
    body: signedFrames([LONG, "end"], TRAILER).replace(/(crc32:.*)\r\n/, "$1\n\r\n"),
    mode: SIGNED_TRAILER,
    headers: LONG_AND_END,
  },
  {
    name: "unsigned chunks of any size with a trailer",
    text: "hello, world",
    body: unsignedFrames(["hello, ", "world"], `${CRC32}:${crc32Of("hello, world")}\r\n`),
    mode: UNSIGNED_TRAILER,
    headers: decoded(12, { "x-amz-trailer": CRC32, "x-amz-sdk-checksum-algorithm": "CRC32" }),
  },
  {
    name: "unsigned chunks without a trailer",
    text: "hello",
    body: unsignedFrames(["hello"]),
    mode: UNSIGNED_TRAILER,
    headers: decoded(5),
  },
  {
    name: "chunk sizes in upper case, a trailer's name in mixed case, spaces round its value",
    text: "0123456789a",
    body: `B\r\n0123456789a\r\n0\r\nX-Amz-Checksum-Crc32: ${crc32Of("0123456789a")} \r\n\r\n`,
    mode: UNSIGNED_TRAILER,
    headers: decoded(11, { "x-amz-trailer": CRC32 }),
  },
  {
    name: "chunks of a sender that signs nothing (boto3 without credentials)",
    text: "hello",
    body: unsignedFrames(["hello"], `${CRC32}:${crc32Of("hello")}\r\n`),
    headers: decoded(5, { "content-encoding": "aws-chunked", "x-amz-trailer": CRC32 }),
    anonymous: true,
  },
];

for (const { name, text, ...sent } of ACCEPTED) {
  Deno.test(`read: ${name}`, async () => {
    assertEquals(await outcome(sent), `read ${text}`);
  });
}
