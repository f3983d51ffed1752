/** GetBucketCors, PutBucketCors, DeleteBucketCors. What the rules do is cors.ts's matter. */

import { readSmallBody } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { requireBucket } from "./bucket.ts";
import type { Handler } from "./call.ts";
import { corsDocument, formatStoredRules, parseCorsXml, parseStoredRules } from "./cors_rules.ts";
import type { BucketOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html */
export const getBucketCors: Handler<BucketOperation> = async ({ operation, services }) => {
  const { cors } = await requireBucket(services.store, operation.bucket);
  if (cors === undefined) {
    throw new S3Error("NoSuchCORSConfiguration", { details: { BucketName: operation.bucket } });
  }
  return xmlReply(corsDocument(parseStoredRules(cors)));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
export const putBucketCors: Handler<BucketOperation> = async ({ operation, payload, services }) => {
  const body = await readSmallBody(payload, LIMITS.corsConfigurationBytesMax);
  const rules = parseCorsXml(body);
  await services.store.updateBucket(operation.bucket, { cors: formatStoredRules(rules) });
  return new Reply(null);
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html */
export const deleteBucketCors: Handler<BucketOperation> = async ({ operation, services }) => {
  await services.store.updateBucket(operation.bucket, { cors: null });
  return new Reply(null, { status: 204 });
};
