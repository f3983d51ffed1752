/** ListParts: what has come of an upload so far, page by page. */

import { findQuery } from "../incoming_request.ts";
import { LIMITS } from "../limits.ts";
import type { PartInfo } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { checksumLeaves } from "./checksum_xml.ts";
import { parseCount } from "./count_parameter.ts";
import { formatXmlDate } from "./http_date.ts";
import { quote } from "./object_headers.ts";
import type { ObjectOperation } from "./operation.ts";
import { ownerElement } from "./owner.ts";
import { uploadTarget } from "./upload_target.ts";
import { group, leaf, optionalLeaf, type Xml, xmlDocument, xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts: Handler<ObjectOperation> = async (call) => {
  const { request, services: { store } } = call;
  const target = uploadTarget(call);
  const marker = parseCount("part-number-marker", findQuery(request, "part-number-marker"), 0);
  const partsMax = parsePartsMax("max-parts", findQuery(request, "max-parts"));
  const upload = await store.findUpload(target);
  const { parts, isTruncated } = await store.listParts(target, marker, partsMax);
  // An empty page leads nowhere: a client that asked for none would ask for ever. So would paginators that follow
  // NextPartNumberMarker wherever there is one (the JavaScript SDK's): S3 sends it always, zs3 where a page follows.
  const next = isTruncated ? parts.at(-1)?.number : undefined;
  return xmlReply(xmlDocument("ListPartsResult", [
    leaf("Bucket", target.bucket),
    leaf("Key", target.key),
    leaf("UploadId", target.uploadId),
    ownerElement("Initiator", upload.initiator),
    ownerElement("Owner", upload.initiator),
    leaf("StorageClass", "STANDARD"),
    leaf("PartNumberMarker", marker),
    optionalLeaf("NextPartNumberMarker", next),
    leaf("MaxParts", partsMax),
    leaf("IsTruncated", next !== undefined),
    optionalLeaf("ChecksumAlgorithm", upload.checksum?.algorithm),
    optionalLeaf("ChecksumType", upload.checksum?.type),
    ...parts.map(partElement),
  ]));
};

/** How many parts a page may hold: what is asked for, at most LIMITS.listPartsMax. */
export function parsePartsMax(name: string, text: string | undefined): number {
  return Math.min(parseCount(name, text, LIMITS.listPartsMax), LIMITS.listPartsMax);
}

function partElement(part: PartInfo): Xml {
  return group("Part", [
    leaf("PartNumber", part.number),
    leaf("LastModified", formatXmlDate(part.modifiedMs)),
    leaf("ETag", quote(part.etag)),
    leaf("Size", part.size),
    ...checksumLeaves(part.checksum),
  ]);
}
