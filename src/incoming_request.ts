/** One HTTP request as the rest of the program sees it: raw where the signature needs it raw, parsed once where not. */

import { S3Error } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** A query parameter: decoded, in the order sent. `?x` has the value "". A "+" is a plus. */
export interface QueryParameter {
  readonly name: string;
  readonly value: string;
}

export interface IncomingRequest {
  /** The `x-amz-request-id` of the reply: 16 hex digits, upper case. */
  readonly id: string;
  readonly method: string;
  /** "http" or "https". */
  readonly scheme: string;
  /** Path as sent: percent-encoded, not normalised, beginning with "/". */
  readonly rawPath: string;
  /** Query as sent, without the "?". */
  readonly rawQuery: string;
  readonly query: readonly QueryParameter[];
  /** Lower-case names. A repeated header's values are joined by ", ". Values are latin1 code units as received. */
  readonly headers: ReadonlyMap<string, string>;
  /** null when the request has neither a length nor chunked encoding. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** Throws InvalidURI for a bad percent-encoding and RequestHeaderSectionTooLarge. */
export function openIncomingRequest(request: Request, id: string): IncomingRequest {
  const { scheme, authority, rawPath, rawQuery } = splitUrl(request.url);
  const headers = new Map<string, string>();
  let headerBytes = 0;
  for (const [name, value] of request.headers) {
    headers.set(name, value);
    headerBytes += name.length + value.length + 4;
  }
  if (headerBytes > LIMITS.headerSectionBytesMax) throw new S3Error("RequestHeaderSectionTooLarge");
  // HTTP/2 has `:authority` in place of Host; signers sign it under that name.
  if (!headers.has("host")) headers.set("host", authority);
  return {
    id,
    method: request.method,
    scheme,
    rawPath,
    rawQuery,
    query: parseQuery(rawQuery),
    headers,
    body: request.body as ReadableStream<Uint8Array<ArrayBuffer>> | null,
  };
}

/** The first value of a query parameter, or undefined. */
export function findQuery(request: IncomingRequest, name: string): string | undefined {
  return request.query.find((parameter) => parameter.name === name)?.value;
}

/** Strict percent-decoding of UTF-8. Throws InvalidURI. */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error("InvalidURI", {
      message: "The URI is not valid percent-encoded UTF-8.",
      cause,
    });
  }
}

export interface UrlParts {
  readonly scheme: string;
  readonly authority: string;
  readonly rawPath: string;
  readonly rawQuery: string;
}

/** Cuts a URL apart without `new URL`, which would collapse ".." and rewrite "\". */
export function splitUrl(url: string): UrlParts {
  const colon = url.indexOf("://");
  const scheme = url.slice(0, colon);
  const slash = url.indexOf("/", colon + 3);
  const authority = url.slice(colon + 3, slash === -1 ? url.length : slash);
  const target = slash === -1 ? "/" : url.slice(slash);
  const mark = target.indexOf("?");
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const rawQuery = mark === -1 ? "" : target.slice(mark + 1);
  return { scheme, authority, rawPath, rawQuery };
}

function parseQuery(rawQuery: string): QueryParameter[] {
  if (rawQuery === "") return [];
  const parameters: QueryParameter[] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    const value = equals === -1 ? "" : pair.slice(equals + 1);
    parameters.push({ name: percentDecode(name), value: percentDecode(value) });
  }
  return parameters;
}
