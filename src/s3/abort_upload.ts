/** abort_upload.ts: being written. */

import { S3Error } from "../errors.ts";
import type { Handler } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";

export const abortMultipartUpload: Handler<ObjectOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));
