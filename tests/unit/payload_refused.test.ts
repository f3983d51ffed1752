/** Bodies that aren't what their headers promise: how each is refused. */

import { assertEquals } from "@std/assert";
import { checksumOf } from "../../src/checksum.ts";
import { sha256Hex } from "./auth_support.ts";
import {
  bytesOf,
  CRC32,
  crc32Of,
  decoded,
  outcome,
  type Sent,
  SIGNED_CHUNKS,
  SIGNED_TRAILER,
  signedFrames,
  UNSIGNED_TRAILER,
  unsignedFrames,
} from "./payload_support.ts";

const LONG = "b".repeat(8192);
const TRAILER = { name: CRC32, value: crc32Of(LONG + "end") };
const LONG_AND_END = decoded(LONG.length + 3, { "x-amz-trailer": CRC32 });
const SIGNED_WIRE = signedFrames([LONG, "end"]);
const TRAILER_WIRE = signedFrames([LONG, "end"], TRAILER);
const UNSIGNED_WIRE = unsignedFrames(["hello"], `${CRC32}:${crc32Of("hello")}\r\n`);
const signed = { mode: SIGNED_CHUNKS, headers: decoded(LONG.length + 3) };
const signedTrailer = { mode: SIGNED_TRAILER, headers: LONG_AND_END };
const unsigned = { mode: UNSIGNED_TRAILER, headers: decoded(5, { "x-amz-trailer": CRC32 }) };

const REFUSED: readonly (Sent & { readonly why: string; readonly code: string })[] = [
  { why: "a mode that is none", code: "InvalidArgument", body: "", mode: "STREAMING" },
  { why: "a hash cut short", code: "InvalidArgument", body: "", mode: "e3b0" },
  {
    why: "ECDSA chunks",
    code: "NotImplemented",
    body: "",
    mode: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
  },
  {
    why: "ECDSA chunks with a trailer",
    code: "NotImplemented",
    body: "",
    mode: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
  },
  {
    why: "signed chunks, anonymous",
    code: "InvalidRequest",
    body: SIGNED_WIRE,
    ...signed,
    anonymous: true,
  },
  {
    why: "another hash",
    code: "XAmzContentSHA256Mismatch",
    body: "hello",
    mode: sha256Hex("hallo"),
  },
  {
    why: "a hash of nothing for nothing",
    code: "XAmzContentSHA256Mismatch",
    body: "",
    mode: sha256Hex("x"),
  },
  { why: "too short", code: "IncompleteBody", body: "hello", headers: { "content-length": "6" } },
  { why: "too long", code: "IncompleteBody", body: "hello", headers: { "content-length": "4" } },
  {
    why: "neither length nor encoding, but bytes",
    code: "IncompleteBody",
    body: "hello",
    headers: { "content-length": "" },
  },
  {
    why: "a length that is none",
    code: "InvalidArgument",
    body: "",
    headers: { "content-length": "5, 5" },
  },
  { why: "a decoded length that is none", code: "InvalidArgument", body: "", headers: decoded(-1) },
  {
    why: "no decoded length",
    code: "MissingContentLength",
    body: SIGNED_WIRE,
    mode: SIGNED_CHUNKS,
  },
  {
    why: "two lengths for a body that isn't framed",
    code: "InvalidRequest",
    body: "hello",
    mode: sha256Hex("hello"),
    headers: decoded(4),
  },
  {
    why: "a decoded length too small",
    code: "IncompleteBody",
    ...signed,
    body: SIGNED_WIRE,
    headers: decoded(5),
  },
  {
    why: "a decoded length too large",
    code: "IncompleteBody",
    ...signed,
    body: SIGNED_WIRE,
    headers: decoded(LONG.length + 4),
  },
  { why: "no frames", code: "IncompleteBody", ...signed, body: "hello" },
  { why: "an empty body where frames should be", code: "IncompleteBody", ...signed, body: "" },
  {
    why: "frames that end early",
    code: "IncompleteBody",
    ...signed,
    body: SIGNED_WIRE.slice(0, -100),
  },
  {
    why: "data that ends early",
    code: "IncompleteBody",
    ...signed,
    body: SIGNED_WIRE.slice(0, 500),
  },
  {
    why: "no end of the last line",
    code: "IncompleteBody",
    ...signed,
    body: SIGNED_WIRE.slice(0, -2),
  },
  { why: "bytes behind the end", code: "IncompleteBody", ...signed, body: `${SIGNED_WIRE}x` },
  {
    why: "a chunk's end missing",
    code: "IncompleteBody",
    ...unsigned,
    body: "5\r\nhello0\r\n\r\n",
  },
  {
    why: "a size that is none",
    code: "IncompleteBody",
    ...unsigned,
    body: "0x5\r\nhello\r\n0\r\n\r\n",
  },
  { why: "a negative size", code: "IncompleteBody", ...unsigned, body: "-5\r\nhello\r\n0\r\n\r\n" },
  {
    why: "a size beyond all",
    code: "IncompleteBody",
    ...unsigned,
    body: `${"f".repeat(13)}\r\nhello`,
  },
  { why: "a line without CR", code: "IncompleteBody", ...unsigned, body: "5\nhello\r\n0\r\n\r\n" },
  { why: "a line without end", code: "IncompleteBody", ...unsigned, body: "0".repeat(5000) },
  {
    why: "a signature where none is said to be",
    code: "IncompleteBody",
    ...unsigned,
    body: SIGNED_WIRE,
  },
  {
    why: "no signature where one is said to be",
    code: "IncompleteBody",
    ...signed,
    body: UNSIGNED_WIRE,
  },
  {
    why: "another signature of a chunk",
    code: "SignatureDoesNotMatch",
    ...signed,
    body: SIGNED_WIRE.replace(/(chunk-signature=).{64}/, `$1${"0".repeat(64)}`),
  },
  { why: "chunks swapped", code: "SignatureDoesNotMatch", ...signed, body: swapChunks() },
  {
    why: "a changed byte",
    code: "SignatureDoesNotMatch",
    ...signed,
    body: SIGNED_WIRE.replace("end", "eNd"),
  },
  {
    why: "the last chunk's signature changed",
    code: "SignatureDoesNotMatch",
    ...signed,
    body: SIGNED_WIRE.replace(/(0;chunk-signature=).{64}/, `$1${"0".repeat(64)}`),
  },
  {
    why: "a small chunk that isn't the last",
    code: "InvalidChunkSizeError",
    mode: SIGNED_CHUNKS,
    headers: decoded(8191 + 1),
    body: signedFrames([LONG.slice(1), "e"]),
  },
  {
    why: "no trailer",
    code: "MalformedTrailerError",
    ...unsigned,
    body: unsignedFrames(["hello"]),
  },
  {
    why: "another trailer",
    code: "MalformedTrailerError",
    ...unsigned,
    body: unsignedFrames(["hello"], "x-amz-checksum-sha1:x\r\n"),
  },
  {
    why: "a trailer too many",
    code: "MalformedTrailerError",
    ...unsigned,
    body: UNSIGNED_WIRE.replace("x-amz", "x-amz-a:b\r\nx-amz"),
  },
  {
    why: "a trailer twice",
    code: "MalformedTrailerError",
    ...unsigned,
    body: unsignedFrames(["hello"], `${CRC32}:${crc32Of("hello")}\r\n`.repeat(2)),
  },
  {
    why: "a trailer that wasn't announced",
    code: "MalformedTrailerError",
    body: UNSIGNED_WIRE,
    mode: UNSIGNED_TRAILER,
    headers: decoded(5),
  },
  {
    why: "a trailer without colon",
    code: "MalformedTrailerError",
    ...unsigned,
    body: unsignedFrames(["hello"], "hello\r\n"),
  },
  {
    why: "a trailer without end",
    code: "IncompleteBody",
    ...unsigned,
    body: unsignedFrames(["hello"], "x".repeat(17_000)),
  },
  {
    why: "a trailer that is no checksum",
    code: "InvalidRequest",
    ...unsigned,
    body: unsignedFrames(["hello"], `${CRC32}:abc\r\n`),
  },
  {
    why: "another checksum in the trailer",
    code: "BadDigest",
    ...unsigned,
    body: unsignedFrames(["hello"], `${CRC32}:${crc32Of("hallo")}\r\n`),
  },
  {
    why: "a signed trailer without signature",
    code: "MalformedTrailerError",
    ...signedTrailer,
    body: TRAILER_WIRE.replace(/x-amz-trailer-signature.*\r\n/, ""),
  },
  {
    why: "a signed trailer with another signature",
    code: "SignatureDoesNotMatch",
    ...signedTrailer,
    body: TRAILER_WIRE.replace(/(trailer-signature:).{64}/, `$1${"0".repeat(64)}`),
  },
  {
    why: "a signed trailer with another checksum",
    code: "SignatureDoesNotMatch",
    ...signedTrailer,
    body: TRAILER_WIRE.replace(TRAILER.value, crc32Of("other")),
  },
  {
    why: "a trailer where none is said to be",
    code: "InvalidRequest",
    body: SIGNED_WIRE,
    mode: SIGNED_CHUNKS,
    headers: LONG_AND_END,
  },
  {
    why: "a trailer of another kind",
    code: "InvalidRequest",
    body: UNSIGNED_WIRE,
    mode: UNSIGNED_TRAILER,
    headers: decoded(5, { "x-amz-trailer": "x-amz-meta-a" }),
  },
  {
    why: "another checksum",
    code: "BadDigest",
    body: "hello",
    headers: { [CRC32]: crc32Of("hallo") },
  },
  {
    why: "a checksum that is none",
    code: "InvalidRequest",
    body: "hello",
    headers: { [CRC32]: "AAAA" },
  },
  {
    why: "an unknown checksum",
    code: "InvalidRequest",
    body: "hello",
    headers: { "x-amz-checksum-md6": "AAAA" },
  },
  {
    why: "two checksums",
    code: "InvalidRequest",
    body: "hello",
    headers: {
      [CRC32]: crc32Of("hello"),
      "x-amz-checksum-sha1": checksumOf("SHA1", bytesOf("hello")),
    },
  },
  {
    why: "a checksum in headers and trailer",
    code: "InvalidRequest",
    body: UNSIGNED_WIRE,
    mode: UNSIGNED_TRAILER,
    headers: { ...unsigned.headers, [CRC32]: crc32Of("hello") },
  },
  {
    why: "another algorithm than announced",
    code: "InvalidRequest",
    body: "hello",
    headers: { [CRC32]: crc32Of("hello"), "x-amz-sdk-checksum-algorithm": "SHA1" },
  },
  {
    why: "Content-MD5 that is none",
    code: "InvalidDigest",
    body: "hello",
    headers: { "content-md5": "abc" },
  },
];

function swapChunks(): string {
  const whole = signedFrames([LONG, LONG.replaceAll("b", "c")]);
  return whole.replaceAll("b".repeat(8192), "#").replaceAll("c".repeat(8192), LONG)
    .replaceAll("#", "c".repeat(8192));
}

for (const { why, code, ...sent } of REFUSED) {
  Deno.test(`refused as ${code}: ${why}`, async () => {
    assertEquals(await outcome(sent), code);
  });
}
