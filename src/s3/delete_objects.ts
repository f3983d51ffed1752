/** delete_objects.ts: being written. */

import { S3Error } from "../errors.ts";
import type { Handler } from "./call.ts";
import type { BucketOperation } from "./operation.ts";

export const deleteObjects: Handler<BucketOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));
