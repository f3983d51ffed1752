/** What a request says about the object it writes: headers → ObjectMeta. The way back is object_headers.ts. */

import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { ObjectMeta, Tags } from "../storage/object_store.ts";
import { parseCannedAcl } from "./canned_acl.ts";
import { checkHeaderText } from "./header_text.ts";
import { parseTaggingHeader } from "./tags.ts";

type Headers = ReadonlyMap<string, string>;

export const USER_METADATA_PREFIX = "x-amz-meta-";
export const REDIRECT_HEADER = "x-amz-website-redirect-location";
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";

/** Kept and returned as sent. Content-Encoding is apart: `aws-chunked` is of the request, not of the object. */
const KEPT_HEADERS = [
  "content-disposition",
  "content-language",
  "cache-control",
  "expires",
  REDIRECT_HEADER,
] as const;

/** All storage is STANDARD. S3's other classes are promises of price and speed that STANDARD keeps; they are accepted as it. */
const STORAGE_CLASSES = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
];

/** Headers that ask for a promise which zs3 doesn't keep. Ignoring encryption, locks or grants would be lying about them. */
const REFUSED_PREFIXES = [
  "x-amz-server-side-encryption",
  "x-amz-copy-source-server-side-encryption",
  "x-amz-object-lock-",
  "x-amz-grant-",
  "x-amz-write-offset-bytes",
];

/**
 * The metadata that the headers carry, without a checksum; `contentEncoding` is the object's own. Throws MetadataTooLarge,
 * InvalidTag, InvalidArgument, InvalidStorageClass, NotImplemented.
 */
export function readObjectMeta(
  headers: Headers,
  contentEncoding: string | undefined,
): Omit<ObjectMeta, "checksum"> {
  refuseUnsupported(headers);
  checkStorageClass(headers.get("x-amz-storage-class"));
  return {
    headers: readKeptHeaders(headers, contentEncoding),
    user: readUserMetadata(headers),
    tags: readTags(headers),
    acl: parseCannedAcl(headers.get("x-amz-acl")) ?? "private",
  };
}

/** The tags of `x-amz-tagging`; none without it. */
export function readTags(headers: Headers): Tags {
  const header = headers.get("x-amz-tagging");
  return header === undefined ? {} : parseTaggingHeader(header);
}

/** Throws NotImplemented for the first header that names a feature which isn't there. */
export function refuseUnsupported(headers: Headers): void {
  for (const name of headers.keys()) {
    if (!name.startsWith("x-amz-")) continue;
    if (!REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    throw new S3Error("NotImplemented", {
      message: `The header ${name} asks for a feature that this server does not have. Omit it.`,
      details: { Header: name },
    });
  }
}

function readKeptHeaders(
  headers: Headers,
  contentEncoding: string | undefined,
): Record<string, string> {
  const contentType = headers.get("content-type") || DEFAULT_CONTENT_TYPE;
  const kept: Record<string, string> = {
    "content-type": checkHeaderText("content-type", contentType),
  };
  if (contentEncoding !== undefined) {
    kept["content-encoding"] = checkHeaderText("content-encoding", contentEncoding);
  }
  for (const name of KEPT_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && value !== "") kept[name] = checkHeaderText(name, value);
  }
  checkRedirect(kept[REDIRECT_HEADER]);
  return kept;
}

/** Counted as S3 counts: bytes of names (without the prefix) and values together. */
function readUserMetadata(headers: Headers): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  let bytes = 0;
  for (const [header, value] of headers) {
    if (!header.startsWith(USER_METADATA_PREFIX)) continue;
    const name = header.slice(USER_METADATA_PREFIX.length);
    entries.push([name, checkHeaderText(header, value)]);
    bytes += name.length + value.length;
  }
  if (bytes > LIMITS.userMetadataBytesMax) {
    throw new S3Error("MetadataTooLarge", {
      details: { MaxSizeAllowed: String(LIMITS.userMetadataBytesMax), Size: String(bytes) },
    });
  }
  return Object.fromEntries(entries);
}

function checkStorageClass(storageClass: string | undefined): void {
  if (storageClass === undefined || STORAGE_CLASSES.includes(storageClass)) return;
  throw new S3Error("InvalidStorageClass", { details: { StorageClassRequested: storageClass } });
}

function checkRedirect(location: string | undefined): void {
  if (location === undefined || /^(?:\/|https?:\/\/)/.test(location)) return;
  throw new S3Error("InvalidArgument", {
    message: "The website redirect location must begin with '/', 'http://' or 'https://'.",
    details: { ArgumentName: REDIRECT_HEADER, ArgumentValue: location },
  });
}
