/** UploadPart: one part of an upload, checksummed as the upload's creator asked. */

import type { PayloadChecksum } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { UploadInfo } from "../storage/object_store.ts";
import type { Handler } from "./call.ts";
import { DEFAULT_ALGORITHM } from "./checksum_headers.ts";
import { openIncomingBody } from "./incoming_body.ts";
import { checksumValueHeader, quote } from "./object_headers.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { requirePartNumber, uploadTarget } from "./upload_target.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart: Handler<ObjectOperation> = async (call) => {
  const { request, payload, services: { store } } = call;
  refuseUnsupported(request.headers);
  const target = uploadTarget(call);
  const number = requirePartNumber(request);
  const upload = await store.findUpload(target);
  const sent = payload.checksumAlgorithm;
  checkPartAlgorithm(upload.checksum, sent);
  const algorithm = partChecksumAlgorithm(upload);
  const incoming = openIncomingBody(payload, LIMITS.partBytesMax, algorithm);
  const part = await store.putPart({
    ...target,
    number,
    body: incoming.body,
    ...(incoming.sizeHint !== undefined && { sizeHint: incoming.sizeHint }),
    seal: incoming.check,
  });
  const isTold = sent !== undefined || upload.checksum !== undefined;
  return new Reply(null, {
    headers: { etag: quote(part.etag), ...(isTold && checksumValueHeader(part.checksum)) },
  });
};

/** In which algorithm a part is checksummed that comes without a checksum: S3's own when the upload's creator asked for none. */
export function partChecksumAlgorithm(upload: UploadInfo): PayloadChecksum["algorithm"] {
  return upload.checksum?.algorithm ?? DEFAULT_ALGORITHM;
}

/**
 * Throws InvalidRequest, as S3 does, when the part's checksum is in another algorithm than the upload's, or is missing where
 * the object's will be made of those the client knows. An upload without an algorithm takes parts with any.
 */
function checkPartAlgorithm(
  expected: UploadInfo["checksum"],
  sent: PayloadChecksum["algorithm"] | undefined,
): void {
  if (expected === undefined || sent === expected.algorithm) return;
  if (sent === undefined && expected.type === "FULL_OBJECT") return;
  throw new S3Error("InvalidRequest", {
    message:
      `Checksum Type mismatch occurred, expected checksum Type: ${expected.algorithm.toLowerCase()}, actual checksum Type: ${
        sent?.toLowerCase() ?? "null"
      }`,
  });
}
