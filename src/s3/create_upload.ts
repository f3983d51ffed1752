/** CreateMultipartUpload: takes the object's metadata now, and settles how its checksum will be made. */

import { defaultChecksumType, isChecksumTypeAllowed } from "../checksum.ts";
import type { UploadInit } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import {
  ALGORITHM_HEADER,
  badChecksum,
  findChecksumAlgorithm,
  findChecksumType,
  TYPE_HEADER,
} from "./checksum_headers.ts";
import { readObjectMeta } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { accessKeyIdOf } from "./owner.ts";
import { leaf, xmlDocument, xmlReply } from "./xml.ts";

type Headers = ReadonlyMap<string, string>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload: Handler<ObjectOperation> = async (call) => {
  const { bucket, key } = call.operation;
  const { headers } = call.request;
  const checksum = parseUploadChecksum(headers);
  const upload = await call.services.store.createUpload({
    bucket,
    key,
    initiator: accessKeyIdOf(call.caller),
    meta: readObjectMeta(headers, call.payload.contentEncoding),
    checksum,
  });
  return xmlReply(
    xmlDocument("InitiateMultipartUploadResult", [
      leaf("Bucket", bucket),
      leaf("Key", key),
      leaf("UploadId", upload.uploadId),
    ]),
    checksum === undefined
      ? {}
      : { [ALGORITHM_HEADER]: checksum.algorithm, [TYPE_HEADER]: checksum.type },
  );
};

/** How the upload's checksum will be made; undefined when nothing is said. Throws InvalidRequest. */
function parseUploadChecksum(headers: Headers): UploadInit["checksum"] {
  const algorithm = findChecksumAlgorithm(headers);
  const type = findChecksumType(headers);
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw badChecksum(
      `The ${TYPE_HEADER} header can only be used with the ${ALGORITHM_HEADER} header.`,
    );
  }
  if (type === undefined) return { algorithm, type: defaultChecksumType(algorithm) };
  if (isChecksumTypeAllowed(algorithm, type)) return { algorithm, type };
  throw badChecksum(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}
