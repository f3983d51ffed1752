/** AbortMultipartUpload: the upload and its parts are gone. */

import type { Handler } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { uploadTarget } from "./upload_target.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export const abortMultipartUpload: Handler<ObjectOperation> = async (call) => {
  await call.services.store.abortUpload(uploadTarget(call));
  return new Reply(null, { status: 204 });
};
