/** ListObjectVersions on a bucket without versioning: every object is its only version, "null". */

import { S3Error } from "../errors.ts";
import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import { markerPosition } from "../storage/listing.ts";
import type { ListPosition, ObjectInfo } from "../storage/object_store.ts";
import { bucketOwner, requireBucket } from "./bucket.ts";
import type { Handler } from "./call.ts";
import { formatXmlDate } from "./http_date.ts";
import { commonPrefix, echoTerms, type ListTerms, nameLeaf, parseListTerms } from "./list_terms.ts";
import type { BucketOperation } from "./operation.ts";
import { group, leaf, optionalLeaf, quotedLeaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";

const NULL_VERSION = "null";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
export const listObjectVersions: Handler<BucketOperation> = async (call) => {
  const { operation, request, caller, services } = call;
  const terms = parseListTerms(request, "max-keys");
  const { keyMarker, versionIdMarker } = parseMarkers(request);
  const owner = bucketOwner(await requireBucket(services.store, operation.bucket), caller);
  const after = keyMarker === "" ? { kind: "start" } as const : markerPosition(keyMarker, terms);
  const { entries, next } = await services.store.list(operation.bucket, { ...terms, after });
  return xmlReply(xmlDocument("ListVersionsResult", [
    leaf("Name", operation.bucket),
    nameLeaf(terms, "KeyMarker", keyMarker),
    leaf("VersionIdMarker", versionIdMarker),
    ...echoTerms(terms, "MaxKeys"),
    leaf("IsTruncated", next !== undefined),
    ...nextMarkers(next, terms),
    ...entries.map((entry) =>
      entry.kind === "object"
        ? version(entry.object, terms, owner)
        : commonPrefix(terms, entry.prefix)
    ),
  ]));
};

/** A key has one version, so the version id marker never divides a page; behind "null" of a key is behind the key. */
function parseMarkers(request: IncomingRequest): { keyMarker: string; versionIdMarker: string } {
  const keyMarker = findQuery(request, "key-marker") ?? "";
  const versionIdMarker = findQuery(request, "version-id-marker") ?? "";
  if (versionIdMarker !== "" && keyMarker === "") {
    throw new S3Error("InvalidArgument", {
      message: "A version-id marker cannot be specified without a key marker.",
      details: { ArgumentName: "version-id-marker", ArgumentValue: versionIdMarker },
    });
  }
  return { keyMarker, versionIdMarker };
}

function nextMarkers(next: ListPosition | undefined, terms: ListTerms): readonly Xml[] {
  switch (next?.kind) {
    case "key":
      return [
        nameLeaf(terms, "NextKeyMarker", next.key),
        leaf("NextVersionIdMarker", NULL_VERSION),
      ];
    case "prefix":
      return [nameLeaf(terms, "NextKeyMarker", next.prefix)];
    default:
      return [];
  }
}

function version(object: ObjectInfo, terms: ListTerms, owner: Xml): Xml {
  const { checksum } = object.meta;
  return group("Version", [
    nameLeaf(terms, "Key", object.key),
    leaf("VersionId", NULL_VERSION),
    leaf("IsLatest", true),
    leaf("LastModified", formatXmlDate(object.modifiedMs)),
    quotedLeaf("ETag", object.etag),
    optionalLeaf("ChecksumAlgorithm", checksum?.algorithm),
    optionalLeaf("ChecksumType", checksum?.type),
    leaf("Size", object.size),
    owner,
    leaf("StorageClass", "STANDARD"),
  ]);
}
