/** What can be asked of a bucket itself: that it is there, where it is, whether it keeps versions; and its deletion. */

import { requireBucket } from "./bucket.ts";
import type { Handler } from "./call.ts";
import type { BucketOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { text, xmlDocument, xmlReply } from "./xml.ts";

/** The region whose location constraint is written as nothing, because it is older than location constraints. */
const UNNAMED_REGION = "us-east-1";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export const headBucket: Handler<BucketOperation> = async ({ operation, services }) => {
  await requireBucket(services.store, operation.bucket);
  return new Reply(null, { headers: { "x-amz-bucket-region": services.region } });
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
export const deleteBucket: Handler<BucketOperation> = async ({ operation, services }) => {
  await services.store.deleteBucket(operation.bucket);
  return new Reply(null, { status: 204 });
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
export const getBucketLocation: Handler<BucketOperation> = async ({ operation, services }) => {
  await requireBucket(services.store, operation.bucket);
  const { region } = services;
  const constraint = text(region === UNNAMED_REGION ? "" : region);
  return xmlReply(xmlDocument("LocationConstraint", [constraint]));
};

/** Versions are never kept, which S3 says with an empty document: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export const getBucketVersioning: Handler<BucketOperation> = async ({ operation, services }) => {
  await requireBucket(services.store, operation.bucket);
  return xmlReply(xmlDocument("VersioningConfiguration", []));
};
