/** ListMultipartUploads: one page of a bucket's unfinished uploads. */

import { findQuery, type IncomingRequest } from "../incoming_request.ts";
import type { UploadEntry, UploadInfo, UploadQuery } from "../storage/object_store.ts";
import { bucketOwner, requireBucket } from "./bucket.ts";
import type { Handler } from "./call.ts";
import { formatXmlDate } from "./http_date.ts";
import { commonPrefix, echoTerms, type ListTerms, nameLeaf, parseListTerms } from "./list_terms.ts";
import type { BucketOperation } from "./operation.ts";
import { ownerElement } from "./owner.ts";
import { group, leaf, optionalLeaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads: Handler<BucketOperation> = async (call) => {
  const { operation, request, caller, services } = call;
  const { bucket } = operation;
  const terms = parseListTerms(request, "max-uploads");
  const after = parseAfter(request);
  const owner = bucketOwner(await requireBucket(services.store, bucket), caller);
  const page = await services.store.listUploads(bucket, { ...terms, after });
  const last = page.isTruncated ? page.entries.at(-1) : undefined;
  return xmlReply(xmlDocument("ListMultipartUploadsResult", [
    leaf("Bucket", bucket),
    nameLeaf(terms, "KeyMarker", after?.key ?? ""),
    leaf("UploadIdMarker", after?.uploadId ?? ""),
    ...echoTerms(terms, "MaxUploads"),
    leaf("IsTruncated", page.isTruncated),
    ...nextMarkers(last, terms),
    ...page.entries.map((entry) =>
      entry.kind === "upload"
        ? upload(entry.upload, terms, owner)
        : commonPrefix(terms, entry.prefix)
    ),
  ]));
};

/** An upload id marker without a key marker is ignored, as S3 documents. */
function parseAfter(request: IncomingRequest): UploadQuery["after"] {
  const key = findQuery(request, "key-marker") ?? "";
  const uploadId = findQuery(request, "upload-id-marker") ?? "";
  if (key === "") return undefined;
  return uploadId === "" ? { key } : { key, uploadId };
}

function nextMarkers(last: UploadEntry | undefined, terms: ListTerms): readonly Xml[] {
  switch (last?.kind) {
    case "upload":
      return [
        nameLeaf(terms, "NextKeyMarker", last.upload.key),
        leaf("NextUploadIdMarker", last.upload.uploadId),
      ];
    case "prefix":
      return [nameLeaf(terms, "NextKeyMarker", last.prefix)];
    default:
      return [];
  }
}

function upload(info: UploadInfo, terms: ListTerms, owner: Xml): Xml {
  return group("Upload", [
    nameLeaf(terms, "Key", info.key),
    leaf("UploadId", info.uploadId),
    ownerElement("Initiator", info.initiator),
    owner,
    leaf("StorageClass", "STANDARD"),
    leaf("Initiated", formatXmlDate(info.initiatedMs)),
    optionalLeaf("ChecksumAlgorithm", info.checksum?.algorithm),
    optionalLeaf("ChecksumType", info.checksum?.type),
  ]);
}
