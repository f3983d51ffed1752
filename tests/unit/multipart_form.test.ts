import { assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { S3Error } from "../../src/errors.ts";
import { type Form, openForm } from "../../src/s3/multipart_form.ts";
import { LIMITS } from "../../src/limits.ts";

const encoder = new TextEncoder();
const BOUNDARY = "----zs3Boundary7MA4YWxk";
const CONTENT_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

interface Part {
  readonly disposition: string;
  readonly body: Uint8Array;
}

const field = (name: string, value: string): Part => ({
  disposition: `form-data; name="${name}"`,
  body: encoder.encode(value),
});
const file = (body: Uint8Array, filename = "a.bin"): Part => ({
  disposition: `form-data; name="file"; filename="${filename}"`,
  body,
});

function concat(pieces: readonly (string | Uint8Array)[]): Uint8Array {
  const chunks = pieces.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let end = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  return bytes;
}

function write(parts: readonly Part[], end = `--${BOUNDARY}--\r\n`): Uint8Array {
  const pieces = parts.flatMap(({ disposition, body }) => [
    `--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n\r\n`,
    body,
    "\r\n",
  ]);
  return concat([...pieces, end]);
}

/** The bytes cut at the given places, so that a boundary may lie anywhere between chunks. */
async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) =>
    a - b
  );
  let start = 0;
  for (const place of [...sorted, bytes.length]) {
    yield await Promise.resolve(bytes.subarray(start, place));
    start = place;
  }
}

async function read(form: Form): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of form.file.body) chunks.push(chunk);
  return concat(chunks);
}

async function failure(bytes: Uint8Array, contentType = CONTENT_TYPE): Promise<string> {
  const error = await assertRejects(
    async () => await read(await openForm(contentType, cut(bytes, []))),
    S3Error,
  );
  return error.code;
}

// Pieces that look like the beginning of a boundary are what a parser gets wrong.
const content = fc.array(
  fc.constantFrom("\r\n", "\r", "\n", "--", `\r\n--${BOUNDARY.slice(0, 9)}`, "-", "x", "\0"),
  { maxLength: 12 },
).map((pieces) => encoder.encode(pieces.join("")));

Deno.test("a form cut anywhere gives the same fields and the same file", async () => {
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.string({ maxLength: 20 }),
      fc.array(fc.nat(600), { maxLength: 12 }),
      async (body, value, places) => {
        const bytes = write([field("Key", value), field("acl", "private"), file(body)]);
        const form = await openForm(CONTENT_TYPE, cut(bytes, places));
        assertEquals([...form.fields], [["key", value], ["acl", "private"]]);
        assertEquals(form.file.filename, "a.bin");
        assertEquals(await read(form), body);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("a form that comes byte by byte is read as well", async () => {
  const body = encoder.encode(`a\r\n--${BOUNDARY.slice(0, -1)}\r\n`);
  const bytes = write([field("key", "k"), file(body)]);
  const form = await openForm(CONTENT_TYPE, cut(bytes, Array.from(bytes, (_, i) => i)));
  assertEquals(await read(form), body);
});

Deno.test("fields after the file, and what follows the form, are ignored", async () => {
  const body = encoder.encode("data");
  const bytes = concat([write([field("key", "k"), file(body), field("acl", "x")]), "epilogue"]);
  const form = await openForm(CONTENT_TYPE, cut(bytes, []));
  assertEquals(await read(form), body);
  assertEquals([...form.fields.keys()], ["key"]);
});

Deno.test("file names as browsers write them", async () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['form-data; name="file"; filename="a b.txt"', "a b.txt"],
    ['form-data; name="file"; filename="ä€.txt"', "ä€.txt"],
    ['form-data; name="file"; filename="a%22b.txt"', 'a"b.txt'],
    ['form-data; name="file"; filename="a\\"b.txt"', 'a"b.txt'],
    ['form-data; name="file"; filename="C:\\dir\\a.txt"', "C:\\dir\\a.txt"],
    ['form-data; filename="; name=key"; name="file"', "; name=key"],
    ["form-data; name=file; filename=a.txt", "a.txt"],
    ['FORM-DATA; NAME="file"', undefined],
  ];
  for (const [disposition, filename] of table) {
    const bytes = write([{ disposition, body: new Uint8Array(0) }]);
    const form = await openForm(CONTENT_TYPE, cut(bytes, []));
    assertEquals(form.file.filename, filename, disposition);
    assertEquals((await read(form)).length, 0);
  }
});

Deno.test("a boundary may be quoted and stand anywhere in the type", async () => {
  const bytes = write([file(encoder.encode("x"))]);
  const types = [
    `multipart/form-data; boundary="${BOUNDARY}"`,
    `Multipart/Form-Data; charset=utf-8; boundary=${BOUNDARY}`,
    `multipart/form-data;boundary=${BOUNDARY}; charset=utf-8`,
  ];
  for (const type of types) {
    assertEquals((await read(await openForm(type, cut(bytes, [])))).length, 1, type);
  }
});

Deno.test("what isn't a form is refused", async () => {
  const good = write([field("key", "k"), file(encoder.encode("data"))]);
  const table: readonly (readonly [string, Uint8Array, string, string?])[] = [
    ["no boundary in the type", good, "MalformedPOSTRequest", "multipart/form-data"],
    ["another type", good, "MalformedPOSTRequest", `text/plain; boundary=${BOUNDARY}`],
    ["nothing at all", new Uint8Array(0), "MalformedPOSTRequest"],
    ["a preamble", concat(["hello\r\n", good]), "MalformedPOSTRequest"],
    ["cut in the fields", good.subarray(0, 60), "MalformedPOSTRequest"],
    ["cut in the file", good.subarray(0, good.length - 40), "MalformedPOSTRequest"],
    ["cut in the last boundary", good.subarray(0, good.length - 4), "MalformedPOSTRequest"],
    [
      "junk after a boundary",
      write([field("key", "k")], `--${BOUNDARY}xx`),
      "MalformedPOSTRequest",
    ],
    ["no file", write([field("key", "k")]), "InvalidArgument"],
    ["a field twice", write([field("key", "k"), field("KEY", "l"), file(good)]), "InvalidArgument"],
    ["no name", write([{ disposition: "form-data", body: good }]), "MalformedPOSTRequest"],
    [
      "another disposition",
      write([{ disposition: 'attachment; name="file"', body: good }]),
      "MalformedPOSTRequest",
    ],
    [
      "a field that isn't UTF-8",
      write([{ disposition: 'form-data; name="key"', body: Uint8Array.of(0xff) }]),
      "MalformedPOSTRequest",
    ],
    [
      "long fields",
      write([field("key", "k".repeat(LIMITS.postFieldsBytesMax)), file(good)]),
      "MaxPostPreDataLengthExceededError",
    ],
    [
      "a header that doesn't end",
      concat([`--${BOUNDARY}\r\nX: `, "y".repeat(LIMITS.postFieldsBytesMax + 100)]),
      "MaxPostPreDataLengthExceededError",
    ],
    [
      "many fields after the file",
      write([
        file(encoder.encode("data")),
        field("x", "x".repeat(LIMITS.postFieldsBytesMax)),
      ]),
      "MaxPostPreDataLengthExceededError",
    ],
    [
      "a long epilogue",
      concat([good, "x".repeat(LIMITS.postFieldsBytesMax)]),
      "MaxPostPreDataLengthExceededError",
    ],
  ];
  for (const [what, bytes, code, type] of table) {
    assertEquals(await failure(bytes, type), code, what);
  }
});

Deno.test("a form that is left lets go of the body, however far it was read", async () => {
  let openBodies = 0;
  async function* watched(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    openBodies++;
    try {
      yield* cut(bytes, [1000, 2000, 3000]);
    } finally {
      openBodies--;
    }
  }
  const bytes = write([file(new Uint8Array(100_000))]);
  {
    await using _form = await openForm(CONTENT_TYPE, watched(bytes));
    assertEquals(openBodies, 1);
  }
  assertEquals(openBodies, 0);
  const form = await openForm(CONTENT_TYPE, watched(bytes));
  for await (const _ of form.file.body) break;
  assertEquals(openBodies, 0);
  const bad = concat(["preamble", bytes]);
  await assertRejects(() => openForm(CONTENT_TYPE, watched(bad)), S3Error);
  assertEquals(openBodies, 0);
});
