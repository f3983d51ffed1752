/** What the headers of a request promise of its body. Nothing is read here; payload.ts holds the body to it. */

import { Buffer } from "node:buffer";
import { findAlgorithmOfHeader } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import type { IncomingRequest } from "../incoming_request.ts";
import { parsePayloadMode, type PayloadMode, UNSIGNED_CHUNKS } from "./payload_mode.ts";
import { findPromisedChecksum, type PromisedChecksum } from "./promised_checksum.ts";

export interface BodyPromises {
  readonly mode: PayloadMode;
  /** Bytes on the wire: Content-Length. undefined with chunked transfer encoding, or no body. */
  readonly wireLength: number | undefined;
  /** Bytes after decoding; undefined when nothing tells. */
  readonly length: number | undefined;
  readonly isPresent: boolean;
  readonly checksum: PromisedChecksum | undefined;
  /** Lower-case names that `x-amz-trailer` announces. */
  readonly trailerNames: readonly string[];
  /** 32 hex digits. */
  readonly contentMd5: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** Throws InvalidArgument, InvalidRequest, InvalidDigest, MissingContentLength and NotImplemented. */
export function parseBodyPromises(
  request: IncomingRequest,
  contentSha256: string | undefined,
): BodyPromises {
  const { headers } = request;
  const contentLength = headers.get("content-length");
  const isPresent = contentLength !== undefined || headers.has("transfer-encoding");
  const encoding = parseContentEncoding(headers.get("content-encoding"));
  const contentMd5 = parseContentMd5(headers.get("content-md5"));
  if (!isPresent) {
    const mode = parsePayloadMode(contentSha256);
    return { ...NO_BODY, mode, contentMd5, contentEncoding: encoding.kept };
  }
  const decodedLength = parseLength("x-amz-decoded-content-length", headers);
  const mode = framedMode(contentSha256, encoding.isChunked && decodedLength !== undefined);
  const wireLength = contentLength === undefined
    ? undefined
    : parseLength("content-length", headers);
  const trailerNames = parseTrailerNames(headers.get("x-amz-trailer"), mode);
  return {
    mode,
    wireLength,
    length: agreedLength(mode, wireLength, decodedLength),
    isPresent,
    checksum: findPromisedChecksum(request, trailerNames),
    trailerNames,
    contentMd5,
    contentEncoding: encoding.kept,
  };
}

/** Without a length or chunked encoding there is nothing to come: HTTP/2 would let bytes come all the same. */
const NO_BODY = {
  wireLength: 0,
  length: undefined,
  isPresent: false,
  checksum: undefined,
  trailerNames: [],
} as const;

/** A sender that says "aws-chunked" and gives the decoded length has framed its body, also where no mode says so. */
function framedMode(contentSha256: string | undefined, isFramed: boolean): PayloadMode {
  const mode = parsePayloadMode(contentSha256);
  return isFramed && mode.kind === "plain" && mode.sha256 === undefined ? UNSIGNED_CHUNKS : mode;
}

function agreedLength(
  mode: PayloadMode,
  wireLength: number | undefined,
  decodedLength: number | undefined,
): number | undefined {
  if (mode.kind === "chunked") {
    if (decodedLength !== undefined) return decodedLength;
    throw new S3Error("MissingContentLength", {
      message: "You must provide the x-amz-decoded-content-length HTTP header.",
    });
  }
  const isContradiction = wireLength !== undefined && decodedLength !== undefined &&
    wireLength !== decodedLength;
  if (!isContradiction) return wireLength ?? decodedLength;
  throw new S3Error("InvalidRequest", {
    message: "x-amz-decoded-content-length differs from Content-Length, but x-amz-content-sha256 " +
      "doesn't say that the body is chunked.",
  });
}

function parseLength(name: string, headers: IncomingRequest["headers"]): number | undefined {
  const text = headers.get(name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidArgument", {
    message: `The value of ${name} must be a number of bytes.`,
    details: { ArgumentName: name, ArgumentValue: text },
  });
}

interface ContentEncoding {
  readonly isChunked: boolean;
  /** Without `aws-chunked`; undefined when nothing is left. */
  readonly kept: string | undefined;
}

function parseContentEncoding(header: string | undefined): ContentEncoding {
  if (header === undefined) return { isChunked: false, kept: undefined };
  const codings = header.split(",").map((coding) => coding.trim());
  const kept = codings.filter((coding) => coding.toLowerCase() !== "aws-chunked");
  if (kept.length === codings.length) return { isChunked: false, kept: header };
  return { isChunked: true, kept: kept.length === 0 ? undefined : kept.join(",") };
}

function parseContentMd5(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, "base64");
  if (bytes.length === 16 && bytes.toString("base64") === header) return bytes.toString("hex");
  throw new S3Error("InvalidDigest", { details: { "Content-MD5": header } });
}

/** S3 takes only checksums in trailers. */
function parseTrailerNames(header: string | undefined, mode: PayloadMode): readonly string[] {
  if (header === undefined) return [];
  const names = header.split(",").map((name) => name.trim().toLowerCase());
  const unknown = names.find((name) => findAlgorithmOfHeader(name) === undefined);
  if (unknown !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: `The value specified in the x-amz-trailer header is not supported: ${unknown}`,
    });
  }
  if (mode.kind === "chunked" && mode.hasTrailer) return names;
  throw new S3Error("InvalidRequest", {
    message: "x-amz-trailer announces a trailer, but x-amz-content-sha256 says that there is none.",
  });
}
