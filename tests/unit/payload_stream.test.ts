/** How a body is read: once, without copies, given back when nobody wants it, given up when nobody sends it. */

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { readSmallBody } from "../../src/auth/payload.ts";
import { systemTimers } from "../../src/timers.ts";
import { type ChecksumAlgorithm, checksumHeaderName, checksumOf } from "../../src/checksum.ts";
import { S3Error } from "../../src/errors.ts";
import { sha256Hex } from "./auth_support.ts";
import {
  bytesOf,
  CRC32,
  crc32Of,
  decoded,
  openSent,
  outcome,
  readText,
  SIGNED_CHUNKS,
  signedFrames,
  streamOf,
} from "./payload_support.ts";

for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as ChecksumAlgorithm[]) {
  Deno.test(`a ${algorithm} is verified, and known once the body has ended`, async () => {
    const value = checksumOf(algorithm, bytesOf("hello"));
    const headers = { [checksumHeaderName(algorithm)]: value };
    const payload = openSent({ body: "hello", headers, mode: sha256Hex("hello") });
    assertEquals(payload.checksumAlgorithm, algorithm);
    assertEquals(payload.checksum(), undefined);
    assertEquals(await readText(payload), "hello");
    assertEquals(payload.checksum(), { algorithm, value });
    assertEquals(await outcome({ body: "hallo", headers }), "BadDigest");
  });
}

Deno.test("a payload hash and a SHA256 checksum are each verified", async () => {
  const headers = { "x-amz-checksum-sha256": checksumOf("SHA256", bytesOf("hello")) };
  const hash = sha256Hex("hello");
  assertEquals(await outcome({ body: "hello", headers, mode: hash }), "read hello");
  assertEquals(await outcome({ body: "hallo", headers, mode: hash }), "XAmzContentSHA256Mismatch");
  assertEquals(await outcome({ body: "hallo", headers, mode: sha256Hex("hallo") }), "BadDigest");
});

Deno.test("what the headers tell is known before the body is read", () => {
  const md5 = createHash("md5").update("hello");
  const cases = [
    [{}, { length: 5, present: true, contentEncoding: undefined }],
    [{ "content-length": "" }, { length: undefined, present: false, contentEncoding: undefined }],
    [
      { "content-length": "", "transfer-encoding": "chunked" },
      { length: undefined, present: true, contentEncoding: undefined },
    ],
    [{ "content-encoding": "gzip" }, { length: 5, present: true, contentEncoding: "gzip" }],
    [{ "content-encoding": "gzip, br" }, { length: 5, present: true, contentEncoding: "gzip, br" }],
    [{ "content-encoding": "aws-chunked" }, {
      length: 5,
      present: true,
      contentEncoding: undefined,
    }],
    [{ "content-encoding": "gzip,aws-chunked" }, {
      length: 5,
      present: true,
      contentEncoding: "gzip",
    }],
    [{ "content-encoding": "AWS-Chunked, gzip, br" }, {
      length: 5,
      present: true,
      contentEncoding: "gzip,br",
    }],
  ] as const;
  for (const [headers, expected] of cases) {
    const { length, present, contentEncoding } = openSent({ body: "hello", headers });
    assertEquals({ length, present, contentEncoding }, expected);
  }
  const framed = openSent({
    body: signedFrames(["hello"]),
    mode: SIGNED_CHUNKS,
    headers: decoded(5),
  });
  assertEquals(framed.length, 5);
  const digest = md5.digest();
  const { contentMd5 } = openSent({
    body: "hello",
    headers: { "content-md5": digest.toString("base64") },
  });
  assertEquals(contentMd5, digest.toString("hex"));
});

Deno.test("the checksum of CompleteMultipartUpload is of the object, not of its body", async () => {
  const payload = openSent({
    body: "<xml/>",
    headers: { [CRC32]: "AAAAAA==-3" },
    options: { method: "POST", target: "/k?uploadId=u", body: streamOf([bytesOf("<xml/>")]) },
  });
  assertEquals(payload.checksumAlgorithm, undefined);
  assertEquals(await readText(payload), "<xml/>");
});

Deno.test("S3 ignores checksums in the query of a presigned URL", async () => {
  const target = "/k?x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
  const body = streamOf([bytesOf("hello")]);
  assertEquals(await outcome({ body: "hello", options: { target, body } }), "read hello");
});

Deno.test("a request without a body reads as empty", async () => {
  const payload = openSent({ body: "", headers: { "content-length": "" }, mode: sha256Hex("") });
  assertEquals(await readText(payload), "");
});

Deno.test("a body can be read only once", async () => {
  const payload = openSent({ body: "hello" });
  assertEquals(await readText(payload), "hello");
  assertThrows(() => payload.body[Symbol.asyncIterator](), TypeError, "only once");
});

Deno.test("bytes pass without being copied", async () => {
  const wire = bytesOf(signedFrames(["b".repeat(8192), "end"]));
  const sent = { body: streamOf([wire]), mode: SIGNED_CHUNKS, headers: decoded(8195) };
  for await (const chunk of openSent(sent).body) assertStrictEquals(chunk.buffer, wire.buffer);
  const plain = bytesOf("hello");
  for await (const chunk of openSent({ body: streamOf([plain]) }).body) {
    assertStrictEquals(chunk, plain);
  }
});

/** A stream that gives these chunks and then nothing, and what became of it. */
function stalling(chunks: readonly Uint8Array<ArrayBuffer>[]) {
  const state = { isCancelled: false };
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
    },
    cancel() {
      state.isCancelled = true;
    },
  });
  return { stream, state };
}

Deno.test("a consumer that stops gives the stream back", async () => {
  const framed = bytesOf(signedFrames(["b".repeat(8192), "end"])).slice(0, 9000);
  const cases = [
    { wire: bytesOf("hello"), mode: undefined, headers: {} },
    { wire: framed, mode: SIGNED_CHUNKS, headers: decoded(8195) },
  ];
  for (const { wire, mode, headers } of cases) {
    const { stream, state } = stalling([wire]);
    for await (const _chunk of openSent({ body: stream, headers, ...(mode && { mode }) }).body) {
      break;
    }
    assert(state.isCancelled);
  }
});

Deno.test("a body that nobody begins to read is left alone", async () => {
  const { stream } = stalling([bytesOf("hello")]);
  await openSent({ body: stream }).body[Symbol.asyncIterator]().return?.();
  assert(!stream.locked);
});

Deno.test("a refused body gives the stream back", async () => {
  const { stream, state } = stalling([bytesOf("no frames\r\n")]);
  const result = await outcome({ body: stream, mode: SIGNED_CHUNKS, headers: decoded(5) });
  assertEquals([result, state.isCancelled], ["IncompleteBody", true]);
});

Deno.test("a sender that goes away leaves an incomplete body", async () => {
  const reason = new Error("connection reset");
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => Promise.reject(reason) });
  const error = await assertRejects(() => readText(openSent({ body })), S3Error);
  assertEquals([error.code, error.cause], ["IncompleteBody", reason]);
});

Deno.test("a sender that says nothing is given up", async () => {
  const { stream, state } = stalling([bytesOf("hel")]);
  assertEquals(await outcome({ body: stream, idleMsMax: 1 }), "RequestTimeout");
  assert(state.isCancelled);
});

/** The system's timers, with ticks that are made by hand. */
function handTicked(): Disposable & { readonly tick: () => void } {
  const { after } = systemTimers;
  let onTick = () => {};
  Object.assign(systemTimers, {
    after: (_ms: number, callback: () => void) => {
      onTick = callback;
      return () => onTick = () => {};
    },
  });
  return {
    tick: () => onTick(),
    [Symbol.dispose]: () => Object.assign(systemTimers, { after }),
  };
}

Deno.test("only silence while the sender is waited for counts", async () => {
  using clock = handTicked();
  const { stream, state } = stalling([bytesOf("hel"), bytesOf("lo")]);
  const body = openSent({ body: stream }).body[Symbol.asyncIterator]();
  await body.next();
  for (let tick = 0; tick < 5; tick++) clock.tick();
  await body.next();
  const waiting = body.next();
  clock.tick();
  assert(!state.isCancelled, "one tick may come right after the read began");
  clock.tick();
  const error = await assertRejects(() => waiting, S3Error);
  assertEquals([error.code, state.isCancelled], ["RequestTimeout", true]);
});

Deno.test("over a socket: a client that falls silent, and one that goes away", async () => {
  let arrived = Promise.withResolvers<void>();
  let ended = Promise.withResolvers<string>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ body, url }) => {
      arrived.resolve();
      const sent = { body: body ?? streamOf([]), headers: { "content-length": "10" } };
      ended.resolve(await outcome(url.endsWith("silent") ? { ...sent, idleMsMax: 20 } : sent));
      return new Response(null, { status: 400 });
    },
  );
  const silent = await sendHalf(server.addr.port, "/silent");
  assertEquals(await ended.promise, "RequestTimeout");
  silent.close();
  arrived = Promise.withResolvers();
  ended = Promise.withResolvers();
  const gone = await sendHalf(server.addr.port, "/gone");
  await arrived.promise;
  gone.close();
  assertEquals(await ended.promise, "IncompleteBody");
  await server.shutdown();
});

async function sendHalf(port: number, path: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n`;
  await connection.write(bytesOf(`${head}hello`));
  return connection;
}

Deno.test("a small body comes whole, or not at all", async () => {
  const small = { body: "hello" };
  assertEquals(await readSmallBody(openSent(small), 5), bytesOf("hello"));
  assertEquals(await readSmallBody(openSent({ body: "" }), 5), bytesOf(""));
  const md5 = createHash("md5").update("hello").digest("base64");
  const withMd5 = { body: "hello", headers: { "content-md5": md5 } };
  assertEquals(await readSmallBody(openSent(withMd5), 5), bytesOf("hello"));
  const refused = [
    ["MaxMessageLengthExceeded", small, 4],
    ["MaxMessageLengthExceeded", {
      body: "hello",
      headers: { "content-length": "", "transfer-encoding": "chunked" },
    }, 4],
    ["BadDigest", { body: "hallo", headers: { "content-md5": md5 } }, 5],
    ["BadDigest", { body: "hello", headers: { [CRC32]: crc32Of("hallo") } }, 5],
  ] as const;
  for (const [code, sent, bytesMax] of refused) {
    const error = await assertRejects(() => readSmallBody(openSent(sent), bytesMax), S3Error);
    assertEquals(error.code, code);
  }
});
