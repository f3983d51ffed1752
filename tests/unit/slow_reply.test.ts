import { assert, assertEquals, assertRejects } from "@std/assert";
import { S3Error } from "../../src/errors.ts";
import { openIncomingRequest } from "../../src/incoming_request.ts";
import { type Log, silentLog } from "../../src/log.ts";
import { slowXmlReply } from "../../src/s3/slow_reply.ts";
import { leaf, type Xml, XML_DECLARATION, xmlDocument } from "../../src/s3/xml.ts";

const request = openIncomingRequest(new Request("http://h/b/k?uploadId=u"), "0123456789ABCDEF");
const document = xmlDocument("Result", [leaf("ETag", "e")]);
const decoder = new TextDecoder();
/** The grace is over at once; a beat comes whenever the loop turns. */
const AT_ONCE = { graceMs: 0, beatMs: 1 };

function readerOf({ body }: Response): ReadableStreamDefaultReader<Uint8Array> {
  if (body === null) throw new Error("the reply has no body");
  return body.getReader();
}

/** Reads until `count` chunks have come. */
async function readChunks(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  count: number,
): Promise<string[]> {
  const chunks: string[] = [];
  while (chunks.length < count) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(decoder.decode(value));
  }
  return chunks;
}

Deno.test("work that is done in time is an ordinary reply", async () => {
  const response = (await slowXmlReply(Promise.resolve(document), request, silentLog)).toResponse();
  assertEquals(response.status, 200);
  assertEquals(await response.text(), document);
});

Deno.test("work that fails in time keeps its error", async () => {
  const work = Promise.reject(new S3Error("NoSuchUpload"));
  const reply = slowXmlReply(work, request, silentLog);
  assertEquals((await assertRejects(() => reply, S3Error)).code, "NoSuchUpload");
});

Deno.test("slow work is kept company with white space, then told", async () => {
  const { promise, resolve } = Promise.withResolvers<Xml>();
  const response = (await slowXmlReply(promise, request, silentLog, AT_ONCE)).toResponse();
  assertEquals([response.status, response.headers.get("content-type")], [200, "application/xml"]);
  const reader = readerOf(response);
  assertEquals(await readChunks(reader, 3), [XML_DECLARATION, " ", " "]);
  resolve(document);
  const rest = (await readChunks(reader, Infinity)).join("");
  assertEquals(XML_DECLARATION + rest.trimStart(), document);
});

Deno.test("an error of slow work arrives inside the reply, and a fault in the log", async () => {
  const faults: unknown[] = [];
  const log: Log = { ...silentLog, fault: (_id, cause) => faults.push(cause) };
  const table: readonly (readonly [Error, string, number])[] = [
    [new S3Error("InvalidPart"), "<Code>InvalidPart</Code>", 0],
    [new TypeError("disk on fire"), "<Code>InternalError</Code>", 1],
  ];
  for (const [error, expected, faultCount] of table) {
    const { promise, reject } = Promise.withResolvers<Xml>();
    const response = (await slowXmlReply(promise, request, log, AT_ONCE)).toResponse();
    const reader = readerOf(response);
    await readChunks(reader, 1);
    reject(error);
    const rest = (await readChunks(reader, Infinity)).join("").trimStart();
    assert(rest.startsWith(`<Error>${expected}`), rest);
    assert(rest.includes("<RequestId>0123456789ABCDEF</RequestId>"), rest);
    assert(!rest.includes("fire"), rest);
    assertEquals(faults.length, faultCount);
  }
});
