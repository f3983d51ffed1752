/** CreateMultipartUpload: takes the object's metadata now, and settles how its checksum will be made. */

import { defaultChecksumType, findAlgorithm, isChecksumTypeAllowed } from "../checksum.ts";
import { S3Error } from "../errors.ts";
import type { ChecksumAlgorithm, UploadInit } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { accessKeyIdOf } from "./owner.ts";
import { readObjectMeta } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { leaf, xmlDocument, xmlResponse } from "./xml.ts";

type Headers = ReadonlyMap<string, string>;

const ALGORITHM_HEADER = "x-amz-checksum-algorithm";
const TYPE_HEADER = "x-amz-checksum-type";

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
  return xmlResponse(
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
  const typeText = headers.get(TYPE_HEADER)?.toUpperCase();
  if (algorithm === undefined) {
    if (typeText === undefined) return undefined;
    throw badChecksum(
      `The ${TYPE_HEADER} header can only be used with the ${ALGORITHM_HEADER} header.`,
    );
  }
  if (typeText === undefined) return { algorithm, type: defaultChecksumType(algorithm) };
  if (typeText !== "COMPOSITE" && typeText !== "FULL_OBJECT") {
    throw badChecksum(`Value for ${TYPE_HEADER} header is invalid.`);
  }
  if (!isChecksumTypeAllowed(algorithm, typeText)) {
    throw badChecksum(
      `The ${typeText} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type: typeText };
}

/** `x-amz-checksum-algorithm`, in any case; undefined without it. Throws InvalidRequest for one that isn't known. */
export function findChecksumAlgorithm(headers: Headers): ChecksumAlgorithm | undefined {
  const text = headers.get(ALGORITHM_HEADER);
  if (text === undefined) return undefined;
  const algorithm = findAlgorithm(text);
  if (algorithm !== undefined) return algorithm;
  throw badChecksum(
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
  );
}

function badChecksum(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
