/** create_upload.ts: being written. */

import { S3Error } from "../errors.ts";
import type { Handler } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";

export const createMultipartUpload: Handler<ObjectOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));
