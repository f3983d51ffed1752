/**
 * Reads the multipart/form-data of a browser upload (RFC 7578) as it arrives: the fields into memory, bounded, the file as a
 * stream. Knows nothing of what the fields mean.
 */

import { Buffer } from "node:buffer";
import { S3Error } from "../errors.ts";
import type { Body } from "../storage/object_store.ts";
import { FormReader, malformed } from "./form_reader.ts";

/** To be disposed: a body that isn't read to its end is let go then. */
export interface Form extends AsyncDisposable {
  /** The fields before the file. Names lower-case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: FormFile;
}

export interface FormFile {
  /** As sent; may be a path of the sender's machine. */
  readonly filename: string | undefined;
  /** Once. Ends only when the whole form has ended as it should, else throws MalformedPOSTRequest. */
  readonly body: Body;
}

/**
 * Reads up to the file. Throws MalformedPOSTRequest, MaxPostPreDataLengthExceededError, InvalidArgument (no file, a field
 * twice), and what `body` throws.
 */
export async function openForm(contentType: string, body: Body): Promise<Form> {
  const mark = Buffer.from(`\r\n--${parseBoundary(contentType)}`, "latin1");
  const reader = new FormReader(body);
  try {
    const { fields, filename } = await readFields(reader, mark);
    return {
      fields,
      file: { filename, body: fileBody(reader, mark) },
      [Symbol.asyncDispose]: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function readFields(
  reader: FormReader,
  mark: Buffer,
): Promise<Pick<Form, "fields"> & Pick<FormFile, "filename">> {
  const fields = new Map<string, string>();
  if ((await reader.takeUntil(mark)).length > 0) throw malformed("Nothing may precede the form.");
  while (await reader.isPartNext()) {
    const part = parsePartHeaders(await reader.takeUntil(HEADERS_END));
    const name = part.name.toLowerCase();
    if (name === "file") return { fields, filename: part.filename };
    if (fields.has(name)) throw badForm(`The field ${part.name} must not be repeated.`);
    fields.set(name, decodeUtf8(await reader.takeUntil(mark)));
  }
  throw badForm("POST requires exactly one file upload per request.");
}

async function* fileBody(reader: FormReader, mark: Buffer): AsyncGenerator<Uint8Array> {
  try {
    yield* reader.streamUntil(mark);
    // Fields after the file are ignored, as S3 does; they count towards the same bound.
    while (await reader.isPartNext()) await reader.takeUntil(mark);
    await reader.expectEnd();
  } finally {
    await reader.close();
  }
}

const HEADERS_END = Buffer.from("\r\n\r\n");

// RFC 2046 §5.1.1.
const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i;

function parseBoundary(contentType: string): string {
  const isForm = /^multipart\/form-data\s*;/i.test(contentType);
  const match = isForm ? BOUNDARY.exec(contentType) : null;
  const boundary = match?.[1] ?? match?.[2];
  if (boundary !== undefined) return boundary;
  throw new S3Error("MalformedPOSTRequest", {
    message: "A POST to a bucket must be multipart/form-data with a boundary.",
  });
}

interface PartHeaders {
  readonly name: string;
  readonly filename: string | undefined;
}

function parsePartHeaders(bytes: Buffer): PartHeaders {
  const headers = new Map<string, string>();
  for (const line of decodeUtf8(bytes).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) throw malformed("A part's header must be a name and a value.");
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const disposition = headers.get("content-disposition") ?? "";
  const parameters = parseParameters(disposition);
  const name = parameters.get("name");
  if (!/^form-data\s*;/i.test(disposition) || name === undefined) {
    throw malformed("A part must have a Content-Disposition of form-data with a name.");
  }
  return { name, filename: parameters.get("filename") };
}

/** Browsers write a quote as %22 (WHATWG) or \" (older ones), and a backslash of a Windows path as it is. */
function parseParameters(disposition: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const pattern = /;\s*([^\s=;"]+)=(?:"((?:\\"|[^"])*)"|([^\s;"]*))\s*/y;
  pattern.lastIndex = disposition.indexOf(";");
  for (let match = pattern.exec(disposition); match !== null; match = pattern.exec(disposition)) {
    const [, name = "", quoted, token = ""] = match;
    const value = (quoted ?? token).replaceAll('\\"', '"').replaceAll("%22", '"');
    parameters.set(name.toLowerCase(), value);
  }
  return parameters;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new S3Error("MalformedPOSTRequest", { message: "The form must be UTF-8.", cause });
  }
}

function badForm(message: string): S3Error {
  return new S3Error("InvalidArgument", { message, details: { ArgumentName: "file" } });
}
