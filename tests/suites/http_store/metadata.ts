/** Object metadata as request and response headers. */

import { checksumHeaderName } from "../../../src/checksum.ts";
import type {
  CannedAcl,
  Checksum,
  ChecksumAlgorithm,
  ObjectMeta,
  Tags,
  WriteCondition,
} from "../../../src/storage/object_store.ts";
import type { S3Reply } from "./connection.ts";
import { childrenOf, escape, parseRoot, textOf } from "./xml.ts";

type Headers = Record<string, string>;

const KEPT_HEADERS = [
  "content-type",
  "content-disposition",
  "content-encoding",
  "content-language",
  "cache-control",
  "expires",
  "x-amz-website-redirect-location",
];
/** What S3 says when nothing was said. */
const DEFAULT_CONTENT_TYPE = "binary/octet-stream";
const ALGORITHMS: readonly ChecksumAlgorithm[] = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"];

export function metaHeaders(meta: ObjectMeta): Headers {
  const headers: Headers = { ...meta.headers, "x-amz-acl": meta.acl };
  for (const [name, value] of Object.entries(meta.user)) {
    headers[`x-amz-meta-${name}`] = toLatin1(value);
  }
  const tags = new URLSearchParams(meta.tags).toString();
  if (tags !== "") headers["x-amz-tagging"] = tags;
  return { ...headers, ...checksumHeader(meta.checksum) };
}

export function checksumHeader(
  checksum: Pick<Checksum, "algorithm" | "value"> | undefined,
): Headers {
  return checksum === undefined ? {} : { [checksumHeaderName(checksum.algorithm)]: checksum.value };
}

/** The part of the metadata that GET and HEAD tell. */
export function readMeta(reply: S3Reply): Omit<ObjectMeta, "tags" | "acl"> {
  const headers: Headers = {};
  const user: Headers = {};
  for (const [name, value] of reply.headers) {
    if (KEPT_HEADERS.includes(name)) headers[name] = value;
    if (name.startsWith("x-amz-meta-")) user[name.slice("x-amz-meta-".length)] = fromLatin1(value);
  }
  if (headers["content-type"] === DEFAULT_CONTENT_TYPE) delete headers["content-type"];
  const checksum = findChecksum(reply);
  return { headers, user, ...(checksum && { checksum }) };
}

export function findChecksum(reply: S3Reply): Checksum | undefined {
  for (const algorithm of ALGORITHMS) {
    const value = reply.headers.get(checksumHeaderName(algorithm));
    if (value === undefined) continue;
    const isComposite = reply.headers.get("x-amz-checksum-type") === "COMPOSITE";
    return { algorithm, value, type: isComposite ? "COMPOSITE" : "FULL_OBJECT" };
  }
  return undefined;
}

export function conditionHeaders(condition: WriteCondition = {}): Headers {
  const { ifAbsent, ifMatch, ifMatchSize, ifMatchModifiedMs } = condition;
  return {
    ...(ifAbsent === true && { "if-none-match": "*" }),
    ...(ifMatch !== undefined && { "if-match": ifMatch === "*" ? "*" : `"${ifMatch}"` }),
    ...(ifMatchSize !== undefined && { "x-amz-if-match-size": String(ifMatchSize) }),
    ...(ifMatchModifiedMs !== undefined && {
      "x-amz-if-match-last-modified-time": new Date(ifMatchModifiedMs).toUTCString(),
    }),
  };
}

export function taggingXml(tags: Tags): Uint8Array {
  const set = Object.entries(tags).map(([key, value]) =>
    `<Tag><Key>${escape(key)}</Key><Value>${escape(value)}</Value></Tag>`
  );
  return new TextEncoder().encode(`<Tagging><TagSet>${set.join("")}</TagSet></Tagging>`);
}

export function parseTags(text: string): Tags {
  const tags = childrenOf(parseRoot(text, "Tagging"), "TagSet").flatMap((set) =>
    childrenOf(set, "Tag").map((tag) => [textOf(tag, "Key"), textOf(tag, "Value")])
  );
  return Object.fromEntries(tags);
}

/** The canned ACL that an AccessControlPolicy amounts to. */
export function aclOf(policy: string): CannedAcl {
  return policy.includes("/groups/global/AllUsers") ? "public-read" : "private";
}

function toLatin1(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function fromLatin1(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(text, (unit) => unit.charCodeAt(0)));
}
