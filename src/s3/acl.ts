/** GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl. What an ACL lets whom do is authorize.ts's matter. */

import { readSmallBody } from "../auth/payload.ts";
import { S3Error } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CannedAcl } from "../storage/object_store.ts";
import { aclDocument, parseAclDocument } from "./acl_document.ts";
import { requireBucket } from "./bucket.ts";
import type { Call, Handler } from "./call.ts";
import { parseCannedAcl } from "./canned_acl.ts";
import { refuseUnsupported } from "./object_meta.ts";
import type { BucketOperation, ObjectOperation } from "./operation.ts";
import { Reply } from "./reply.ts";
import { requireNullVersion } from "./version_id.ts";
import { xmlReply } from "./xml.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export const getBucketAcl: Handler<BucketOperation> = async ({ operation, services }) => {
  const { acl, owner } = await requireBucket(services.store, operation.bucket);
  return xmlReply(aclDocument(acl, owner));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html */
export const putBucketAcl: Handler<BucketOperation> = async (call) => {
  const acl = await readAcl(call);
  await call.services.store.updateBucket(call.operation.bucket, { acl });
  return new Reply(null);
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html */
export const getObjectAcl: Handler<ObjectOperation> = async ({ operation, request, services }) => {
  requireNullVersion(request);
  const { owner } = await requireBucket(services.store, operation.bucket);
  const { meta } = await services.store.head(operation);
  return xmlReply(aclDocument(meta.acl, owner));
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
export const putObjectAcl: Handler<ObjectOperation> = async (call) => {
  requireNullVersion(call.request);
  const acl = await readAcl(call);
  await call.services.store.update(call.operation, { acl });
  return new Reply(null);
};

/** The ACL asked for, by header or by body: S3 wants exactly one. */
async function readAcl(call: Call<BucketOperation | ObjectOperation>): Promise<CannedAcl> {
  const { operation, request, payload, services } = call;
  refuseUnsupported(request.headers);
  const canned = parseCannedAcl(request.headers.get("x-amz-acl"));
  const { owner } = await requireBucket(services.store, operation.bucket);
  const body = payload.present
    ? await readSmallBody(payload, LIMITS.xmlBytesMax)
    : new Uint8Array(0);
  if (body.length === 0) {
    if (canned !== undefined) return canned;
    throw new S3Error("MissingSecurityHeader", {
      message: "An ACL is needed: as x-amz-acl header or as AccessControlPolicy body.",
    });
  }
  if (canned === undefined) return parseAclDocument(body, owner);
  throw new S3Error("InvalidRequest", {
    message: "Specifying both a canned ACL and an ACL body is not allowed.",
  });
}
