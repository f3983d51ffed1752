/** UploadPartCopy: a part made of an object, or of a range of one. */

import { LIMITS } from "../limits.ts";
import type { Body, ByteRange, ObjectInfo, OpenObject } from "../storage/object_store.ts";
import { authorizeRead } from "./authorize.ts";
import type { Call, Handler } from "./call.ts";
import { checksumLeaves } from "./checksum_xml.ts";
import { checkCopySourceConditions } from "./conditions.ts";
import { checkCopySize, requireCopySource } from "./copy_source.ts";
import { formatXmlDate } from "./http_date.ts";
import { computeChecksum } from "./incoming_body.ts";
import { quote } from "./object_headers.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { parseCopyRange, rangeLength } from "./ranges.ts";
import { slowXmlReply } from "./slow_reply.ts";
import { partChecksumAlgorithm } from "./upload_part.ts";
import { requirePartNumber, uploadTarget } from "./upload_target.ts";
import { leaf, type Xml, xmlDocument } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export const uploadPartCopy: Handler<ObjectOperation> = async (call) => {
  const { request, caller, services: { store, log } } = call;
  refuseUnsupported(request.headers);
  const source = requireCopySource(request);
  await authorizeRead(caller, source, store);
  return slowXmlReply(copyPart(call, await store.open(source)), request, log);
};

/** Owns `source`. */
async function copyPart(call: Call<ObjectOperation>, source: OpenObject): Promise<Xml> {
  using object = source;
  const { request, services: { store } } = call;
  const target = uploadTarget(call);
  const number = requirePartNumber(request);
  const range = planRange(request.headers, object.info);
  const upload = await store.findUpload(target);
  const { body, checksum } = computeChecksum(
    bodyOf(object, range),
    partChecksumAlgorithm(upload),
  );
  const part = await store.putPart({
    ...target,
    number,
    body,
    sizeHint: range === undefined ? object.info.size : rangeLength(range),
    seal: checksum,
  });
  return xmlDocument("CopyPartResult", [
    leaf("LastModified", formatXmlDate(part.modifiedMs)),
    leaf("ETag", quote(part.etag)),
    ...(upload.checksum === undefined ? [] : checksumLeaves(part.checksum)),
  ]);
}

/** The bytes to copy; undefined for all. Throws PreconditionFailed, InvalidArgument, InvalidRequest. */
function planRange(
  headers: ReadonlyMap<string, string>,
  source: ObjectInfo,
): ByteRange | undefined {
  checkCopySourceConditions(headers, source);
  const header = headers.get("x-amz-copy-source-range");
  const range = header === undefined ? undefined : parseCopyRange(header, source.size);
  checkCopySize(range === undefined ? source.size : rangeLength(range), LIMITS.partBytesMax);
  return range;
}

async function* bodyOf(object: OpenObject, range: ByteRange | undefined): Body {
  const bytes = object.body(range);
  if (bytes instanceof Uint8Array) yield bytes;
  else yield* bytes;
}
