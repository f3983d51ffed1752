/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging: the tags change, the object and its time don't. */

import { readSmallBody } from "../auth/payload.ts";
import { LIMITS } from "../limits.ts";
import type { Handler } from "./call.ts";
import type { ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { parseTaggingXml, taggingDocument } from "./tags.ts";
import { requireNullVersion } from "./version_id.ts";
import { xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging: Handler<ObjectOperation> = async (call) => {
  requireNullVersion(call.request);
  const info = await call.services.store.head(call.operation);
  return xmlReply(taggingDocument(info.meta.tags));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging: Handler<ObjectOperation> = async (call) => {
  requireNullVersion(call.request);
  const body = await readSmallBody(call.payload, LIMITS.xmlBytesMax);
  const tags = parseTaggingXml(body, LIMITS.objectTagsMax);
  await call.services.store.update(call.operation, { tags });
  return new Reply(null, { status: 200 });
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging: Handler<ObjectOperation> = async (call) => {
  requireNullVersion(call.request);
  await call.services.store.update(call.operation, { tags: {} });
  return new Reply(null, { status: 204 });
};
