/** GetBucketTagging, PutBucketTagging, DeleteBucketTagging. */

import { readSmallBody } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { requireBucket } from "./bucket.ts";
import type { Handler } from "./call.ts";
import type { BucketOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { parseTaggingXml, taggingDocument } from "./tags.ts";
import { xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html */
export const getBucketTagging: Handler<BucketOperation> = async ({ operation, services }) => {
  const { tags } = await requireBucket(services.store, operation.bucket);
  if (tags === undefined) {
    throw new S3Error("NoSuchTagSet", { details: { BucketName: operation.bucket } });
  }
  return xmlReply(taggingDocument(tags));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html */
export const putBucketTagging: Handler<BucketOperation> = async (call) => {
  const { operation, payload, services } = call;
  const body = await readSmallBody(payload, LIMITS.xmlBytesMax);
  const tags = parseTaggingXml(body, LIMITS.bucketTagsMax);
  await services.store.updateBucket(operation.bucket, { tags });
  return new Reply(null, { status: 204 });
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html */
export const deleteBucketTagging: Handler<BucketOperation> = async ({ operation, services }) => {
  await services.store.updateBucket(operation.bucket, { tags: null });
  return new Reply(null, { status: 204 });
};
