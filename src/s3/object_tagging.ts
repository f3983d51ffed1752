/** object_tagging.ts: being written. */

import { S3Error } from "../errors.ts";
import type { Handler } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";

export const getObjectTagging: Handler<ObjectOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));

export const putObjectTagging: Handler<ObjectOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));

export const deleteObjectTagging: Handler<ObjectOperation> = () =>
  Promise.reject(new S3Error("NotImplemented"));
