/** Whatever the network does to a body: cut anywhere, it reads the same; changed anywhere, it doesn't end well. */

import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { checksumOf } from "../../src/checksum.ts";
import { sha256Hex } from "./auth_support.ts";
import {
  bytesOf,
  CRC32,
  crc32Of,
  cut,
  decoded,
  outcome,
  type Sent,
  SIGNED_CHUNKS,
  SIGNED_TRAILER,
  signedFrames,
  streamOf,
  textOf,
  UNSIGNED_TRAILER,
  unsignedFrames,
} from "./payload_support.ts";

interface Form {
  readonly name: string;
  readonly send: (pieces: readonly string[]) => Sent & { readonly body: string };
}

const SHA256 = "x-amz-checksum-sha256";

const FORMS: readonly Form[] = [
  {
    name: "a signed hash",
    send: (pieces) => ({ body: pieces.join(""), mode: sha256Hex(bytesOf(pieces.join(""))) }),
  },
  {
    name: "an unsigned body with a checksum",
    send: (pieces) => ({
      body: pieces.join(""),
      mode: "UNSIGNED-PAYLOAD",
      headers: { [SHA256]: checksumOf("SHA256", bytesOf(pieces.join(""))) },
    }),
  },
  {
    name: "signed chunks",
    send: (pieces) => ({
      body: signedFrames(pieces),
      mode: SIGNED_CHUNKS,
      headers: decoded(pieces.join("").length),
    }),
  },
  {
    name: "signed chunks and trailer",
    send: (pieces) => ({
      body: signedFrames(pieces, { name: CRC32, value: crc32Of(pieces.join("")) }),
      mode: SIGNED_TRAILER,
      headers: decoded(pieces.join("").length, { "x-amz-trailer": CRC32 }),
    }),
  },
  {
    name: "unsigned chunks and a trailer",
    send: (pieces) => ({
      body: unsignedFrames(pieces, `${CRC32}:${crc32Of(pieces.join(""))}\r\n`),
      mode: UNSIGNED_TRAILER,
      headers: decoded(pieces.join("").length, { "x-amz-trailer": CRC32 }),
    }),
  },
];

/** Text of a few bytes of all kinds, so long that only the last of several may be short. */
const piece = (sizeMin: number) =>
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(20)).map(([bytes, more]) =>
    textOf(bytes).repeat(Math.ceil((sizeMin + more) / bytes.length))
  );
const pieces = fc.tuple(fc.array(piece(8192), { maxLength: 2 }), piece(1)).map(([long, last]) => [
  ...long,
  last,
]);

function asStream(sent: Sent, chunks: Uint8Array<ArrayBuffer>[], length: number): Sent {
  const headers = { "content-length": String(length), ...sent.headers };
  return { ...sent, body: streamOf(chunks), headers };
}

for (const { name, send } of FORMS) {
  Deno.test(`cut anywhere, it reads the same: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.array(fc.nat(), { maxLength: 9 }), async (sentPieces, cuts) => {
        const sent = send(sentPieces);
        const positions = cuts.map((at) => at % (sent.body.length + 1));
        const chunks = cut(bytesOf(sent.body), positions);
        const result = await outcome(asStream(sent, chunks, sent.body.length));
        assertEquals(result, `read ${sentPieces.join("")}`);
      }),
      { numRuns: 40 },
    );
  });

  Deno.test(`cut into single bytes, it reads the same: ${name}`, async () => {
    const sent = send(["c".repeat(8192), "d"]);
    const chunks = Array.from(bytesOf(sent.body), (byte) => Uint8Array.of(byte));
    const result = await outcome(asStream(sent, chunks, sent.body.length));
    assertEquals(result, `read ${"c".repeat(8192)}d`);
  });

  Deno.test(`with one byte changed, it doesn't end well: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        pieces,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (sentPieces, place, mask) => {
          const sent = send(sentPieces);
          // Half of the places are in the last bytes: what frames the body is short beside what it holds.
          const at = place % 2 === 0
            ? place % sent.body.length
            : sent.body.length - 1 - place % Math.min(sent.body.length, 400);
          const bytes = bytesOf(sent.body);
          const before = bytes[at] ?? 0;
          bytes[at] = before ^ mask;
          const result = await outcome(asStream(sent, [bytes], bytes.length));
          if (!result.startsWith("read ")) return;
          assertEquals(result, `read ${sentPieces.join("")}`);
          assert(isSame(before, before ^ mask), `byte ${at}: ${before} → ${before ^ mask}`);
        },
      ),
      { numRuns: 100 },
    );
  });

  Deno.test(`with its end cut off, it doesn't end well: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), async (sentPieces, place) => {
        const sent = send(sentPieces);
        const bytes = bytesOf(sent.body).slice(0, place % sent.body.length);
        const result = await outcome(asStream(sent, [bytes], sent.body.length));
        assertEquals(result, "IncompleteBody");
      }),
      { numRuns: 40 },
    );
  });
}

/** The only changes that mean nothing: the case of a letter in a size or name, and how a trailer's lines are spaced. */
function isSame(before: number, after: number): boolean {
  const isLetter = /[a-z]/i.test(String.fromCharCode(before));
  const isSpace = (byte: number) => /\s/.test(String.fromCharCode(byte));
  return (isLetter && (before ^ after) === 0x20) || (isSpace(before) && isSpace(after));
}
