/** CompleteMultipartUpload: an object made of exactly the parts that the client lists. */

import { readSmallBody } from "../auth/payload.ts";
import { findAlgorithmOfHeader, parseChecksumValue } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CompletedPart, CompleteRequest } from "../storage/object_store.ts";
import type { Call, Handler } from "./call.ts";
import { findChecksumType } from "./checksum_headers.ts";
import { CHECKSUM_ELEMENTS, checksumLeaves, findChecksum } from "./checksum_xml.ts";
import { findWriteCondition, unquote } from "./conditions.ts";
import { refuseUnappliedHeaders } from "./early_condition.ts";
import { requestUrl } from "./location.ts";
import { quote } from "./object_headers.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { slowXmlReply } from "./slow_reply.ts";
import { parsePartNumber, uploadTarget } from "./upload_target.ts";
import { leaf, optionalLeaf, type Xml, xmlDocument } from "./xml.ts";
import {
  allowChildren,
  childrenNamed,
  findText,
  malformed,
  parseXml,
  type XmlElement,
} from "./xml_reader.ts";

type Headers = ReadonlyMap<string, string>;

const SIZE_HEADER = "x-amz-mp-object-size";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const completeMultipartUpload: Handler<ObjectOperation> = async (call) => {
  const { request, payload, services: { store, log } } = call;
  refuseUnappliedHeaders(store, request.headers);
  refuseUnsupported(request.headers);
  const target = uploadTarget(call);
  const condition = findWriteCondition(request.headers);
  const checksum = findClaim(request.headers);
  const size = findSize(request.headers);
  const parts = parseParts(await readSmallBody(payload, LIMITS.xmlBytesMax));
  const work = complete(call, {
    ...target,
    parts,
    ...(condition !== undefined && { condition }),
    ...(checksum !== undefined && { checksum }),
    ...(size !== undefined && { size }),
  });
  return slowXmlReply(work, request, log);
};

async function complete(call: Call<ObjectOperation>, order: CompleteRequest): Promise<Xml> {
  const info = await call.services.store.completeUpload(order);
  const { checksum } = info.meta;
  return xmlDocument("CompleteMultipartUploadResult", [
    leaf("Location", requestUrl(call.request)),
    leaf("Bucket", order.bucket),
    leaf("Key", order.key),
    leaf("ETag", quote(info.etag)),
    ...checksumLeaves(checksum),
    optionalLeaf("ChecksumType", checksum?.type),
  ]);
}

/** In ascending order. Throws MalformedXML, InvalidArgument, InvalidPartOrder. */
function parseParts(bytes: Uint8Array): CompletedPart[] {
  const root = parseXml(bytes, "CompleteMultipartUpload");
  const parts = childrenNamed(root, "Part").map(parsePart);
  if (parts.length === 0 || parts.length > LIMITS.partNumberMax) {
    throw malformed(`CompleteMultipartUpload must hold 1 to ${LIMITS.partNumberMax} Parts.`);
  }
  let last = 0;
  for (const { number } of parts) {
    if (number <= last) throw new S3Error("InvalidPartOrder");
    last = number;
  }
  return parts;
}

function parsePart(element: XmlElement): CompletedPart {
  allowChildren(element, ["PartNumber", "ETag", ...CHECKSUM_ELEMENTS]);
  const number = findText(element, "PartNumber");
  const etag = findText(element, "ETag");
  if (number === undefined || etag === undefined) {
    throw malformed("A Part must hold PartNumber and ETag.");
  }
  const checksum = findChecksum(element);
  return {
    number: parsePartNumber(number.trim()),
    etag: unquote(etag),
    ...(checksum !== undefined && { checksum }),
  };
}

/** What the client says the whole object's checksum is. A composite one may come with its `-N`. Throws InvalidRequest. */
function findClaim(headers: Headers): CompleteRequest["checksum"] {
  const type = findChecksumType(headers);
  for (const [name, value] of headers) {
    const algorithm = findAlgorithmOfHeader(name);
    if (algorithm === undefined) continue;
    parseChecksumValue(algorithm, value.replace(/-\d{1,5}$/, ""));
    return { algorithm, value, ...(type !== undefined && { type }) };
  }
  return undefined;
}

function findSize(headers: Headers): number | undefined {
  const text = headers.get(SIZE_HEADER);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error("InvalidRequest", { message: `Value for ${SIZE_HEADER} header is invalid.` });
}
