/** ListObjects and ListObjectsV2: one page of a bucket's keys. They differ in how a client asks for the next one. */

import { findQuery } from "../incoming_request.ts";
import { markerPosition } from "../storage/listing.ts";
import type { Checksum, ListPage, ListPosition, ObjectInfo } from "../storage/object_store.ts";
import { bucketOwner, requireBucket } from "./bucket.ts";
import type { Call, Handler } from "./call.ts";
import { formatXmlDate } from "./http_date.ts";
import {
  commonPrefix,
  echoTerms,
  type ListTerms,
  nameLeaf,
  nameText,
  optionalNameLeaf,
  parseListTerms,
} from "./list_terms.ts";
import { formatToken, parseToken } from "./list_token.ts";
import type { BucketOperation } from "./operation.ts";
import { leaf, markup, optionalLeaf, text, type Xml, xmlDocument, xmlReply } from "./xml.ts";

const START: ListPosition = { kind: "start" };
const NOTHING = optionalLeaf("", undefined);

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects: Handler<BucketOperation> = async (call) => {
  const { operation, request, services } = call;
  const terms = parseListTerms(request, "max-keys");
  const marker = findQuery(request, "marker") ?? "";
  const owner = await ownerOf(call);
  const after = marker === "" ? START : markerPosition(marker, terms);
  const page = await services.store.list(operation.bucket, { ...terms, after });
  return xmlReply(xmlDocument("ListBucketResult", [
    leaf("Name", operation.bucket),
    nameLeaf(terms, "Marker", marker),
    ...echoTerms(terms, "MaxKeys"),
    leaf("IsTruncated", page.next !== undefined),
    optionalNameLeaf(terms, "NextMarker", page.next && positionName(page.next)),
    ...entryElements(page, terms, owner),
  ]));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2: Handler<BucketOperation> = async (call) => {
  const { operation, request, services } = call;
  const terms = parseListTerms(request, "max-keys");
  const token = findQuery(request, "continuation-token");
  const startAfter = findQuery(request, "start-after");
  const owner = findQuery(request, "fetch-owner") === "true" ? await ownerOf(call) : NOTHING;
  const after = parseAfter(token, startAfter, terms);
  const page = await services.store.list(operation.bucket, { ...terms, after });
  return xmlReply(xmlDocument("ListBucketResult", [
    leaf("Name", operation.bucket),
    ...echoTerms(terms, "MaxKeys"),
    leaf("KeyCount", page.entries.length),
    leaf("IsTruncated", page.next !== undefined),
    optionalNameLeaf(terms, "StartAfter", startAfter),
    optionalLeaf("ContinuationToken", token),
    optionalLeaf("NextContinuationToken", page.next && formatToken(page.next)),
    ...entryElements(page, terms, owner),
  ]));
};

/** The token of the page before wins over start-after, which is for the first page. */
function parseAfter(
  token: string | undefined,
  startAfter: string | undefined,
  terms: ListTerms,
): ListPosition {
  if (token !== undefined) return parseToken(token);
  if (startAfter === undefined || startAfter === "") return START;
  return markerPosition(startAfter, terms);
}

function positionName(position: ListPosition): string | undefined {
  switch (position.kind) {
    case "start":
      return undefined;
    case "key":
      return position.key;
    case "prefix":
      return position.prefix;
  }
}

/** An object belongs to its bucket's owner. */
async function ownerOf({ operation, caller, services }: Call<BucketOperation>): Promise<Xml> {
  return bucketOwner(await requireBucket(services.store, operation.bucket), caller);
}

/** Objects before prefixes, each in their order, as S3 groups them. */
function entryElements(page: ListPage, terms: ListTerms, owner: Xml): readonly Xml[] {
  const objects: Xml[] = [];
  const prefixes: Xml[] = [];
  for (const entry of page.entries) {
    if (entry.kind === "object") objects.push(contents(entry.object, terms, owner));
    else prefixes.push(commonPrefix(terms, entry.prefix));
  }
  return [...objects, ...prefixes];
}

function contents(object: ObjectInfo, terms: ListTerms, owner: Xml): Xml {
  const { key, modifiedMs, etag, size, meta } = object;
  return markup(
    `<Contents><Key>${nameText(terms, key)}</Key>` +
      `<LastModified>${formatXmlDate(modifiedMs)}</LastModified>` +
      `<ETag>&quot;${text(etag)}&quot;</ETag>${checksumKind(meta.checksum)}` +
      `<Size>${size}</Size>${owner}<StorageClass>STANDARD</StorageClass></Contents>`,
  );
}

function checksumKind(checksum: Checksum | undefined): Xml {
  if (checksum === undefined) return NOTHING;
  const { algorithm, type } = checksum;
  return markup(
    `<ChecksumAlgorithm>${algorithm}</ChecksumAlgorithm><ChecksumType>${type}</ChecksumType>`,
  );
}
